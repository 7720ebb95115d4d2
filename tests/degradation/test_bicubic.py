import numpy as np
import pytest
import torch
from PIL import Image

from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_patches_are_crops_of_matlabs_files(sr_data, scale):
    chain = Chain({"bicubic": Bicubic(scale)}, scale)
    m, n = chain.margin, 24
    files = sorted((sr_data / "benchmark" / "Set14" / "HR").glob("*.png"))
    assert len(files) == 14
    for file in files:
        hr = torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1)[None]
        lr = Image.open(sr_data / "benchmark" / "Set14" / "LR_bicubic" / f"X{scale}" / f"{file.stem}x{scale}.png")
        lr = torch.from_numpy(np.array(lr.convert("RGB"))).permute(2, 0, 1)[None]
        for y, x in ((5, 5), (lr.shape[-2] // 2, 9), (lr.shape[-2] - n - 4, lr.shape[-1] - n - 4)):
            patch = hr[..., y * scale - m : (y + n) * scale + m, x * scale - m : (x + n) * scale + m] / 255
            made = chain(patch, {})[..., 2:-2, 2:-2]
            assert torch.equal((made * 255).round(), lr[..., y : y + n, x : x + n].float()), file.stem


def test_float_images_are_neither_rounded_nor_clipped():
    hr = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]).expand(1, 1, 8, 8).clone().requires_grad_()
    lr = Bicubic(2, rounding=False)(hr, {})
    assert lr.min() < 0 and lr.max() > 1
    lr.sum().backward()
    assert hr.grad.sum().item() == pytest.approx(16)


def test_error():
    with pytest.raises(ValueError, match="scale must be a whole number of at least 1, got 0"):
        Bicubic(0)
