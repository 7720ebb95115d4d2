"""Every degrader of conf/degrader keeps the contract; what is known of each is compared with MATLAB's bicubic and SciPy."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.ndimage import correlate
from skimage import data

from sr.degrader.kernel import Kernel
from sr.degrader.residual import Residual
from sr.errors import InputError
from sr.functional.resize import imresize
from tests.jobs import CONF, IMAGE

NAMES = sorted(file.stem for file in (CONF / "degrader").glob("*.yaml"))
PHOTO = torch.from_numpy(data.astronaut()[:48, 200:272].copy()).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_lr_of_hr_and_gradients_to_all(name, scale):
    config = OmegaConf.create({"scale": scale, "image": IMAGE, "node": OmegaConf.load(CONF / "degrader" / f"{name}.yaml")})
    degrader = instantiate(config.node, _convert_="all")
    with torch.no_grad():
        for parameter in degrader.parameters():  # a last layer of zeros would hide the others
            parameter.add_(0.01)
    hr = PHOTO.clone().requires_grad_()
    lr = degrader(hr, torch.randn(1, 1, 48, 72, generator=torch.Generator().manual_seed(0)))
    assert lr.shape == (1, 3, 48 // scale, 72 // scale) and degrader.scale == scale
    lr.square().mean().backward()
    assert hr.grad.abs().mean() > 0 and all(p.grad.abs().sum() > 0 for p in degrader.parameters())


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_an_untrained_residual_degrader_is_bicubic_downscaling(scale):
    lr = Residual(scale=scale, n_feats=4, n_blocks=1)(PHOTO, torch.ones(1, 1, 48, 72))
    torch.testing.assert_close(lr, imresize(PHOTO, 1 / scale))


@pytest.mark.parametrize("scale", [1, 3])
def test_a_kernel_is_correlated_as_scipy_does(scale):
    degrader = Kernel(scale=scale, reach=4, noise=0.0)
    with torch.no_grad():
        degrader.logits.copy_(torch.randn(9, 9, generator=torch.Generator().manual_seed(0)))
        lr = degrader(PHOTO, torch.ones(1, 1, 48, 72))[0].numpy()
    kernel = degrader.kernel().detach().double().numpy()
    whole = np.stack([correlate(band.double().numpy(), kernel, mode="mirror") for band in PHOTO[0]])
    first = (scale - 1) // 2
    np.testing.assert_allclose(lr, whole[:, first::scale, first::scale], atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_kernel_shifts_nothing_and_noise_has_its_strength(scale):
    """A ramp, whose downscaling any aligned kernel computes exactly, away from the edges."""
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    ramp = torch.stack([rows, columns, rows + columns])[None] / 200
    noise = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    clean = Kernel(scale=scale, noise=0.0)(ramp, noise)
    torch.testing.assert_close(clean[..., 8:-8, 8:-8], imresize(ramp, 1 / scale)[..., 8:-8, 8:-8], atol=1e-5, rtol=0)
    rest = Kernel(scale=scale, noise=0.02)(ramp, noise) - clean
    torch.testing.assert_close(rest[0, 0], 0.02 * noise[0, 0, ::scale, ::scale], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "made, line",
    [
        (lambda: Kernel(scale=4, reach=3), "degrader.reach=3: pass a whole number from 4 up"),
        (lambda: Kernel(noise=-1.0), "noise=-1.0"),
        (lambda: Residual(n_blocks=0), "n_feats and n_blocks of at least 1"),
        (lambda: Residual(scale=5), "scale 5 is not supported"),
    ],
)
def test_bad_options_are_one_line(made, line):
    with pytest.raises(InputError, match=line) as error:
        made()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_yaml_says_what_it_is(name):
    assert (CONF / "degrader" / f"{name}.yaml").read_text().startswith("# ")
