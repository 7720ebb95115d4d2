"""Bursts for tests: a real photo, moved by known shifts, and degraded."""

from functools import cache

import numpy as np
import torch
from skimage import data
from torch import Tensor

from sr.degradation.bicubic import Bicubic
from sr.degradation.burst import Burst
from sr.degradation.chain import Chain
from sr.functional.draws import Draws


@cache
def photo(side: int = 96, top: int = 120, left: int = 120) -> Tensor:
    """(1, 3, side, side) of scikit-image's astronaut, 8-bit values in [0, 1]."""
    pixels = np.ascontiguousarray(data.astronaut()[top : top + side, left : left + side])
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def chain(scale: int = 2, **options: object) -> Chain:
    """degradation=[burst,bicubic]."""
    return Chain({"burst": Burst(lr_pixel=scale, **options), "bicubic": Bicubic(scale)}, scale)


def burst(side: int = 96, scale: int = 2, noise: float = 0.0, seed: int = 0, **options: object) -> tuple[Tensor, Tensor]:
    """(LR (1, T, 3, h, w), its true shifts (1, T, 2) in LR pixels); `noise` in 255ths."""
    made = chain(scale, **options)
    drawn = made.sample(Draws(seed, 0, 1, "test"))
    lr = made(photo(side), drawn)
    lr = lr + noise / 255 * torch.randn(lr.shape, generator=torch.Generator().manual_seed(seed))
    return lr, torch.from_numpy(drawn["burst.shift"]) / scale


def psnr(sr: Tensor, hr: Tensor, border: int = 6) -> float:
    """In dB, without the border."""
    inner = (sr - hr)[..., border:-border, border:-border]
    return -10 * inner.double().square().mean().log10().item()
