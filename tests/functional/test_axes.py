"""The scale of a volume: a factor for each axis."""

import pytest
import torch

from sr.errors import InputError
from sr.functional.axes import check_volume, factors


def test_factors():
    assert factors(2, "through_plane") == (2, 1, 1) and factors(4, "isotropic") == (4, 4, 4)
    assert factors(4, [4, 2, 2]) == (4, 2, 2)


@pytest.mark.parametrize(
    ("scale", "axes", "says"),
    [
        (2, None, "axes=None: choose isotropic, through_plane or three whole factors"),
        (2, "inplane", "axes=inplane: choose"),
        (2, [2, 1], r"axes=\[2, 1\]: choose"),
        (2, [4, 1, 1], r"axes=\[4, 1, 1\]: the largest factor is scale, but scale=2: pass scale=4"),
        (2.5, "isotropic", "scale 2.5 is not supported"),
    ],
)
def test_what_makes_no_sense_is_one_line(scale, axes, says):
    with pytest.raises(InputError, match=f"^{says}"):
        factors(scale, axes)


def test_a_picture_is_no_volume():
    with pytest.raises(InputError, match=r"^lr has shape \(1, 3, 8, 8\): expected \(N, C, D, H, W\)"):
        check_volume(torch.zeros(1, 3, 8, 8), "lr")
