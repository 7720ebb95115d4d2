"""Gaussian and Poisson noise (Real-ESRGAN, Wang et al. 2021, arXiv 2107.10833, sections 3.1 and 4.1).

Each sample's noise comes from a CPU generator of its own, seeded by the sample's parameters: a function of that seed
and of the image alone, equal in any batch and on any device. On a GPU this costs a copy to the device, and for Poisson
noise one from it as well. Each frame of a clip has noise of its own, from a seed that follows from the sample's.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sr.functional.draws import Draws
from sr.functional.leading import for_each_frame, n_frames, pictures, restored
from sr.functional.ranges import checked, probability

_GRAY = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)  # BT.601 luma, full range
_STEP = 0x9E3779B97F4A7C15  # Weyl sequence (2**64 over the golden ratio): seeds of the frames of one clip lie far apart


def poisson_noise(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """(P - pixels) / 255, P Poisson distributed with mean pixels, 0 .. 255: the shot noise of 255 photons at white."""
    return (torch.poisson(pixels, generator=generator) - pixels) / 255


def frame_seeds(seeds: Tensor, frames: int) -> list[int]:
    """Seeds of samples, (N,) int64 -> those of their frames, N * `frames`; a sample's first frame has the sample's own."""
    return [(seed + frame * _STEP) % 2**63 for seed in seeds.tolist() for frame in range(frames)]


class Noise(nn.Module):
    """Add noise to (N, C, H, W) on the grid of its levels in [0, 1]; the result is neither rounded nor clipped.

    In a clip (N, T, C, H, W) the kind and the strength are the sample's, the noise itself differs from frame to frame.

    Args:
        sigma: range of the standard deviation of Gaussian noise, uniform, in 255ths of the range, whatever the levels.
        poisson_strength: range of the factor on Poisson noise, uniform; 1 is the shot noise of 255 photons at white.
        poisson_probability: how often the noise is Poisson and not Gaussian.
        gray_probability: how often R, G and B get the same noise; the bands of other images never do, for each has a
            sensor of its own.
        levels: of the image, 255 for 8 bit; None: it has none.
    """

    def __init__(
        self,
        sigma: Sequence[float] = (1.0, 30.0),
        poisson_strength: Sequence[float] = (0.05, 3.0),
        poisson_probability: float = 0.5,
        gray_probability: float = 0.4,
        levels: int | None = 255,
    ) -> None:
        super().__init__()
        self.sigma = checked("sigma", sigma, 0, 255)
        self.poisson_strength = checked("poisson_strength", poisson_strength, 0, 100)
        self.poisson_probability = probability("poisson_probability", poisson_probability)
        self.gray_probability = probability("gray_probability", gray_probability)
        self.scale, self.margin, self.levels = 1, 0, levels

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"strength": float32, "poisson": bool, "gray": bool, "seed": int64}, (count,) each."""
        sigma, strength = draws.uniform(*self.sigma), draws.uniform(*self.poisson_strength)
        poisson = draws.uniform() < self.poisson_probability
        gray = draws.uniform() < self.gray_probability
        strength = np.where(poisson, strength, sigma / 255).astype(np.float32)
        return {"strength": strength, "poisson": poisson, "gray": gray, "seed": draws.seeds()}

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        strengths, poisson, gray = (for_each_frame(parameters[k], hr).tolist() for k in ("strength", "poisson", "gray"))
        image, bands = pictures(hr), hr.shape[-3]
        pixels = self._photons(image).cpu() if any(poisson) else image
        noise = []
        for i, seed in enumerate(frame_seeds(parameters["seed"], n_frames(hr))):
            generator = torch.Generator().manual_seed(seed)
            common = gray[i] and bands == 3
            if poisson[i]:
                mean = (pixels[i] * _GRAY).sum(0, keepdim=True) if common else pixels[i]
                unit = poisson_noise(mean, generator)
            else:
                unit = torch.randn(1 if common else bands, *hr.shape[-2:], generator=generator)
            noise.append((unit * strengths[i]).expand(image.shape[1:]))
        return hr + restored(torch.stack(noise), hr).to(hr.device, non_blocking=True)

    def _photons(self, image: Tensor) -> Tensor:
        """The mean number of each pixel, 0 .. 255; on the grid of the levels, that the same image gives the same numbers."""
        return (image * self.levels).round() * (255 / self.levels) if self.levels else image.clamp(0, 1) * 255
