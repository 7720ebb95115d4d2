"""Blocks that train wide are one plain convolution in use: the same images to 1e-5, at the border too."""

import copy

import pytest
import torch
from torch import nn

import sr
from sr.device.count import multiply_adds, parameters
from sr.network.compact import Compact
from sr.network.reparameterised import blocks, deployed
from sr.network.repsr import RepSR
from sr.weights import checkpoint
from tests.jobs import run_train

CASES = [
    ("ecbsr_m4c8", {"skip": True}),
    ("ecbsr_m10c16", {"n_blocks": 3}),
    ("repsr_m4c16", {}),
    ("span_small", {}),
]


def trained(network: nn.Module) -> nn.Module:
    """With weights, biases and statistics as training leaves them: none of them 0 or 1."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point() and "mask" not in key:
                value += 0.2 * torch.rand(value.shape, generator=generator) * value.abs().mean().clamp(min=0.01)
    return network.eval()


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_merged_convolutions_give_the_images_of_the_wide_blocks(build, name, options):
    network = trained(build(name, 2, **options))
    plain = deployed(copy.deepcopy(network))
    lr = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        in_use, merged = network(lr), plain(lr)
        network.train()
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eval()  # as in the last part of training: sr/callback/frozen_norm.py
        wide = network(lr)
    tolerance = 1e-5 * max(1, wide.abs().max().item() / 10)
    torch.testing.assert_close(in_use, wide, atol=tolerance, rtol=0)
    torch.testing.assert_close(merged, in_use, atol=tolerance / 10, rtol=0)
    assert blocks(network) and not blocks(plain)
    assert parameters(network) == parameters(plain) == sum(p.numel() for p in plain.parameters())


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_every_branch_counts(build, name, options):
    """A branch that merging forgets, or that is computed twice, changes the image."""
    network = trained(build(name, 2, **options))
    before = [block.merged() for block in blocks(network)]
    # The taps of Sobel's filters and of the Laplacian add up to 0: they remove what is constant, b0 among it.
    without = ("act.weight", "sbx.b0", "sby.b0", "lpl.b0", "eval_conv.weight", "eval_conv.bias")
    keys = [key for key, _ in blocks(network)[1].named_parameters() if not key.endswith(without)]
    for key in keys:
        one = copy.deepcopy(blocks(network)[1])
        with torch.no_grad():
            one.get_parameter(key).mul_(1.5)
        old, new = (torch.cat([p.flatten() for p in made.parameters()]) for made in (before[1], one.merged()))
        assert not torch.allclose(old, new, rtol=1e-4), key
    assert len(keys) >= 8


def test_a_merged_repsr_is_compact(build):
    network = trained(build("repsr_m4c16", 3))
    work, plain = multiply_adds(network), deployed(network)
    compact = Compact(scale=3, n_feats=16, n_blocks=4).eval()
    compact.load_state_dict(plain.state_dict())
    lr = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert isinstance(plain, RepSR) and torch.equal(compact(lr), plain(lr)) and work == multiply_adds(compact)


def test_merging_draws_no_numbers_and_keeps_float32_under_autocast(build):
    network = trained(build("ecbsr_m4c8", 2))
    state = torch.get_rng_state()
    plain = deployed(copy.deepcopy(network))
    assert torch.equal(torch.get_rng_state(), state)
    with torch.autocast("cpu", torch.bfloat16):
        half = deployed(copy.deepcopy(network))
    assert all(
        torch.equal(a, b) and a.dtype == torch.float32 for a, b in zip(half.parameters(), plain.parameters(), strict=True)
    )


@pytest.mark.medium
def test_a_checkpoint_is_wide_and_a_loaded_network_plain(tmp_path):
    """Of the averaged weights, which are what is scored."""
    words = ["network=ecbsr_m4c8", "model=ecbsr", "model.ema=0.5", "network.n_blocks=1", "trainer.max_steps=2"]
    run_train(*words, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "trainer.val_check_interval=2")
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    state = checkpoint.read(last)["state_dict"]
    network = sr.load(last)
    assert "network.backbone.0.conv1x1_sbx.k0" in state and not blocks(network)
    assert {key for key in network.state_dict() if "backbone.0." in key} == {
        "backbone.0.0.weight",
        "backbone.0.0.bias",
        "backbone.0.1.weight",
    }
