"""What every network for bursts promises, tried on every file of conf/network whose class has `bursts`."""

import inspect

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.infer.upscaler import upscale
from sr.network.highresnet import HighResNet
from sr.weights import contract
from tests.bursts import burst, photo, psnr
from tests.network.small import BURSTS, FILES, build

TRAINED = [name for name in BURSTS if name not in ("shift_and_add", "back_projection")]


def small(name: str, scale: int = 2) -> torch.nn.Module:
    return build(name, scale, **({"n_feats": 8, "n_blocks": 1} if name in TRAINED else {}))


@pytest.mark.parametrize("name", BURSTS)
def test_any_number_of_frames_and_every_scale(name):
    for frames, scale in ((1, 2), (2, 3), (5, 4)):
        lr = burst(32, 2, frames=frames)[0].repeat(2, 1, 1, 1, 1)[..., :12]
        network = small(name, scale)
        with torch.inference_mode():
            sr, first = network(lr), network(lr[:1])
        assert sr.shape == (2, 3, 16 * scale, 12 * scale) and sr.isfinite().all()
        torch.testing.assert_close(sr[:1], first, atol=1e-5, rtol=1e-5)
    assert network.scale == 4 and network.bursts and contract.network(network, 4, {13}) is network


@pytest.mark.parametrize("name", BURSTS)
def test_missing_frames_change_nothing(name):
    lr, network = burst(48, frames=5)[0], small(name)
    with torch.inference_mode():
        torch.testing.assert_close(network(lr, torch.tensor([3])), network(lr[:, :3]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in BURSTS if name != "highresnet"])
def test_the_order_of_the_frames_after_the_first_changes_nothing(name):
    lr, network = burst(48, frames=4)[0], small(name)
    with torch.inference_mode():
        torch.testing.assert_close(network(lr[:, [0, 3, 1, 2]]), network(lr), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_reach_every_parameter(name):
    network = small(name)
    (network(burst(48, frames=4)[0]) - 0.3).square().mean().backward()
    assert not [
        key for key, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ]


@pytest.mark.parametrize("name", BURSTS)
def test_yaml_names_the_module_and_the_arguments(name):
    config = FILES[name]
    signature = inspect.signature(get_class(config["_target_"])).parameters
    assert name.startswith(config["_target_"].removeprefix("sr.network.").split(".")[0])
    assert set(config) - {"_target_"} == set(signature) and all(p.kind is p.KEYWORD_ONLY for p in signature.values())
    assert OmegaConf.to_container(config)["scale"] == "${scale}"
    with pytest.raises(InputError, match=r"^scale -1 .*choose"):
        get_class(config["_target_"])(scale=-1)


def test_classical_fusion_is_better_than_one_frame_and_leaves_out_other_scenes():
    lr = burst(96, frames=6)[0]
    bicubic = psnr(imresize(lr[:, 0], 2), photo(96))
    other = photo(48, 300, 20)[:, None]
    for name, gain in (("shift_and_add", 0.3), ("back_projection", 2)):
        network = build(name, 2)
        sr = network(lr)
        assert psnr(sr, photo(96)) > bicubic + gain
        with pytest.warns(UserWarning, match="1 of 7 frames cannot be registered with the first one, and are left out"):
            torch.testing.assert_close(network(torch.cat([lr, other], 1)), sr, atol=1e-4, rtol=0)  # other sums in registration


def test_tiles_of_a_burst():
    lr, network = burst(128, frames=3)[0], build("shift_and_add", 2)
    tiles = upscale(network, lr, tile=40, overlap=16)
    assert tiles.shape == (1, 3, 128, 128) and (tiles - network(lr)).abs().mean() < 2e-3  # each is registered on its own
    with pytest.raises(InputError, match=r"^burst has shape \(1, 3, 64, 64\): expected \(N, T, C, H, W\)"):
        upscale(network, lr[:, 0])


# What ServiceNow/HighRes-net's code (HRNet.py) makes of `waves` with the weights of `filled`: every 5th row and 7th column.
THEIRS = {
    1: "-.271681 -.260117 -.263498 -.27082 -.270423 -.284233 -.268466 -.290037 -.269662 -.268144 -.260846 -.264102",
    4: "-.344114 -.177725 -1.10368 -.743186 -.112782 -.604508 -1.869697 -1.394396 -2.221861 -.462999 -.170438 -.958163",
    16: "-1.124293 .00347 -4.245556 -5.549969 .463044 -2.489819 -6.957143 -8.365965 -10.024017 -.881868 .011332 -4.470281",
}
OF_10 = "-.520272 -.069327 -4.426554 -1.38089 -.059894 -1.716081 -3.950198 -2.739305 -3.423959 -.736229 -.085131 -2.4563"


def numbers(text: str) -> torch.Tensor:
    return torch.tensor([float(word) for word in text.split()])


def test_highresnet_is_the_authors():
    network = HighResNet(n_feats=8).eval()
    with torch.no_grad():
        for i, parameter in enumerate(network.state_dict().values()):  # in the order of their keys
            values = torch.arange(parameter.numel(), dtype=torch.float32) * (0.7 + 0.01 * i) + i
            parameter.copy_(values.sin().view(parameter.shape) * 0.2)
        for frames, expected in THEIRS.items():
            waves = (torch.arange(frames * 36, dtype=torch.float32) * 0.37).sin().view(1, frames, 1, 6, 6) * 0.4 + 0.5
            made = network(waves)[0, 0, ::5, ::7].flatten()
            torch.testing.assert_close(made, numbers(expected), atol=2e-5, rtol=1e-5)
        made = network(waves, torch.tensor([10]))[0, 0, ::5, ::7].flatten()
    torch.testing.assert_close(made, numbers(OF_10), atol=2e-5, rtol=1e-5)
    assert sum(p.numel() for p in HighResNet().parameters()) == 591818  # config.json's
    with pytest.raises(InputError, match="^reference=mean: choose median or first"):
        HighResNet(reference="mean")
