"""Tiles divided by scene: no part touches another, by coordinates that rasterio reads; refusals."""

from itertools import product

import numpy as np
import pytest
import rasterio

from sr.benchmark.tiles import TileBenchmark
from sr.data.source.tiles import PARTS, Tiles
from sr.errors import InputError
from sr.image.kind import Kind
from tests.image.geotiffs import LANDSAT8, POINT, SENTINEL2, cut, written

KIND = Kind("sentinel2", 6, "uint16", (0, 10000), 10000, False, (5, 3, 0), "clip")


@pytest.fixture
def scene(tmp_path):
    cut(SENTINEL2, tmp_path / "scene", 8)
    return tmp_path / "scene"


def box(file):
    with rasterio.open(file) as opened:
        return opened.bounds


@pytest.mark.parametrize("gap", [1, 12])
def test_the_parts_of_one_scene_are_apart(scene, gap):
    tiles = Tiles(scene, val=0.1, test=0.2, gap=gap)
    parts = tiles.parts
    assert all(parts[part] for part in PARTS) and sum(map(len, parts.values())) < 64
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        for a, b in product(map(box, parts[one]), map(box, parts[other])):
            apart = max(a.left - b.right, b.left - a.right, a.bottom - b.top, b.bottom - a.top) / 20
            assert apart >= gap
    train = [file for file, _ in tiles.files()]
    assert set(train) == {*parts["train"], *parts["val"]}
    assert [file for file, _ in tiles.validation()] == parts["val"]


def test_whole_scenes_are_held_out(tmp_path):
    for name in "abcde":
        cut(SENTINEL2, tmp_path / "scenes" / name, 32)
    tiles = Tiles(tmp_path / "scenes")
    scenes = {part: {file.parent.name for file in files} for part, files in tiles.parts.items()}
    assert [len(scenes[part]) for part in PARTS] == [3, 1, 1] and set.union(*scenes.values()) == set("abcde")
    assert all(len(files) == 4 * len(scenes[part]) for part, files in tiles.parts.items())
    cut(SENTINEL2, tmp_path / "scenes" / "f", 32)  # a scene more moves at most one of the others into or out of each part
    again = {part: {file.parent.name for file in files} for part, files in Tiles(tmp_path / "scenes").parts.items()}
    assert len(scenes["test"] & again["test"]) + len(scenes["test"] & {"f"}) + len(again["test"] & {"f"}) >= 1


def test_the_test_part_is_a_benchmark(scene, capsys):
    benchmark = TileBenchmark("x", scene, 2, gap=8, kind=KIND)
    benchmark.prepare()
    assert sorted(benchmark.names) == sorted(file.stem for file in Tiles(scene, gap=8).parts["test"])
    sample = benchmark[0]
    assert sample["hr"].shape == (6, 8, 8) and sample["lr"].shape == (6, 4, 4) and "mask" not in sample
    Tiles(scene, gap=8).prepare()
    assert capsys.readouterr().out.startswith(f"{scene}: tiles by 1 scene in blocks: ")


def test_what_is_refused(scene, tmp_path):
    for settings in ({"part": "all"}, {"test": 0}, {"gap": -1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            Tiles(scene, **settings)
    other = cut(LANDSAT8, scene, 48, "other.tif")[0]
    with pytest.raises(InputError, match="EPSG:32616, pixels of 30 x 30, but .* in EPSG:32618, pixels of 20 x 20: put the"):
        _ = Tiles(scene).parts
    other.unlink()
    band = cut(POINT, scene, 48, "band.tif")[0]
    with pytest.raises(InputError, match=r"band.tif has 1 bands, but .* has 6: keep tiles of one kind in a folder"):
        _ = Tiles(scene).parts
    band.unlink()
    written(scene / "no.tif", np.ones((8, 8, 6), np.uint16), crs=None, nodata=0)
    with pytest.raises(InputError, match="no.tif: no coordinates"):
        _ = Tiles(scene).parts
    with pytest.raises(InputError, match="too few tiles for training, validation and test: none are left for train"):
        _ = Tiles(cut(SENTINEL2, tmp_path / "two", 32)[0].parent, gap=200).parts
