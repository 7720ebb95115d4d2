"""A released file is tried on a photograph: what makes noise is refused."""

import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import sr
import sr.network
from sr import build
from sr.errors import UserError
from sr.image.photograph import photograph
from sr.network.fsrcnn import FSRCNN
from sr.network.imdn import IMDN
from sr.network.interpolation import Interpolation
from sr.network.rlfn import RLFN
from sr.weights import checkpoint, probe
from sr.weights.fit import load_weights
from sr.weights.recognise import recognise
from tests.jobs import compose
from tests.released import save

RELEASES = [
    *(("IMDN_x2", None), ("IMDN_x4", None), ("BSRN_x2", None), ("BSRN_x3", None), ("BSRN_x4", None)),
    *(("PAN_x2", 2), ("PAN_x3", 3), ("PAN_x4", None), ("CARN_M", 2), ("CARN_M", 3), ("CARN_M", 4)),
    *(("fsrcnn_x2", 2), ("fsrcnn_x3", 3), ("fsrcnn_x4", 4), ("realesr-animevideov3", None)),
]


@pytest.mark.parametrize(("name", "scale"), RELEASES)
def test_real_releases_pass_without_a_word(sr_data, name, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = sr.load(sr_data / "weights" / f"{name}.pth", scale=scale)
    assert probe.probe(network).share > (0.75 if "anime" in name else 1.1)


def test_a_scale_that_is_not_the_files(sr_data):
    with pytest.raises(ValueError, match=r"fsrcnn_x2.pth: has the tensors of FSRCNN, .* \(8.*\): pass scale=2$"):
        sr.load(sr_data / "weights" / "fsrcnn_x2.pth", scale=3)


@pytest.mark.parametrize(("file", "passed", "own"), [("PAN_x2", 3, 2), ("PAN_x3", 2, 3)])
def test_a_scale_at_which_another_would_do_better(sr_data, file, passed, own):
    """PAN's x2 enlarges by 3 too, and is better than bicubic there."""
    with pytest.warns(UserWarning, match=f"{file}.pth: enlarges a photograph better at scale={own} .* than at scale={passed}"):
        assert sr.load(sr_data / "weights" / f"{file}.pth", scale=passed).scale == passed


@pytest.fixture
def noise(tmp_path) -> Path:
    """An IMDN that was never trained."""
    torch.manual_seed(0)
    return save(IMDN(scale=2, n_blocks=2), tmp_path / "noise.pth")


LINE = "noise.pth: has the tensors of IMDN, but does not enlarge a photograph ("


def test_noise_is_refused_in_one_line(noise):
    with pytest.raises(ValueError) as error:
        sr.load(noise)
    assert LINE in str(error.value) and "\n" not in str(error.value)


def test_noise_is_never_written(noise, tmp_path):
    from sr.cli.predict import predict

    Image.new("RGB", (20, 16)).save(tmp_path / "photo.png")
    words = [f"ckpt={noise}", f"input={tmp_path}/photo.png", f"output={tmp_path}/large.png", "device=cpu"]
    with pytest.raises(UserError) as error:
        predict(compose("predict", *words))
    assert LINE in str(error.value) and not (tmp_path / "large.png").exists()


def test_noise_is_refused_everywhere_else(noise, tmp_path):
    named = [f"ckpt={noise}", "network=imdn", "network.n_blocks=2", "scale=2"]
    for made in (
        lambda: build.tested_network(compose("test", f"ckpt={noise}")),
        lambda: build.tested_network(compose("test", *named)),
        lambda: build.predicting_network(compose("predict", *named)),
        lambda: build.network(compose("train", *named[1:], f"init_from={noise}")),
    ):
        with pytest.raises(ValueError, match="noise.pth: has the tensors of IMDN, but does not enlarge a photograph"):
            made()


def test_a_network_that_only_passes_its_enlarged_input_on_is_no_network():
    network = RLFN(scale=2, n_feats=8, n_blocks=1, skip="bicubic").eval()
    nn.init.zeros_(network.upsampler[0].weight)
    nn.init.zeros_(network.upsampler[0].bias)
    result = probe.probe(network)
    assert result.idle and result.psnr > 25
    with pytest.raises(ValueError, match="does not enlarge a photograph"):
        recognise(network.state_dict(), "weights.pth")


def test_our_own_checkpoints_are_exempt(tmp_path):
    """They say what they are, and may be as untrained as they like."""
    torch.manual_seed(0)
    network = IMDN(scale=2, n_feats=16, n_blocks=1)
    config = {"_target_": "sr.network.imdn.IMDN", "scale": 2, "n_feats": 16, "n_blocks": 1}
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    checkpoint.write({"sr": {"network": config, "config": {}}, "state_dict": state}, tmp_path / "a.ckpt")
    assert probe.probe(sr.load(tmp_path / "a.ckpt")).share < probe.NOISE


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8, 16])
def test_bicubic_is_as_good_as_bicubic(scale, channels):
    """Also at x1, which is compared with its input, and for gray or many channels."""
    result = probe.probe(Interpolation(scale=scale, kernel="bicubic"), channels)
    assert result.sr.shape[1] == channels and result.share >= 1
    assert result.flat < 16 and (result.psnr == 100 if scale == 1 else 15 < result.bicubic < 35)


def test_gray(sr_data):
    network = FSRCNN(scale=2).eval()
    file = sr_data / "weights" / "fsrcnn_x2.pth"
    load_weights(network, checkpoint.weights(checkpoint.read(file)), file)
    assert probe.probe(network, channels=1).share > 1.1


def test_the_network_is_left_as_it_was():
    network = IMDN(scale=2, n_blocks=1).train()
    state = torch.random.get_rng_state()
    probe.probe(network)
    assert network.training and torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("file", ["IMDN_x4", "PAN_x4", "fsrcnn_x2"])
def test_weights_for_pixels_from_0_to_255_are_refused_in_every_family(tmp_path, sr_data, file):
    """IMDN's and PAN's are 4 dB too low where they pass for 0..1, and make no noise."""
    tensors = checkpoint.stored_weights(sr_data / "weights" / f"{file}.pth")
    first, *_, last = [key for key, value in tensors.items() if value.ndim == 4]
    changes = {first: 1 / 255, last: 255.0, last.replace("weight", "bias"): 255.0}
    wide = {key: value * changes.get(key, 1) for key, value in tensors.items()}
    torch.save(wide, tmp_path / "wide.pth")
    scale = 2 if file == "fsrcnn_x2" else None
    with pytest.raises(UserError, match=r"wide.pth: is \w+ for pixels from 0 to 255 \(\d+\.\d dB") as refused:
        sr.load(tmp_path / "wide.pth", scale=scale)
    assert "multiply the weights of its first convolution by 255" in str(refused.value)
    changes = {first: 255.0, last: 1 / 255, last.replace("weight", "bias"): 1 / 255}  # what the line says
    torch.save({key: value * changes.get(key, 1) for key, value in wide.items()}, tmp_path / "mended.pth")
    lr = photograph(16)
    with torch.inference_mode():
        original = sr.load(sr_data / "weights" / f"{file}.pth", scale=scale)(lr)
        torch.testing.assert_close(sr.load(tmp_path / "mended.pth", scale=scale)(lr), original, atol=1e-4, rtol=0)
