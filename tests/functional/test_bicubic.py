"""Bicubic enlargement by parts is that of the whole, pixel by pixel."""

import pytest
import torch
from skimage import data

from sr.functional import bicubic
from sr.functional.bicubic import enlarged, part
from sr.functional.resize import imresize

PHOTO = torch.from_numpy(data.chelsea()[:90, :121]).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_parts_are_those_of_the_whole(scale):
    whole = imresize(PHOTO, scale, rounding=True)
    height, width = whole.shape[-2:]
    for rows, columns in (((0, 1), (0, width)), ((height - 1, height), (5, 6)), ((17, 40), (3, 77)), ((0, height), (0, width))):
        expected = whole[..., slice(*rows), slice(*columns)]
        assert torch.equal(part(PHOTO, scale, slice(*rows), slice(*columns)), expected)


def test_bands_make_the_whole(monkeypatch):
    monkeypatch.setattr(bicubic, "BAND", 1000)
    assert torch.equal(enlarged(PHOTO, 3), imresize(PHOTO, 3, rounding=True))
