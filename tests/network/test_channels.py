"""Every network at one and at four channels; what three channels gave before is unchanged."""

import hashlib
from pathlib import Path

import pytest
import torch
import yaml
from hydra.errors import InstantiationException
from torch import nn

from sr.errors import InputError
from sr.network.spandrel import CHANNELS
from sr.network.spandrel import NAMES as ARCHITECTURES
from sr.network.vdsr import VDSR
from tests.discriminator.test_every_discriminator import NAMES as DISCRIMINATORS
from tests.discriminator.test_every_discriminator import build as build_discriminator
from tests.network.small import NAMES, PARAMS, scale_of, shrunk
from tests.real import of_bands

KEYS = yaml.safe_load(Path(__file__).with_name("keys.yaml").read_text())
RGB_ALONE = {name.lower() for name in set(ARCHITECTURES) - set(CHANNELS)}


def keys(network: nn.Module) -> str:
    """A hash of the keys and shapes of all weights."""
    shapes = sorted((key, tuple(value.shape)) for key, value in network.state_dict().items())
    return hashlib.sha256(str(shapes).encode()).hexdigest()[:12]


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", [param for param in PARAMS if param.values[0] not in RGB_ALONE])
def test_every_network(build, sr_data, name, channels):
    network = build(name, scale_of(name), channels=channels, **shrunk(name, n_blocks=1, narrow=True))
    side = -(-12 // network.multiple_of) * network.multiple_of
    lr = of_bands(sr_data, channels)[..., :side, :side]
    with torch.inference_mode():
        sr = network(lr)
    assert sr.shape == (1, channels, side * network.scale, side * network.scale) and sr.isfinite().all()
    assert network.channels == channels


@pytest.mark.parametrize("name", sorted(RGB_ALONE))
def test_what_is_made_for_rgb_alone_says_so(build, name):
    with pytest.raises(
        InstantiationException, match=r"network.channels=4: \w+ supports only 3 channels; choose another network"
    ):
        build(name, 2, channels=4)


@pytest.mark.parametrize("name", NAMES)
def test_keys_and_shapes_of_rgb_are_those_of_files_that_exist(build, name):
    """keys.yaml was written before networks knew `channels`; a network that came later is not in it."""
    network = build(name, scale_of(name, 4), **shrunk(name, n_blocks=1))
    assert network.channels == 3
    if name in KEYS:
        assert keys(network) == KEYS[name]


@pytest.mark.parametrize("channels", [0, -1, "3", None, 1.0])
def test_channels_are_a_whole_number(build, channels):
    with pytest.raises(InstantiationException, match="channels .* is not supported; choose a whole number from 1 up"):
        build("compact_light", 2, channels=channels)


def test_options_that_contradict_the_channels_are_refused(build):
    with pytest.raises(InstantiationException, match="network.options.in_chans=1: pass network.channels=1 instead"):
        build("swinir_light", 2, options={"in_chans": 1})


def test_means_of_rgb_are_subtracted_from_rgb_alone(build):
    for name in ("edsr_baseline", "rcan", "carn"):
        mean = {channels: build(name, 2, channels=channels, **shrunk(name, n_blocks=1)).sub_mean for channels in (1, 3, 4)}
        bias = {channels: next(value for key, value in module.state_dict().items() if key.endswith("bias"))
                for channels, module in mean.items()}  # fmt: skip
        assert bias[3].abs().min() > 0.4 and [len(bias[n]) for n in (1, 4)] == [1, 4]
        assert not bias[1].any() and not bias[4].any()


def test_luma_networks_take_each_band_by_itself(sr_data):
    lr = of_bands(sr_data, 4)[..., :30, :20]
    four, one = VDSR(scale=2, channels=4, n_feats=8, n_blocks=2).eval(), VDSR(scale=2, channels=1, n_feats=8, n_blocks=2).eval()
    one.load_state_dict(four.state_dict())
    with torch.inference_mode():
        sr = four(lr)
        for band in range(4):
            torch.testing.assert_close(sr[:, band : band + 1], one(lr[:, band : band + 1]), atol=1e-6, rtol=0)
        with pytest.raises(InputError, match="^VDSR was built for 4 channels, but the image has 3: pass network.channels=3$"):
            four(lr[:, :3])


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_every_discriminator(sr_data, name, channels):
    discriminator = build_discriminator(name, patch_size=16, n_feats=4, channels=channels).eval()
    with torch.inference_mode():
        logits = discriminator(of_bands(sr_data, channels)[..., :64, :64])
    assert logits.shape[:2] == (1, 1) and logits.isfinite().all()
    with pytest.raises(InstantiationException, match="channels"):
        build_discriminator(name, patch_size=16, n_feats=4, channels=0)
