"""The loss of RealBasicVSR's cleaning module."""

import pytest
import torch
import torch.nn.functional as F

from sr.errors import InputError
from sr.loss.cleaning import Cleaning
from sr.loss.l1 import L1
from sr.loss.weighted_sum import WeightedSum


def test_it_is_the_distance_to_hr_reduced_by_area():
    cleaned, hr = torch.rand(2, 3, 5, 6), torch.rand(2, 3, 20, 24)
    area = F.interpolate(hr, scale_factor=0.25, mode="area")
    torch.testing.assert_close(Cleaning()(cleaned, hr), (cleaned - area).abs().mean())
    assert Cleaning()(area, hr) < 1e-7
    with pytest.raises(InputError, match="needs equal shapes"):
        Cleaning()(cleaned, hr[..., :22])


def test_a_sum_gives_each_loss_what_it_is_of():
    sr, hr, cleaned = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), torch.rand(1, 3, 4, 4)
    both = WeightedSum({"l1": L1(weight=2.0), "cleaning": Cleaning(weight=0.5)})
    assert both.of == {"cleaned"} and WeightedSum({"l1": L1()}).of == set()
    total, parts = both(sr, hr, None, {"cleaned": cleaned})
    assert parts == {"l1": L1()(sr, hr), "cleaning": Cleaning()(cleaned, hr)}
    torch.testing.assert_close(total, 2 * parts["l1"] + 0.5 * parts["cleaning"])
