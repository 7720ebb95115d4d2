"""LR made on the device is that of the CPU, and bicubic MATLAB's."""

import numpy as np
import torch
from PIL import Image

from sr.functional.draws import Draws
from sr.functional.resize import imresize
from sr.image.photograph import photograph
from tests.chains import FILES, SAME_SIZE, chain_of
from tests.gpu.both import on_both

NAMES = [file.stem for file in FILES]


def pixels(file) -> torch.Tensor:
    """(1, 3, H, W), 0..1."""
    return torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1)[None] / 255


@on_both("scale", (2, 3, 4), fast=(4,))
def test_bicubic_is_matlabs_in_every_bit(device, scale, sr_data):
    files = sorted((sr_data / "benchmark" / "Set5" / "HR").glob("*.png"))
    assert len(files) == 5
    for file in files:
        lr = pixels(file.parents[1] / "LR_bicubic" / f"X{scale}" / f"{file.stem}x{scale}.png")
        hr = pixels(file)[..., : scale * lr.shape[-2], : scale * lr.shape[-1]]
        assert torch.equal(imresize(hr.to(device), 1 / scale, rounding=True).cpu(), lr), file.stem


@on_both("scale", (2, 1 / 2, 1 / 3, 1 / 4), fast=(2, 1 / 4))
def test_bicubic_is_that_of_float64(device, scale):
    photo = photograph(384)
    made = imresize(photo.to(device), scale, rounding=True).cpu()
    assert torch.equal((made * 255).round(), (imresize(photo.double(), scale, rounding=True) * 255).round())


@on_both("name", NAMES, fast=("bicubic", "noise"))
def test_a_degradation_is_that_of_the_cpu(device, name):
    """In 8-bit levels: sums in another order round to other levels here and there, and JPEG to other coefficients."""
    (file,) = [file for file in FILES if file.stem == name]
    chain = chain_of(file, 1 if name in SAME_SIZE else 4)
    whole = photograph(512)
    hr = torch.cat([whole[..., :128, :128], whole[..., 128:256, 128:256], whole[..., 200:328, 300:428]])
    drawn = chain.sample(Draws(seed=1, start=0, count=3, stream="test"))
    with torch.random.fork_rng(devices=[]):
        wanted, made = chain(hr, drawn), chain(hr.to(device), drawn)
    assert made.device.type == device and made.shape == wanted.shape
    apart = (made.cpu() - wanted).abs() * 255
    assert apart.mean() < 0.1 and (apart > 1.5).float().mean() < 0.01, (apart.mean(), apart.max())
