"""Images of evaluation sets are decoded once, and are always those of the files."""

import os
import shutil
from types import SimpleNamespace

import pytest
import torch

from sr.benchmark.pairs import Benchmark
from sr.benchmark.tiled import Tiled
from sr.data.benchmarks import Benchmarks
from sr.data.kept import Kept, Loader, Memory
from sr.image.photograph import folder


class Decoded(Benchmark):
    """Notes what is decoded."""

    def __getitem__(self, index):
        self.seen = [*getattr(self, "seen", []), index]
        return super().__getitem__(index)


@pytest.fixture
def photos(tmp_path):
    for name in ("coins.png", "moon.png"):
        shutil.copy(folder() / name, tmp_path / name)
    return tmp_path


def same(first, second) -> bool:
    return first["name"] == second["name"] and all(torch.equal(first[key], second[key]) for key in ("lr", "hr"))


def test_validations_and_the_test_decode_each_image_once_and_measure_the_same(photos):
    images = Decoded("photos", photos, 2)
    data = Benchmarks(benchmark={"photos": images})
    on_cpu = SimpleNamespace(root_device=torch.device("cpu"))
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, strategy=on_cpu)
    passes = [[*loader] for make in (data.val_dataloader, data.val_dataloader, data.test_dataloader) for loader in make()]
    assert images.seen == [0, 1]
    anew = [Benchmark("photos", photos, 2)[index] for index in (0, 1)]
    for batches in passes:
        for batch, image in zip(batches, anew, strict=True):
            assert same({"name": batch["name"][0], "lr": batch["lr"][0], "hr": batch["hr"][0]}, image)


@pytest.mark.parametrize("change", ["content", "time", "size"])
def test_a_file_that_changed_is_decoded_again(photos, change):
    images, file = Decoded("photos", photos, 2), photos / "coins.png"
    kept = Kept(images, [0], Memory())
    before, about = kept[0], file.stat()
    shutil.copy(photos / "moon.png", file)
    if change == "size":
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    elif change == "time":
        shutil.copy(folder() / "coins.png", file)
    assert same(before, kept[0]) == (change == "time") and images.seen == [0, 0]


def test_what_finds_no_room_is_decoded_each_time(photos):
    images = Decoded("photos", photos, 2)
    first = sum(images[0][key].nbytes for key in ("lr", "hr"))
    kept = Kept(images, [0, 1], Memory(first))
    images.seen = []
    for _ in range(3):
        assert [kept[0]["name"], kept[1]["name"]] == ["coins", "moon"]
    assert images.seen == [0, 1, 1, 1]


def test_tiles_depend_on_the_files_of_their_image(photos):
    tiles = Tiled(tile=200, name="photos", hr=photos, scale=2)
    last = len(tiles) - 1
    assert tiles.depends(0) == [photos / "coins.png"] and tiles.depends(last) == [photos / "moon.png"]


def test_what_is_read_ahead_for_a_gpu_is_the_same_and_an_error_comes_in_its_place(photos):
    kept = Kept(Benchmark("photos", photos, 2), [0, 1, 5], Memory())
    loader, plain = iter(Loader(kept, "mps")), iter(Loader(kept, "cpu"))
    for _ in range(2):
        assert same(next(loader), next(plain))
    for batches in (loader, plain):
        with pytest.raises(IndexError):
            next(batches)
