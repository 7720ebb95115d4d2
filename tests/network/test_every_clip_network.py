"""What every network for clips promises, tried on every file of conf/network whose class has `clips`."""

import copy
import inspect

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf
from torch import nn

from common import activations
from sr.errors import InputError
from sr.functional.frames import is_clip
from sr.functional.warp import warp
from sr.model.recompute import recompute
from sr.network.edvr import EDVR, window
from sr.network.rrn import RRN
from sr.weights import contract
from tests.network.small import CLIPS, CONF, FILES, build, scales, shrunk

LIGHT = [name for name in CLIPS if name != "edvr_large"]


def small(name: str, scale: int = 4, **options: object) -> nn.Module:
    return build(name, scale, **shrunk(name, n_blocks=1), **{"n_feats": 8, **options})


def clip(frames: int = 3, height: int = 16, width: int = 20, n: int = 1, channels: int = 3) -> torch.Tensor:
    return torch.rand(n, frames, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", LIGHT)
def test_clips_of_any_length_at_every_scale(name):
    for scale in scales(name):
        network = small(name, scale)
        for frames in (1, 6) if scale == 4 else (2,):
            with torch.inference_mode():
                sr = network(clip(frames, 8, 12))
            assert sr.shape == (1, frames, 3, scale * 8, scale * 12) and sr.dtype == torch.float32 and sr.isfinite().all()
        assert is_clip(network) and network.scale == scale and (network.reach_t is None or network.reach_t == 2)
    with pytest.raises(InputError, match=r"clip has shape \(3, 3, 16, 20\): expected"):
        network(clip()[0])


@pytest.mark.parametrize("name", LIGHT)
def test_a_batch_does_not_mix_and_half_precision_works(name):
    network, lr = small(name, 2), clip(n=2)
    with torch.inference_mode():
        together, alone, again = network(lr), network(lr[:1]), network(lr[:1])
        with torch.autocast("cpu", torch.bfloat16):
            half = network(lr[:1])
    assert torch.equal(alone, again)
    torch.testing.assert_close(together[:1], alone, atol=3e-5, rtol=1e-5)
    assert (half - alone).norm() < 0.02 * alone.norm()


@pytest.mark.parametrize("name", LIGHT)
def test_gradients_reach_every_parameter_with_and_without_recomputing(name):
    network, lr = small(name, 2, channels=2).train(), clip(3, 8, 12, channels=2)
    for key, parameter in network.named_parameters():
        if "conv_offset" in key and not parameter.any():  # offsets start as 0, so that the layers before have no slope yet
            nn.init.normal_(parameter, std=0.1)
    (network(lr) - 0.3).square().mean().backward()
    gradients = {key: p.grad.clone() for key, p in network.named_parameters()}
    assert not [key for key, grad in gradients.items() if not grad.any() or not grad.isfinite().all()]
    kept, keys = activations(network, lr, None), list(network.state_dict())
    network.zero_grad()
    recompute(network)
    (network(lr) - 0.3).square().mean().backward()
    assert all(torch.equal(gradients[key], p.grad) for key, p in network.named_parameters())
    assert activations(network, lr, None) < 0.8 * kept and list(network.state_dict()) == keys


def test_a_copy_recomputes_with_its_own_weights():
    network, lr = small("rrn"), clip()
    recompute(network)
    copied = copy.deepcopy(network)
    copied(lr).sum().backward()
    assert all(p.grad is None for p in network.parameters()) and all(p.grad is not None for p in copied.parameters())


@pytest.mark.parametrize("name", CLIPS)
def test_yaml_names_the_module_and_the_arguments(name):
    config = FILES[name]
    module = config["_target_"].removeprefix("sr.network.").split(".")[0]
    signature = inspect.signature(get_class(config["_target_"])).parameters
    plain = OmegaConf.to_container(config)
    assert name.startswith(module) and set(config) - {"_target_"} == set(signature)
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.values())
    assert (plain["scale"], plain["channels"]) == ("${scale}", "${image.bands}")
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")


@pytest.mark.parametrize("name", LIGHT)
def test_the_contract_holds(name):
    network = small(name, 2)
    before = copy.deepcopy(network.state_dict())
    contract.network(network, 2, {24})
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Doubling(nn.Module):
    """Not a network of this project: each frame is enlarged, plus `of_last` times the last frame."""

    clips, scale, reach_t = True, 2, 0

    def __init__(self, of_last: float = 0.0, least: int = 1) -> None:
        super().__init__()
        self.gain, self.of_last, self.least = nn.Parameter(torch.ones(())), of_last, least

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        if lr.shape[1] < self.least:
            raise RuntimeError("too short")
        lr = self.gain * lr + self.of_last * lr[:, -1:]
        return lr.repeat_interleave(2, -1).repeat_interleave(2, -2)


def test_what_breaks_the_contract_is_said():
    contract.network(Doubling(), 2)
    cases = [
        ({"of_last": 0.5}, {}, "Doubling.reach_t is 0, but a frame further away changes the result: set it to None"),
        ({"least": 2}, {}, "Doubling takes 3 frames but not one: clips end, so repeat or mirror frames inside forward"),
        ({}, {"reach_t": -1}, "Doubling.reach_t is -1: set it to the frames on each side"),
        ({}, {"forward": lambda lr: lr[:, 0]}, r"Doubling turns \(1, 3, 3, 8, 9\) into .*; expected \(1, 3, 3, 16, 18\)"),
    ]
    for options, attributes, says in cases:
        network = Doubling(**options)
        for key, value in attributes.items():
            setattr(network, key, value)
        with pytest.raises(InputError, match=f"^{says}"):
            contract.network(network, 2)


def test_windows_at_the_ends_of_a_clip_are_the_authors():
    """`reflection_circle`, with the examples of BasicSR's generate_frame_indices, whose clip has 100 frames."""
    assert window(0, 100, 5) == [4, 3, 0, 1, 2] and window(1, 100, 5) == [4, 0, 1, 2, 3]
    assert window(50, 100, 5) == [48, 49, 50, 51, 52] and window(99, 100, 5) == [97, 98, 99, 96, 95]
    assert window(0, 1, 5) == [0] * 5 and window(1, 2, 3) == [0, 1, 0]


def test_a_window_sees_two_frames_on_each_side():
    network, lr = EDVR(n_feats=8, n_blocks=1, n_extract_blocks=1).eval(), clip(13, 8, 8)
    changed = lr.clone()
    changed[:, 6] = 0.5
    with torch.inference_mode():
        moved = (network(lr) != network(changed)).flatten(2).any(2)[0]
    assert moved.nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


def test_a_stream_is_enlarged_frame_by_frame():
    network, lr = RRN(scale=2, n_feats=8, n_blocks=1).eval(), clip(5)
    with torch.inference_mode():
        whole, state = network(lr), network.start(lr[:, 1])
        for i in range(5):
            sr, state = network.step(lr[:, i], state)
            assert torch.equal(sr, whole[:, i])


def test_warp_moves_by_the_flow():
    image = torch.rand(1, 2, 6, 7)
    flow = torch.zeros(1, 2, 6, 7)
    flow[:, 0], flow[:, 1] = 2, -1  # x before y
    moved = warp(image, flow)
    torch.testing.assert_close(moved[..., 1:, :5], image[..., :5, 2:])
    assert moved[..., 0, :].abs().max() < 1e-6 and moved[..., 5:].abs().max() < 1e-6
    torch.testing.assert_close(warp(image, flow, "border")[..., 1:, 6], image[..., :5, 6])
    assert warp(image.bfloat16(), flow.bfloat16()).dtype == torch.float32
