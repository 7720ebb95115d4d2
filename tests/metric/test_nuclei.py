"""Nuclei counted: drawn ones, counted by hand in a micrograph, and in tissue whose stains are separated."""

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import hed2rgb
from skimage.draw import ellipse
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read
from sr.image.kind import PHOTO, Kind
from sr.metric.nuclei import Nuclei

CENTRES = [(15, 15), (15, 50), (15, 85), (50, 20), (50, 32), (60, 70), (85, 25), (88, 90)]  # (50, 20) and (50, 32) touch


def drawn() -> np.ndarray:
    """(100, 110) with 1 where one of eight nuclei is, 16x12 pixels each."""
    amount = np.zeros((100, 110))
    for y, x in CENTRES:
        amount[ellipse(y, x, 8, 6.5, amount.shape)] = 1
    return amount


def tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, C) in 0..255 -> (1, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None] / 255


def test_drawn_nuclei_are_counted_in_both_stains():
    noise = np.random.default_rng(0).normal(0, 0.02, (100, 110))
    fluorescent = ((0.1 + 0.6 * drawn() + noise).clip(0, 1) * 255).astype(np.uint8)
    assert Nuclei(stain="fluorescence").count(fluorescent) == len(CENTRES)
    stains = np.stack([0.05 + 0.12 * drawn(), np.full((100, 110), 0.05), np.zeros((100, 110))], -1)  # eosin everywhere
    assert Nuclei().count((hed2rgb(stains) * 255).astype(np.uint8)) == len(CENTRES)
    assert Nuclei().count(np.full((40, 40, 3), 200, np.uint8)) == 0


def test_a_micrograph_is_counted_as_by_hand(sr_data):
    """19 nuclei by eye, among them three pairs that touch."""
    file = sr_data / "domains" / "medical" / "microscopy" / "img2d.tif"
    if not file.is_file():
        pytest.skip(f"no file {file}")
    assert Nuclei(stain="fluorescence").count(read(file).pixels[62:178, 110:220, 0]) == 19


def test_the_score_is_the_difference_of_the_counts():
    hr = tensor(data.immunohistochemistry()[100:260, 240:400])
    nuclei = Nuclei()
    small = imresize(imresize(hr, 1 / 8, rounding=255), 8, rounding=255)
    counts = [nuclei.count((picture[0] * 255).round().byte().permute(1, 2, 0).numpy()) for picture in (hr, small)]
    batch = nuclei(torch.cat([hr, small]), torch.cat([hr, hr]))
    assert counts[0] > 20 and batch.tolist() == [0, pytest.approx(abs(counts[1] - counts[0]) / counts[0])] and batch[1] > 0.2


def test_bad_input_is_one_line():
    with pytest.raises(InputError, match=r"^metric\.nuclei\.stain=eosin: choose hematoxylin or fluorescence$"):
        Nuclei(stain="eosin")
    one = Kind("gray", 1, "uint8", (0, 255), 255, False, (0,))
    with pytest.raises(InputError, match=r"hematoxylin needs RGB, not the bands of image=gray \(1\): pass [^\n]*$"):
        Nuclei(kind=one)  # before a training, not after it
    assert Nuclei(kind=one, stain="fluorescence") and Nuclei(kind=PHOTO)
    gray = torch.zeros(1, 1, 32, 32)
    with pytest.raises(InputError, match=r"^metric\.nuclei\.stain=hematoxylin needs RGB: [^\n]*$"):
        Nuclei()(gray, gray)
    with pytest.raises(InputError, match=r"^sr is \(1, 1, 32, 31\) and hr is \(1, 1, 32, 32\): [^\n]*$"):
        Nuclei()(gray[..., :-1], gray)
