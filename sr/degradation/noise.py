"""Gaussian and Poisson noise (Real-ESRGAN, Wang et al. 2021, arXiv 2107.10833, sections 3.1 and 4.1).

Each sample's noise comes from a CPU generator of its own, seeded by the sample's parameters: a function of that seed
and of the image alone, equal in any batch and on any device. On a GPU this costs a copy to the device, and for Poisson
noise one from it as well.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation.ranges import checked, probability
from sr.draws import Draws

_GRAY = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)  # BT.601 luma, full range


def poisson_noise(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """(P - pixels) / 255, P Poisson distributed with mean pixels, 0 .. 255: the shot noise of 255 photons at white."""
    return (torch.poisson(pixels, generator=generator) - pixels) / 255


class Noise(nn.Module):
    """Add noise to (N, C, H, W) on the uint8 grid in [0, 1]; the result is neither rounded nor clipped.

    Args:
        sigma: range of the standard deviation of Gaussian noise, uniform, in 8-bit levels (0 .. 255).
        poisson_strength: range of the factor on Poisson noise, uniform; 1 is the shot noise of 255 photons at white.
        poisson_probability: how often the noise is Poisson and not Gaussian.
        gray_probability: how often all channels get the same noise.
    """

    def __init__(
        self,
        sigma: Sequence[float] = (1.0, 30.0),
        poisson_strength: Sequence[float] = (0.05, 3.0),
        poisson_probability: float = 0.5,
        gray_probability: float = 0.4,
    ) -> None:
        super().__init__()
        self.sigma = checked("sigma", sigma, 0, 255)
        self.poisson_strength = checked("poisson_strength", poisson_strength, 0, 100)
        self.poisson_probability = probability("poisson_probability", poisson_probability)
        self.gray_probability = probability("gray_probability", gray_probability)
        self.scale, self.margin = 1, 0

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"strength": float32, "poisson": bool, "gray": bool, "seed": int64}, (count,) each."""
        sigma, strength = draws.uniform(*self.sigma), draws.uniform(*self.poisson_strength)
        poisson = draws.uniform() < self.poisson_probability
        gray = draws.uniform() < self.gray_probability
        strength = np.where(poisson, strength, sigma / 255).astype(np.float32)
        return {"strength": strength, "poisson": poisson, "gray": gray, "seed": draws.seeds()}

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        strengths, poisson, gray, seeds = (parameters[k].tolist() for k in ("strength", "poisson", "gray", "seed"))
        pixels = (hr * 255).round().cpu() if any(poisson) else hr
        noise = []
        for i, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            if poisson[i]:
                mean = (pixels[i] * _GRAY).sum(0, keepdim=True) if gray[i] and hr.shape[1] == 3 else pixels[i]
                unit = poisson_noise(mean, generator)
            else:
                unit = torch.randn(1 if gray[i] else hr.shape[1], *hr.shape[2:], generator=generator)
            noise.append((unit * strengths[i]).expand(hr.shape[1:]))
        return hr + torch.stack(noise).to(hr.device, non_blocking=True)
