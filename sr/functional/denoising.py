"""Denoising and sampling: what a denoiser's output means, and the steps from noise to an image.

A noised image is z = signal x clean + noise x eps (sr/functional/noise_level.py). Tensors are (N, C, H, W).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from sr.errors import InputError
from sr.functional.noise_level import Level

PREDICTIONS = ("v", "epsilon", "x0")
SAMPLERS = ("ddpm", "ddim", "dpm_solver")


def check_prediction(prediction: str) -> str:
    """Return the kind of prediction if it is known; otherwise raise InputError."""
    if prediction not in PREDICTIONS:
        raise InputError(f"network.prediction={prediction}: choose one of {', '.join(PREDICTIONS)}")
    return prediction


def check_sampler(sampler: str) -> str:
    """Return the sampler's name if it is known; otherwise raise InputError."""
    if sampler not in SAMPLERS:
        raise InputError(f"network.sampler={sampler}: choose one of {', '.join(SAMPLERS)}")
    return sampler


def target(prediction: str, clean: Tensor, eps: Tensor, level: Level) -> Tensor:
    """What a denoiser should return: the image ("x0"), the noise ("epsilon"), or the velocity ("v"; Salimans, Ho 2022,
    arXiv:2202.00512, section 4)."""
    signal, noise = level.unit
    return {"x0": clean, "epsilon": eps}.get(prediction, signal * eps - noise * clean)


def clean_of(prediction: str, output: Tensor, z: Tensor, level: Level) -> Tensor:
    """The image that a denoiser's output stands for; the inverse of `target`."""
    if prediction == "x0":
        return output
    if prediction == "epsilon":
        return (z - level.noise * output) / level.signal
    signal, noise = level.unit
    return signal * z * (noise / level.noise) - noise * output


def weight(prediction: str, snr: Tensor, most: float | None) -> Tensor | float:
    """Weight of the squared error of an output: min-SNR (Hang et al. 2023, arXiv:2303.09556, section 3.4).

    With it the squared error of the image counts min(SNR, `most`) times. None: each squared error of `target` counts once.
    """
    if most is None:
        return 1.0
    clamped = snr.clamp(max=most)
    return {"x0": clamped, "epsilon": clamped / snr}.get(prediction, clamped / (snr + 1))


@dataclass(frozen=True)
class Step:
    """One step of sampling: from a level to the following one; at the end signal is 1 and noise 0.

    Args:
        signal, noise: factors before.
        next_signal, next_noise: factors after.
        kept: as `kept` of the noise levels: factor of the image in this step of the noising chain.
    """

    signal: float
    noise: float
    next_signal: float
    next_noise: float
    kept: float

    @property
    def last(self) -> bool:
        return self.next_noise == 0

    @property
    def fresh(self) -> float:
        """Standard deviation of the noise that DDPM adds: that of the chain's posterior (Ho et al. 2020, equation 7;
        ResShift, equation 6)."""
        return self.next_noise * math.sqrt(max(1 - (self.kept * self.next_noise / self.noise) ** 2, 0.0))

    @property
    def log_ratio(self) -> float:
        """Half of the log-SNR before."""
        return math.log(self.signal / self.noise)


def steps_of(levels: Level, kept: Callable[[float, float], float]) -> list[Step]:
    """The steps through levels (K,), from the noisiest to the image itself."""
    signals, noises = [*levels.signal.tolist(), 1.0], [*levels.noise.tolist(), 0.0]
    return [
        Step(signals[i], noises[i], signals[i + 1], noises[i + 1], kept(signals[i], signals[i + 1]))
        for i in range(len(signals) - 1)
    ]


def sample(sampler: str, steps: Sequence[Step], denoised: Callable[[Tensor, int], Tensor], noise: Iterator[Tensor]) -> Tensor:
    """From standard normal noise to an image.

    Args:
        sampler: "ddpm" adds fresh noise in each step; "ddim" (Song, Meng, Ermon 2021, arXiv:2010.02502, equation 12 with
            sigma 0) and "dpm_solver" (DPM-Solver++(2M), second order; Lu et al. 2022, arXiv:2211.01095, algorithm 2) do not.
        steps: see `steps_of`.
        denoised: (noised image, number of the step) -> estimate of the image.
        noise: standard normal tensors: the first one is the start; DDPM takes one more for each step but the last.
    """
    z, before, previous = steps[0].noise * next(noise), None, None
    for number, step in enumerate(steps):
        clean = denoised(z, number)
        if step.last:
            return clean
        if sampler == "dpm_solver":
            z = _multistep(z, clean, before, step, previous)
        else:
            z = _ancestral(z, clean, step, noise if sampler == "ddpm" else None)
        before, previous = clean, step
    raise AssertionError("the last step has noise left")


def _ancestral(z: Tensor, clean: Tensor, step: Step, noise: Iterator[Tensor] | None) -> Tensor:
    """A step of DDPM, or of DDIM without `noise`."""
    eps = (z - step.signal * clean) / step.noise
    fresh = 0.0 if noise is None else step.fresh
    z = step.next_signal * clean + math.sqrt(step.next_noise**2 - fresh**2) * eps
    return z if noise is None else z + fresh * next(noise)


def _multistep(z: Tensor, clean: Tensor, before: Tensor | None, step: Step, previous: Step | None) -> Tensor:
    """A step of DPM-Solver++(2M), whose first one is of first order."""
    following = math.log(step.next_signal / step.next_noise)
    width = following - step.log_ratio
    estimate = clean
    if before is not None and previous is not None:
        half = width / (2 * (step.log_ratio - previous.log_ratio))  # 1 / (2 r)
        estimate = (1 + half) * clean - half * before
    return (step.next_noise / step.noise) * z - step.next_signal * math.expm1(-width) * estimate
