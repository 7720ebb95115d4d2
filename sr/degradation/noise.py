"""Gaussian and Poisson noise (Real-ESRGAN, Wang et al. 2021, arXiv 2107.10833, sections 3.1 and 4.1).

Each sample's noise comes from its own generator on the image's device, seeded by the sample's parameters. It depends only on
that seed and the image, not on the batch (CPU and GPU generators give different numbers). Each frame of a clip has its own
noise, with a seed derived from the sample's.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import poisson
from sr.functional.draws import Draws
from sr.functional.ranges import checked, levels_of, probability, switch

GRAY = (0.299, 0.587, 0.114)  # BT.601 luma, full range
_STEP = 0x9E3779B97F4A7C15  # Weyl sequence (2**64 over the golden ratio): the seeds of a clip's frames are far apart


def frame_seeds(seed: int, frames: int) -> list[int]:
    """The seed of a sample -> those of its frames; the first frame has the sample's."""
    return [(seed + frame * _STEP) % 2**63 for frame in range(frames)]


def frames(image: Tensor, seed: int) -> Iterator[tuple[Tensor, torch.Generator]]:
    """Each frame of a sample (F, C, H, W) with its generator on the image's device; seeding does not synchronise it."""
    for frame, own in zip(image, frame_seeds(seed, len(image)), strict=True):
        yield frame, torch.Generator(image.device).manual_seed(own)


def gray_of(image: Tensor) -> Tensor:
    """(..., 3, H, W) -> (..., 1, H, W)."""
    red, green, blue = (image.narrow(-3, band, 1) * weight for band, weight in enumerate(GRAY))
    return red + green + blue


class Noise(Stage):
    """Add noise to images in [0, 1]; the result is not rounded.

    In a clip (N, T, C, H, W) kind and strength belong to the sample; the noise itself differs between frames.

    Args:
        sigma: range of the standard deviation of Gaussian noise, uniform, in 255ths of the range, for any levels.
        poisson_strength: range of the factor on Poisson noise, uniform; 1 is the shot noise of `photons` at white.
        poisson_probability: probability of Poisson instead of Gaussian noise.
        gray_probability: probability that R, G and B get the same noise; the bands of other images never do, because each has
            its own sensor.
        levels: levels of the image, 255 for 8 bit; None: none. Poisson noise quantises the image to them.
        photons: at white, 255; None: as in BasicSR, the smallest power of two of at least the number of different 8-bit
            levels.
        clip: whether to clip the result to [0, 1].
    """

    def __init__(
        self,
        sigma: Sequence[float] = (1.0, 30.0),
        poisson_strength: Sequence[float] = (0.05, 3.0),
        poisson_probability: float = 0.5,
        gray_probability: float = 0.4,
        levels: int | None = 255,
        photons: int | None = 255,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.sigma = checked("sigma", sigma, 0, 255)
        self.poisson_strength = checked("poisson_strength", poisson_strength, 0, 100)
        self.poisson_probability = probability("poisson_probability", poisson_probability)
        self.gray_probability = probability("gray_probability", gray_probability)
        if photons not in (255, None):
            raise InputError(f"photons={photons}: pass 255, or null for BasicSR's choice")
        self.levels, self.photons, self.clip = levels_of(levels), photons, switch("clip", clip)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"strength": float32, "poisson": bool, "gray": bool, "seed": int64}, (count,) each."""
        sigma, strength = draws.uniform(*self.sigma), draws.uniform(*self.poisson_strength)
        poisson = draws.uniform() < self.poisson_probability
        gray = draws.uniform() < self.gray_probability
        strength = np.where(poisson, strength, sigma / 255).astype(np.float32)
        return {"strength": strength, "poisson": poisson, "gray": gray, "seed": draws.seeds()}

    def told(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """{"strength": (N,), the standard deviation in [0, 1], or the factor where "poisson" is 1; "poisson": (N,), 0 or 1}."""
        return {"strength": parameters["strength"], "poisson": parameters["poisson"].float()}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Added(step, self, parameters)]

    def words(self, parameters: Parameters) -> str:
        strength, gray = parameters["strength"], " gray" if parameters["gray"] else ""
        return f"Poisson {strength:.2f}{gray}" if parameters["poisson"] else f"Gaussian noise {255 * strength:.1f}{gray}"


class _Added(Operation):
    def __init__(self, step: float, stage: Noise, parameters: Parameters) -> None:
        super().__init__(step)
        self.stage, self.parameters = stage, parameters

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        stage, strength = self.stage, self.parameters["strength"]
        common = self.parameters["gray"] and image.shape[1] == 3
        made = torch.empty_like(image)
        for target, (frame, generator) in zip(made, frames(image, self.parameters["seed"]), strict=True):
            if self.parameters["poisson"]:
                unit = _shot_noise(gray_of(frame) if common else frame, stage, generator)
            else:
                shape = (1 if common else len(frame), *frame.shape[1:])
                unit = torch.randn(shape, generator=generator, device=image.device)
            torch.add(frame, unit.mul_(strength), out=target)
        return made.clamp_(0, 1) if stage.clip else made


def _shot_noise(image: Tensor, stage: Noise, generator: torch.Generator) -> Tensor:
    """(P / photons - image), P Poisson distributed around the number of photons of each pixel of (C, H, W)."""
    if stage.photons is None:
        levels = (image * 255).round_().clamp_(0, 255)
        if not image.is_cuda:
            different = np.count_nonzero(np.bincount(levels.byte().numpy().ravel(), minlength=256))
            return poisson.noise(levels, 1 << int(different - 1).bit_length(), generator)
        different = (torch.bincount(levels.flatten().int(), minlength=256) > 0).sum()
        photons = 2 ** torch.ceil(torch.log2(different.float()))  # stays on the device: no synchronisation
        return (torch.poisson(levels * (photons / 255), generator=generator) / photons).sub_(levels / 255)
    # Quantised, so that equal images give equal numbers.
    grid = (image * stage.levels).round() * (255 / stage.levels) if stage.levels else image.clamp(0, 1) * 255
    return (torch.poisson(grid, generator=generator) - grid) / 255
