"""People recognised by local binary patterns: the descriptor against plain loops, the neighbour against SciPy, real faces."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from sr import build
from sr.data.source.labelled import Labelled
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.kind import Kind
from sr.metric.identity import Identity, describe
from sr.metric.record import record

GRAY = Kind("gray", 1, "uint8", (0, 255), 255, False, (0,))


@pytest.fixture(scope="module")
def att(sr_data) -> Path:
    folder = sr_data / "domains" / "faces" / "att_orl"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


def metric(folder: Path, pattern: str = r"(?P<person>s\d+)_1\.pgm") -> Identity:
    return Identity(gallery=Labelled(folder, pattern), kind=GRAY, levels=255, luma=False)


def faces(folder: Path, number: int, people: range) -> torch.Tensor:
    files = [folder / f"s{person:02d}_{number}.pgm" for person in people]
    return torch.stack([torch.from_numpy(np.array(Image.open(file)))[None] / 255 for file in files])


def test_the_nearest_face_is_that_of_a_tree_and_small_faces_are_recognised_less(att):
    people = range(21, 41)
    names = [f"s{person:02d}" for person in people]
    hr, identity = faces(att, 9, people), metric(att)
    lr = imresize(hr, size=(14, 11), rounding=255)
    small = imresize(lr, size=(112, 92), rounding=255)
    known, descriptors = identity.known
    found = {}
    for what, pictures in (("hr", hr), ("small", small)):
        described = [describe((face[0] * 255).round().byte().numpy()) for face in pictures]
        _, nearest = cKDTree(descriptors).query(np.stack(described), p=1)
        expected = [float(known[place] == name) for place, name in zip(nearest, names, strict=True)]
        assert identity(pictures, person=names).tolist() == expected
        found[what] = np.mean(expected)
    assert len(set(known)) == 40 and found["hr"] > found["small"] + 0.2


def test_the_descriptor_is_the_papers():
    """LBP(8, 2) by SciPy's interpolation: the same histograms, up to the order of the 59 patterns."""
    face = np.random.default_rng(0).integers(0, 256, (63, 49), np.uint8)
    rows, columns = np.mgrid[:63, :49]
    codes = np.zeros(face.shape, int)
    for bit, angle in enumerate(np.arange(8) * np.pi / 4):
        places = [np.round(rows - 2 * np.sin(angle), 5), np.round(columns + 2 * np.cos(angle), 5)]
        neighbours = map_coordinates(face.astype(float), places, order=1, mode="grid-constant")
        codes |= (neighbours >= face).astype(int) << bit
    bits = codes[..., None] >> np.arange(8) & 1
    uniform = (bits != np.roll(bits, 1, -1)).sum(-1) <= 2
    patterns = np.unique(np.where(uniform, codes, 256), return_inverse=True)[1].reshape(face.shape)
    cells = patterns.reshape(7, 9, 7, 7).swapaxes(1, 2).reshape(49, 63)
    expected = np.stack([np.bincount(cell, minlength=59) / 63 for cell in cells])
    ours = describe(face).reshape(49, 59)
    np.testing.assert_allclose(sorted(ours.T.tolist()), sorted(expected.T.tolist()), atol=1e-12)


def test_who_is_missing_is_one_line(att):
    with pytest.raises(InputError, match=r"^metric\.identity\.gallery has no image of person s41, only of s01, [^\n]*s40$"):
        metric(att)(faces(att, 5, range(1, 2)), person=["s41"])
    with pytest.raises(
        InputError, match=r"^metric\.identity\.gallery\.pattern=[^\n]*: it needs a group \(\?P<person>\.\.\.\)$"
    ):
        metric(att, r"s0._1\.pgm")(faces(att, 5, range(1, 2)), person=["s01"])
    with pytest.raises(InputError, match=r"^Identity needs 11x11 pixels, but 8x8 less a border of 0 leaves 8x8$"):
        metric(att)(torch.zeros(1, 1, 8, 8), person=["s01"])


def test_the_gallery_is_in_the_record(att):
    all_of_them, half = record(metric(att)), record(metric(att, r"(?P<person>s[01]\d)_1\.pgm"))
    assert len(all_of_them["weights"]) == 64 and all_of_them["weights"] != half["weights"]


def test_a_report_measures_bicubic_with_the_same_gallery(att, sr_data):
    again = build.metrics(["identity", "psnr"], 4, GRAY, str(sr_data))["identity"]
    assert record(again) == record(metric(att))
