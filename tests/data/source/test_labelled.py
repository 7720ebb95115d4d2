"""A pattern chooses images, and tells what is known of each."""

from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image

from sr.benchmark.pairs import Benchmark
from sr.data.source.labelled import Labelled
from sr.data.split import Split
from sr.errors import InputError, MissingError
from sr.image.kind import Kind
from tests.jobs import CONF

GRAY = Kind("gray", 1, "uint8", (0, 255), 255, False, (0,))
PEOPLE = r"(?P<person>s\d+)_\d\.png"


@pytest.fixture
def faces(tmp_path) -> Path:
    for number, name in enumerate(("s01_1", "s01_2", "s02_1", "s02_2", "readme")):
        Image.fromarray(np.full((40, 48), 50 * number, np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_named_groups_are_keys_of_a_benchmark(faces):
    images = Benchmark("faces", Labelled(faces, PEOPLE), 2, kind=GRAY)
    images.prepare()
    assert [(images[n]["name"], images[n]["person"]) for n in range(4)] == [
        ("s01_1", "s01"), ("s01_2", "s01"), ("s02_1", "s02"), ("s02_2", "s02"),
    ]  # fmt: skip
    assert images[2]["hr"].shape == (1, 40, 48) and images[2]["lr"].shape == (1, 20, 24)


def test_the_split_is_by_person(faces):
    source = Labelled(faces, PEOPLE, validation=r"(?P<person>s02)_\d\.png")
    held = Split(scale=2).of([source], degradation=None, kind=GRAY)
    assert held.names == ["s02_1", "s02_2"] and [file.stem for file, _ in source.files()] == ["s01_1", "s01_2"]
    assert source.further(faces / "s02_1.png") == {"person": "s02"}


def test_texts_lie_beside_the_images(faces):
    source = Labelled(faces, r"(s01_\d)\.png", text=r"\1.gt.txt")
    with pytest.raises(MissingError, match=r"^[^\n]*: no truth text [^\n]*s01_1\.gt\.txt of [^\n]*s01_1\.png$"):
        source.prepare()
    (faces / "s01_1.gt.txt").write_text("Grüße\n", encoding="utf-8")
    (faces / "s01_2.gt.txt").write_bytes("Grüße".encode("latin-1"))
    assert source.further(faces / "s01_1.png") == {"text": "Grüße"}
    with pytest.raises(InputError, match=r"^[^\n]*s01_2\.gt\.txt: the truth text is not UTF-8: convert it$"):
        source.prepare()
    (faces / "s01_2.gt.txt").write_text(" \n")
    with pytest.raises(InputError, match=r"^[^\n]*s01_2\.gt\.txt: the truth text is empty: [^\n]*$"):
        source.prepare()


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda folder: Labelled(folder, "(s"), InputError, r"'\(s' is not a regular expression: "),
        (lambda folder: Labelled(folder, "nobody").files(), MissingError, "no images in .* match nobody"),
        (lambda folder: Labelled(folder / "none", "x", name="AT&T").files(), MissingError, "AT&T not found: no such folder"),
    ],
)
def test_what_is_wrong_is_one_line(make, error, message, faces):
    with pytest.raises(error, match=rf"^[^\n]*{message}[^\n]*$"):
        make(faces)


def of_config(sr_data: Path, group: str, name: str):
    """The benchmark or the training source of a YAML."""
    if not (sr_data / "domains").is_dir():
        pytest.skip(f"no folder {sr_data}/domains")
    node = OmegaConf.load(CONF / group / f"{name}.yaml")
    node = node[name] if group == "benchmark" else node.train
    known = {"data_dir": str(sr_data), "scale": 4, "image": OmegaConf.load(CONF / "image" / "gray.yaml"), "node": node}
    return instantiate(OmegaConf.create(known).node, _convert_="all")


@pytest.mark.parametrize("name, counts", [("documents", (19, 9, 1)), ("faces_att", (40, 48, 12)), ("microscopy", (15, 3, 1))])
def test_nothing_that_is_tested_is_trained_on(sr_data, name, counts):
    tested, source = of_config(sr_data, "benchmark", name), of_config(sr_data, "data", name)
    trained, held = ([file for file, _ in files] for files in (source.files(), source.validation()))
    assert (len(tested), len(trained), len(held)) == counts
    sets = [{file for file, _ in tested.pairs}, set(trained), set(held)]
    if name == "faces_att":  # none of the people either
        sets = [{file.stem.split("_")[0] for file in files} for files in sets]
        assert [len(people) for people in sets] == [20, 16, 4]
    assert len(set.union(*sets)) == sum(map(len, sets))


def test_lines_come_with_their_text_and_faces_with_their_person(sr_data):
    line, face = of_config(sr_data, "benchmark", "documents")[7], of_config(sr_data, "benchmark", "faces_att")[0]
    assert (line["name"], line["text"], face["name"], face["person"]) == ("010008.bin", "Fig. 1", "s21_5", "s21")
