"""A released file is tried on a photograph: its variant is found, and what makes noise is refused."""

import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
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
from sr.network.rfdn import RFDN
from sr.network.rlfn import RLFN
from sr.weights import checkpoint, probe
from sr.weights.fit import load_weights
from sr.weights.probe import Candidate
from sr.weights.recognise import candidates, families, recognise
from tests.jobs import compose
from tests.released import RESULT, released, save

# Class, the columns by which its convolutions move the image, options that no tensor tells.
VARIANTS = [
    (RLFN, (1, 1, 0), (-1, -1), {}),
    (RLFN, (1, 1, 0), (-1, -1), {"rgb_range": 1.0}),
    (RLFN, (1, 1, 0), (-1, -1), {"rgb_range": 1.0, "skip": "bilinear"}),
    (RLFN, (1, 0, 0), (-1, -1), {"rgb_range": 1.0, "dilation": (2, 2, 2)}),
    (RLFN, (1, 1, -1), (0, 0), {"dilation": (1, 2, 3)}),
    (RFDN, (1, 1, 0, 0), (-1, -1), {}),
    (RFDN, (1, 1, 0, 0), (-1, -1), {"rgb_range": 1.0}),
    (RFDN, (1, 1, 0, 0), (-1, -1), {"skip": "bilinear"}),
    (RFDN, (1, 1, -1, 0), (-1, -1), {"rgb_range": 1.0, "dilation": (2, 2, 2, 2)}),
    (RFDN, (-1, -1, 1, 0), (-1, -1), {"rgb_range": 1.0, "dilation": (1, 2, 5, 1)}),
]
NAMES = ["-".join([kind.__name__, *map(str, options.values())]) for kind, _, _, options in VARIANTS]


@pytest.mark.parametrize(("kind", "taps", "back", "options"), VARIANTS, ids=NAMES)
def test_the_variant_that_enlarges_is_found(tmp_path, kind, taps, back, options):
    network = released(kind, taps=taps, back=back, **options)
    file = save(network, tmp_path / "weights.pth")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = sr.load(file)
    lr = photograph(24)
    with torch.inference_mode():
        inner = (..., slice(8, -8), slice(8, -8))  # a dilation of zeros shows where zeros are padded, and there alone
        torch.testing.assert_close(found(lr)[inner], network(lr)[inner], atol=1e-4, rtol=0)
    lines = [str(warning.message) for warning in said]
    if not options:
        assert lines == []
    else:  # a variant is guessed, and said
        assert len(lines) == 1 and lines[0].startswith(f"{file}: read as {kind.__name__} with rgb_range=")
        assert "; as it was released it has" in lines[0] and "\n" not in lines[0]


def test_merged_residuals_are_found(tmp_path):
    """Kernels with the identity in them: with the sum of RFDN's blocks besides, the image comes eight times as bright."""
    network = released(RFDN, taps=(0, 0, 0, 0), back=(0, 0), residual=False)
    with torch.no_grad():
        for conv in (network.B1.c1_r, network.B1.c2_r, network.B1.c3_r, network.B1.c4):
            nn.init.zeros_(conv.weight)
            for i in range(3):
                conv.weight[i, i, 1, 1] = 1
    file = save(network, tmp_path / "weights.pth")
    with pytest.warns(UserWarning, match="read as RFDN with rgb_range=255.0, skip=none, residual=False"):
        found = sr.load(file)
    lr = photograph(24)
    with torch.inference_mode():
        torch.testing.assert_close(found(lr), network(lr), atol=1e-5, rtol=0)


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


def interpolation(kernel: str, **options) -> Candidate:
    return Candidate("Interpolation", lambda: Interpolation(scale=2, kernel=kernel), options)


def test_a_variant_that_is_better_than_a_good_one_is_found():
    """One dilation more or less costs half a dB, and a network without it is still better than bicubic."""
    first = interpolation("bicubic", rgb_range=1.0), interpolation("nearest", rgb_range=255.0)
    rare = interpolation("lanczos", rgb_range=1.0, dilation=2), interpolation("nearest", rgb_range=255.0, dilation=2)
    found, network, said = probe.choose([first, rare], "weights.pth")
    assert found is rare[0] and network.kernel == "lanczos" and said == []


def test_between_two_that_are_about_as_good_a_pattern_decides():
    """On the face lanczos is half a dB better than bicubic, which is near; on the bricks it is a whole one."""
    candidates = interpolation("bicubic"), interpolation("lanczos", skip="none")
    results = [probe.probe(one.build()) for one in candidates]
    assert 0 < results[1].psnr - results[0].psnr < probe.NEAR
    found, _, said = probe.choose([candidates], "weights.pth")
    assert found is candidates[1] and said == []


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
    from predict import predict

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


