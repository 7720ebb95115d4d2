"""Every loss of conf/loss keeps the contract."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from sr.loss.base import Loss
from sr.loss.ms_ssim import MSSSIM
from sr.loss.tv import TV

FILES = sorted((Path(__file__).parents[2] / "conf" / "loss").glob("*.yaml"))


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.stem)
def loss(request) -> Loss:
    config = OmegaConf.load(request.param)
    (name,) = config
    assert request.param.stem in (name, f"{name}_{request.param.stem.removeprefix(f'{name}_')}")
    node = config[name]
    if "weights" in node:  # half a gigabyte from the network, or a file that need not be there
        node.weights = "random"
    return instantiate(node, _convert_="all")


@pytest.fixture
def images(loss, pair) -> tuple[Tensor, Tensor]:
    """The pair of patches; a piece of it for what takes one, which MS-SSIM with its five sizes does not."""
    side = 96 if isinstance(loss, MSSSIM) else 48
    return tuple(image[..., :side, :side] for image in pair)


def test_weight_is_for_the_caller(loss, images):
    value, weight = loss(*images), loss.weight
    loss.weight = 7.0
    assert value.ndim == 0 and torch.equal(loss(*images), value)
    loss.weight = weight


def test_equal_images_have_the_least_loss(loss, images):
    sr, hr = images
    noisy = sr + 0.1 * torch.randn(sr.shape, generator=torch.Generator().manual_seed(0))
    equal, restored, worse = loss(hr, hr), loss(sr, hr), loss(noisy, hr)
    assert equal < worse
    if not isinstance(loss, TV):  # which looks at sr alone, and sr is smoother than hr
        assert equal < restored < worse


def test_descent_brings_sr_nearer(loss, images):
    sr, hr = images
    sr = sr.clone().requires_grad_()
    before = loss(sr, hr)
    before.backward()
    assert sr.grad.isfinite().all() and sr.grad.abs().sum() > 0
    assert loss(sr.detach() - 1e-3 * sr.grad / sr.grad.abs().max(), hr) < before


def test_gradient_is_the_slope(loss):
    generator = torch.Generator().manual_seed(0)
    side = 88 if isinstance(loss, MSSSIM) else 32
    sr, hr = (torch.rand(1, 1, side, side, generator=generator, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(deepcopy(loss).double(), (sr.requires_grad_(), hr), fast_mode=True)


def test_autocast_changes_nothing_but_the_rounding_of_sr(loss, images):
    sr, hr = images[0].bfloat16(), images[1]
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(sr, hr)
    assert value.dtype == torch.float32
    learned = any(True for _ in loss.parameters())  # its convolutions are what autocast is for
    torch.testing.assert_close(value, loss(sr.float(), hr), rtol=0.02 if learned else 0, atol=0)


@pytest.mark.parametrize("shape", [(2, 3, 96, 95), (1, 3, 96, 96), (2, 1, 96, 96)])
def test_unequal_shapes_are_refused_in_one_line(loss, pair, shape):
    with pytest.raises(ValueError, match="needs equal shapes") as error:
        loss(torch.zeros(shape), pair[1])
    assert str(shape) in str(error.value) and "\n" not in str(error.value)
