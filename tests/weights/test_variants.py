"""The variant of a released file that enlarges a photograph is found, and said."""

import warnings

import pytest
import torch
from torch import nn

import sr
import sr.network
from sr import build
from sr.errors import UserError
from sr.image.photograph import photograph
from sr.network.interpolation import Interpolation
from sr.network.rfdn import RFDN
from sr.network.rlfn import RLFN
from sr.weights import probe
from sr.weights.probe import Candidate
from tests.jobs import compose
from tests.released import RESULT, released, save

pytestmark = pytest.mark.slow  # seconds each; the weekly tests run them

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


@pytest.mark.medium
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
        assert "; the released variant reaches" in lines[0] and "\n" not in lines[0]


@pytest.mark.medium
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


@pytest.mark.medium
def test_a_named_network_of_other_options_names_the_right_ones(tmp_path):
    file = save(released(RLFN, taps=(1, 0, 0), back=(-1, -1), rgb_range=1.0, dilation=(2, 2, 2)), tmp_path / "rlfn.pth")
    words = [f"ckpt={file}", "network=rlfn", "network.n_feats=20", "network.n_blocks=1", "scale=2"]
    with pytest.raises(ValueError, match="remove network=..., to read it as RLFN with rgb_range=1.0, ") as error:
        build.predicting_network(compose("predict", *words))
    more = str(error.value).split("pass ")[1].split(", or remove")[0].split()
    assert "++network.rgb_range=1.0" in more
    build.predicting_network(compose("predict", *words, *more))


@pytest.mark.medium
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


@pytest.mark.parametrize(("own", "right"), [(255.0, 1.0), (1.0, 255.0)])
def test_a_named_network_of_another_range_hears_of_its_option(tmp_path, own, right):
    """network=rlfn with the weights of another range."""
    network = released(RLFN, taps=(1, 1, 0), back=(-1, -1), rgb_range=right)
    network.rgb_range = own
    file = tmp_path / "weights.pth"
    with pytest.raises(UserError, match=rf"pass \+\+network.rgb_range={right:g}$"):
        probe.check_range(network, probe.probe(network), file)