def test_a_named_network_of_other_options_names_the_right_ones(tmp_path):
    file = save(released(RLFN, taps=(1, 0, 0), back=(-1, -1), rgb_range=1.0, dilation=(2, 2, 2)), tmp_path / "rlfn.pth")
    words = [f"ckpt={file}", "network=rlfn", "network.n_feats=20", "network.n_blocks=1", "scale=2"]
    with pytest.raises(ValueError, match="leave network=... out, and it is read as RLFN with rgb_range=1.0, ") as error:
        build.predicting_network(compose("predict", *words))
    more = str(error.value).split("pass ")[1].split(", or leave")[0].split()
    assert "++network.rgb_range=1.0" in more
    build.predicting_network(compose("predict", *words, *more))


def test_two_variants_that_are_about_as_good_are_named(tmp_path):
    """All features are homogeneous; a bias of the last convolution alone is of a range."""
    network = released(RLFN, taps=(1, 1, 0), back=(-1, -1), scale=4)
    with torch.no_grad():
        for conv in (network.conv_1, network.conv_2):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)
        for i in range(3):
            network.conv_1.weight[RESULT + i, i, 1, 1] = 1
        network.upsampler[0].bias.fill_(-0.007)
    file = save(network, tmp_path / "rlfn.pth")
    with pytest.warns(
        UserWarning, match=r"rlfn.pth: RLFN with rgb_range=255.0, .* and RLFN with rgb_range=1.0, .* about equally"
    ):
        assert sr.load(file).rgb_range == 255.0


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


# -- families ----------------------------------------------------------------------------------------------------------

MODULE = '''
from torch import nn
from sr.network.imdn import IMDN
from sr.network.release import Release, direct


class Longer(IMDN):
    """An IMDN with one convolution more, whose keys are all of IMDN's and two more."""

    release = Release(("IMDB1.c1.weight",), direct("fea_conv.weight", r"IMDB(\\\\d+)\\\\."))

    def __init__(self, *, scale=4, n_feats=64, n_blocks=6):
        super().__init__(scale=scale, n_feats=n_feats, n_blocks=n_blocks)
        self.more = nn.Conv2d(3, 3, 1)
'''


@pytest.mark.parametrize("name", ["aaa_longer", "zzz_longer"])
def test_a_family_is_one_module_and_all_keys_decide(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text(MODULE.replace("\\\\", "\\"))
    monkeypatch.setattr(sr.network, "__path__", [*sr.network.__path__, str(tmp_path)])
    families.cache_clear()
    try:
        longer = next(family for family in families() if family.__name__ == "Longer")
        for kind in (IMDN, longer):
            tensors = kind(scale=3, n_feats=16, n_blocks=2).state_dict()
            (found,) = candidates(tensors, "weights.pth")[0]
            assert type(found.build()) is kind
    finally:
        monkeypatch.undo()
        families.cache_clear()


def test_families_come_in_one_order():
    modules = [family.__module__ for family in families()]
    assert modules == sorted(modules) and len(modules) >= 17


# -- SPAN --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 4])
def test_span_of_merged_convolutions_alone(scale):
    """What the authors' test code needs, and some files hold."""
    from sr.network.spandrel import Spandrel

    torch.manual_seed(0)
    span = Spandrel(architecture="SPAN", scale=scale, n_feats=48, n_blocks=None, options={"num_in_ch": 3, "num_out_ch": 3})
    lr = photograph(16)
    with torch.no_grad():
        expected = span.eval()(lr)
        merged = {k: v for k, v in span.state_dict().items() if "eval_conv" in k or k.startswith(("conv_cat", "upsampler"))}
        assert len(merged) == 2 * (2 + 18 + 2)
        first, rare = candidates(merged, "span.pth")
        found = first[0].build().eval()
        assert found.scale == scale and torch.equal(found(lr), expected)
        other = next(one for one in rare if one.options == {"options.img_range": 1.0}).build().eval()
        assert not torch.equal(other(lr), expected)
        probe.probe(found)
    found.train()(F.pad(lr, (0, 0))).mean().backward()  # and it goes on learning
    assert found.conv_1.conv[1].weight.grad.any()


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


@pytest.mark.parametrize(("own", "right"), [(255.0, 1.0), (1.0, 255.0)])
def test_a_named_network_of_another_range_hears_of_its_option(tmp_path, own, right):
    """network=rlfn with the weights of another range."""
    network = released(RLFN, taps=(1, 1, 0), back=(-1, -1), rgb_range=right)
    network.rgb_range = own
    file = tmp_path / "weights.pth"
    with pytest.raises(UserError, match=rf"pass \+\+network.rgb_range={right:g}$"):
        probe.check_range(network, probe.probe(network), file)
