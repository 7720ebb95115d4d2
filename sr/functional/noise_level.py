"""Noise levels of Gaussian diffusion: how much of an image and how much noise is left at a time between 0 and 1.

At every time the noised image is z = signal x image + noise x (standard normal noise). Time 1 is the start of sampling, where
nearly all is noise; its end, the image itself, has signal 1 and noise 0.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sr.errors import InputError

SCHEDULES = ("cosine", "linear")
_LOG_SNR = 12.0  # the cosine's is infinite at both ends; here as large as 8-bit images can tell
_BETAS = (0.002, 20.0)  # SR3, section 4: linear from 1e-6 to 0.01 in 2000 steps; here per unit of time


@dataclass(frozen=True)
class Level:
    """Factors of the image and of the noise, tensors of one shape."""

    signal: Tensor
    noise: Tensor

    @property
    def snr(self) -> Tensor:
        """Signal-to-noise ratio."""
        return (self.signal / self.noise).square()

    @property
    def log_snr(self) -> Tensor:
        return 2 * (self.signal.log() - self.noise.log())

    @property
    def unit(self) -> tuple[Tensor, Tensor]:
        """Both factors, divided so that their squares sum to 1."""
        norm = torch.hypot(self.signal, self.noise)
        return self.signal / norm, self.noise / norm

    def like(self, image: Tensor) -> "Level":
        """Factors (N,) as float32 (N, 1, 1, 1) on an image's device."""
        return Level(*(one.to(image.device, torch.float32).view(-1, 1, 1, 1) for one in (self.signal, self.noise)))


class Preserving:
    """Variance preserving: signal**2 + noise**2 = 1; Ho, Jain, Abbeel 2020, arXiv:2006.11239, in continuous time.

    Args:
        schedule: "linear" in beta (Ho et al., with the values of SR3), or "cosine" (Nichol, Dhariwal 2021, arXiv:2102.09672,
            section 3.2).
    """

    def __init__(self, schedule: str) -> None:
        if schedule not in SCHEDULES:
            raise InputError(f"network.schedule={schedule}: choose one of {', '.join(SCHEDULES)}")
        self.schedule = schedule

    def at(self, time: Tensor) -> Level:
        """The level at times (N,) in [0, 1]."""
        time = time.double()
        if self.schedule == "cosine":
            log_snr = -2 * torch.log(torch.tan(math.pi / 2 * time))
        else:
            first, last = _BETAS
            log_snr = -torch.log(torch.expm1(first * time + (last - first) / 2 * time.square()))
        log_snr = log_snr.clamp(-_LOG_SNR, _LOG_SNR)
        return Level(torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt())

    def drawn(self, uniform: Tensor) -> Tensor:
        """Times for training, of uniform random numbers in [0, 1)."""
        return 1 - uniform

    def steps(self, count: int) -> Tensor:
        """The times of `count` steps of sampling, from 1 down; after the last one comes 0."""
        return 1 - torch.arange(count, dtype=torch.float64) / count

    def kept(self, signal: float, following: float) -> float:
        """Factor of the image at the `following`, less noisy level in one step of the noising chain."""
        return signal / following


class Shifting:
    """ResShift's shifting sequence, for the residual of HR to the upsampled LR: signal 1 - eta, noise kappa sqrt(eta).

    Yue, Wang, Loy 2023, arXiv:2307.12348, section 3: x_t = x_0 + eta_t (y - x_0) + kappa sqrt(eta_t) noise, so x_t - y is
    (1 - eta_t) (x_0 - y) + kappa sqrt(eta_t) noise. The logarithm of sqrt(eta_t) rises from that of eta_1 to that of eta_T
    like ((t - 1) / (T - 1))**power (equation 10), which does not depend on T: any number of steps has its times between 0
    and 1.

    Args:
        kappa: strength of the noise in units of the residual.
        power: above 1 more of the T times are at low noise.
        train_steps: T, the number of times that are trained (15 in the paper); None: all times between the first and the last.
        smallest: sqrt(eta_1); the paper takes the smaller of 0.04 / kappa and sqrt(0.001).
    """

    LARGEST = math.sqrt(0.999)  # sqrt(eta_T), "close to 1"

    def __init__(self, *, kappa: float, power: float, train_steps: int | None, smallest: float) -> None:
        self.kappa, self.power, self.train_steps, self.smallest = kappa, power, train_steps, smallest

    def at(self, time: Tensor) -> Level:
        """The level at times (N,) in [0, 1]; 0 is the paper's t = 1."""
        root = self.smallest * (self.LARGEST / self.smallest) ** time.double() ** self.power
        return Level(1 - root.square(), self.kappa * root)

    def drawn(self, uniform: Tensor) -> Tensor:
        """Times for training, of uniform random numbers in [0, 1)."""
        if self.train_steps is None:
            return uniform
        return (uniform * self.train_steps).floor() / max(self.train_steps - 1, 1)

    def steps(self, count: int) -> Tensor:
        """The times of `count` steps of sampling, from 1 to 0, each a trained time; at 0 there is noise still, of eta_1."""
        times = torch.linspace(1, 0, count, dtype=torch.float64) if count > 1 else torch.ones(1, dtype=torch.float64)
        if self.train_steps is None:
            return times
        return (times * (self.train_steps - 1)).round() / max(self.train_steps - 1, 1)

    def kept(self, signal: float, following: float) -> float:
        """As in `Preserving`; the chain adds a part of the residual and noise (equation 2), and scales nothing."""
        return 1.0
