"""Results of the classes that the authors of released files wrote: with weights that a formula gives, ours are the same.

The numbers were printed by the authors' own code, on the same weights and image. They tell what no key and no shape does:
slopes of activations, dilations, sums and ranges.
"""

import pytest
import torch
from torch import nn

from sr.network.luma import LumaNetwork
from sr.weights.recognise import candidates
from tests.network.test_releases import rlfn


def wave(network: nn.Module) -> nn.Module:
    """Weights of sines, in the order of their names."""
    with torch.no_grad():
        for i, (_, value) in enumerate(sorted(network.state_dict().items())):
            sine = torch.sin(0.7 * torch.arange(value.numel(), dtype=torch.float64) + i).reshape(value.shape)
            value.copy_(sine / value[0].numel() ** 0.5 if value.ndim > 1 else 0.5 + 0.5 * sine)
    return network


# Pixels: (channel, row, column) = (0, 3, 5), (1, 20, 30), (2, 40, 17), (0, 47, 39).
AUTHORS = [
    ("vapsr_small", 4, {}, 0.483086, 1.23056, (0.913381, 1.18182, 1.11369, 0.822259)),
    ("vapsr", 2, {"n_blocks": 20}, 0.651364, 2.75872, (-1.41551, -0.278937, -0.0430494, 7.32607)),
    ("vapsr", 3, {"n_blocks": 20}, 0.495919, 2.73018, (-5.4481, 0.00675775, -0.669125, -0.428559)),
    ("vapsr", 4, {}, 0.545191, 1.35764, (-0.493911, 0.246301, 0.653052, 1.08649)),
    ("efdn", 4, {}, 0.513448, 1.42379, (-5.20066, 0.649521, -0.122981, 0.743396)),
    ("bsrn_small", 4, {}, 0.512593, 1.27497, (1.57225, 0.5133, 0.124174, 0.109325)),
    ("rfdn", 4, {}, 0.0071459, 1.24832, (-1.31398, 0.0835145, 1.51967, 0.0771168)),
    (
        "rfdn",
        4,
        {"n_feats": 64, "rgb_range": 1.0, "dilation": [1, 2, 5, 1]},
        0.519345,
        1.62518,
        (6.26798, 0.216165, -1.16235, 0.439392),
    ),
    (
        "rfdn",
        4,
        {"n_feats": 40, "n_esa_feats": 12, "residual": False},
        0.00139187,
        1.35456,
        (-1.41483, -0.0993206, 0.303827, 0.858576),
    ),
    ("rlfn_ntire", 4, {}, 0.00242168, 0.70188, (1.65862, -0.884247, -0.331295, 0.122026)),
    ("ecbsr_m4c8", 2, {"rgb_range": 1.0}, 2.33265, 77.1274, (11.5086, -15.9139, -20.8199, 49.813)),
    ("ecbsr_m4c16", 3, {"rgb_range": 1.0, "skip": True}, 3.61255, 22.1337, (39.6862, -5.08781, 1.42088, 14.8133)),
    ("bicubic_pp", 3, {}, 0.00146665, 0.896249, (0.866214, -1.26906, -0.0598491, -0.882392)),
]


@pytest.mark.parametrize(
    ("name", "scale", "options", "mean", "std", "pixels"), AUTHORS, ids=[f"{name}_x{s}-{len(o)}" for name, s, o, *_ in AUTHORS]
)
def test_results_are_the_authors(build, name, scale, options, mean, std, pixels):
    network = wave(build(name, scale, **options))
    lr = (0.5 + 0.5 * torch.sin(0.37 * torch.arange(3 * 24 * 20, dtype=torch.float64))).reshape(1, 3, 24, 20).float()
    with torch.inference_mode():
        sr = network(lr[:, :1] if isinstance(network, LumaNetwork) else lr)[0]
    found = [sr[0, 3, 5], sr[1 % len(sr), 20, 30], sr[2 % len(sr), 40, 17], sr[0, 47, 39]]
    assert [float(value) for value in (sr.mean(), sr.std(), *found)] == pytest.approx([mean, std, *pixels], abs=2e-5, rel=1e-4)


def test_rlfn_is_recognised_by_the_names_of_the_challenge():
    """Which are RFDN's, without whose distillation it is no RFDN."""
    old = {"conv_1.": "fea_conv.", "conv_2.": "LR_conv.", "block_": "B"}
    tensors = {}
    for key, shape in rlfn(4, 46, 48, 4).items():
        for ours, theirs in old.items():
            key = theirs + key.removeprefix(ours) if key.startswith(ours) else key
        tensors[key] = torch.randn(shape, generator=torch.Generator().manual_seed(len(tensors)))
    found = candidates(tensors, "team04.pth")[0][0].build()
    assert type(found).__name__ == "RLFN" and (found.scale, found.rgb_range, len(found.blocks)) == (4, 255.0, 4)
    assert torch.equal(found.state_dict()["block_4.c1_r.weight"], tensors["B4.c1_r.weight"])
