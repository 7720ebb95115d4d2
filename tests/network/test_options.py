"""Transformers: options that do not fit each other are one line; windows of any size work."""

import pytest
import torch

from sr.errors import InputError
from sr.network.spandrel import Spandrel
from sr.weights import contract

OPTIONS = {
    "SwinIR": {"depths": 2, "num_heads": 6, "window_size": 8, "mlp_ratio": 2, "upsampler": "pixelshuffle"},
    "HAT": {"depths": 2, "num_heads": 6, "window_size": 8, "overlap_ratio": 0.5, "upsampler": "pixelshuffle"},
    "DAT": {"depth": 2, "num_heads": 6, "split_size": [4, 8], "upsampler": "pixelshuffle"},
    "RGT": {"depth": 2, "num_heads": 6, "split_size": [4, 8]},
}


def built(architecture: str, n_feats: int = 12, **change) -> torch.nn.Module:
    network = Spandrel(
        scale=2, architecture=architecture, n_feats=n_feats, n_blocks=1, options={**OPTIONS[architecture], **change}
    )
    return contract.network(network, 2)


@pytest.mark.parametrize(
    "architecture, change, line",
    [
        ("SwinIR", {"num_heads": 5}, "num_heads=5 does not divide network.n_feats=12; choose one of 1, 2, 3, 4, 6, 12"),
        ("DAT", {"num_heads": 0}, "num_heads=0 does not divide"),
        ("RGT", {"num_heads": [6, 6]}, "num_heads has 2 numbers, but network.n_blocks=1"),
        ("SwinIR", {"depths": [2, 2]}, "depths has 2 numbers, but network.n_blocks=1"),
        ("SwinIR", {"window_size": 0}, "window_size=0: a whole number of at least 1"),
        ("DAT", {"split_size": 8}, "split_size=8: two whole numbers"),
        ("RGT", {"split_size": [12, 24]}, r"split_size=\[12, 24\]: RGT needs divisors of 64"),
        ("HAT", {"window_size": 7}, r"window_size=7: window_size x overlap_ratio \(0.5\) must be even.*; choose window_size=8"),
        ("SwinIR", {"mlp_ratio": "wide"}, "SwinIR cannot be built with these options"),
        ("SwinIR", {"upsampler": "foo"}, r"SwinIR turns \(1, 3, 8, 8\) into \(1, 3, 8, 8\); expected .* at scale=2"),
    ],
)
def test_what_does_not_fit_is_one_line(architecture, change, line):
    with pytest.raises(InputError, match=line) as caught:
        built(architecture, **change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("architecture, change", [("SwinIR", {"window_size": 12}), ("DAT", {"split_size": [6, 12]})])
def test_windows_that_do_not_divide_64(architecture, change):
    network = built(architecture, n_feats=36, **change).eval()
    assert network.multiple_of == 12
    assert network(torch.rand(1, 3, 12, 24)).shape == (1, 3, 24, 48)
