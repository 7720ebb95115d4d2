"""Base of networks that sample: SR is drawn from noise in a few steps, each one a call of a denoiser.

With its seed such a network is like any other, LR -> SR: the noise of a pixel is a function of the seed and of its place in the
picture (sr/functional/noise_field.py).
"""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.denoising import check_prediction, check_sampler, clean_of, sample, steps_of
from sr.functional.noise_field import noise_field, places
from sr.functional.noise_level import Level, Preserving, Shifting
from sr.functional.resize import imresize
from sr.network.denoiser import Denoiser
from sr.network.upsample import check_channels

Condition = Mapping[str, Tensor]  # arguments of the denoiser: vector (N, D), tokens (N, L, D)


class Diffusion(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW) in [0, 1], one of many possible pictures.

    Gradients come from the last step alone. A subclass with a condition (a text) overrides `forward` and passes the condition
    to `sample`; in training its LightningModule passes it to `output`.

    Args:
        levels: the noise levels.
        prediction: what the denoiser returns: "v", "epsilon" or "x0" (sr/functional/denoising.py).
        residual: whether the residual of HR to the upsampled LR is diffused, in place of HR.
        std: typical standard deviation of that in [-1, 1], by which it is divided.
        steps: of sampling.
        most_steps: largest value of `steps`.
        sampler: "ddpm", "ddim" or "dpm_solver".
        seed: of the noise.
        guidance: classifier-free guidance (Ho, Salimans 2022, arXiv:2207.12598, equation 6): the output moves this many times
            from the unconditional to the conditional one; 1: none.

    Raises:
        InputError: an unknown sampler or prediction, too few or too many steps; guidance without a condition.
    """

    draws_noise = True  # such a network has a spread, and is not exported
    adjustable = ("steps", "sampler", "seed", "guidance")  # what test.py and predict.py may change: no weight depends on it

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        levels: Preserving | Shifting,
        denoiser: Denoiser,
        prediction: str,
        residual: bool,
        std: float,
        most_steps: int,
        steps: int,
        sampler: str,
        seed: int,
        guidance: float,
    ) -> None:
        super().__init__()
        self.scale, self.channels = scale, check_channels(channels)
        self.multiple_of = denoiser.multiple // math.gcd(denoiser.multiple, scale)
        self.levels, self.denoiser, self.residual, self.std = levels, denoiser, residual, std
        self.prediction, self.most_steps = check_prediction(prediction), most_steps
        self.adjust(steps=steps, sampler=sampler, seed=seed, guidance=guidance)

    def adjust(self, **options: Any) -> None:
        """Set options that are `adjustable`. InputError: a value that cannot be; nothing is changed then."""
        wanted = {name: getattr(self, name, None) for name in self.adjustable} | options
        self._check(**wanted)
        for name, value in wanted.items():
            setattr(self, name, value)

    def _check(self, steps: Any, sampler: Any, seed: Any, guidance: Any) -> None:
        check_sampler(sampler)
        if type(steps) is not int or not 1 <= steps <= self.most_steps:
            raise InputError(f"network.steps={steps}: pass a whole number from 1 to {self.most_steps}")
        if type(seed) is not int or not 0 <= seed < 2**64:
            raise InputError(f"network.seed={seed}: pass a whole number from 0 up")
        if isinstance(guidance, bool) or not isinstance(guidance, int | float) or not 0 <= guidance < math.inf:
            raise InputError(f"network.guidance={guidance}: pass a number from 0 up; 1 is none")
        if guidance != 1 and self.denoiser.vector_size is None and self.denoiser.tokens_size is None:
            raise InputError(
                f"network.guidance={guidance}: this {type(self).__name__} was trained without text, or another condition, to "
                "be guided towards: remove network.guidance"
            )

    def forward(self, lr: Tensor, place: Tensor | None = None) -> Tensor:
        """`place` (N, 2, sH, sW) int64: row and column of each pixel of SR in the whole picture; None: LR is the whole one."""
        return self.sample(lr, place)

    def sample(
        self,
        lr: Tensor,
        place: Tensor | None = None,
        *,
        condition: Condition | None = None,
        unconditional: Condition | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """SR (N, `channels`, sH, sW) in [0, 1] of LR.

        Args:
            condition: arguments of the denoiser.
            unconditional: the same where nothing is said (an empty text), for `guidance`.
            noise: (N, `channels`, sH, sW) to start from, for samplers that take no more; None: that of `seed`.
        """
        origin = self.upsampled(lr)
        if noise is not None:
            drawn = iter([noise])
        else:
            if place is None:
                place = places(tuple(origin.shape[-2:]), torch.zeros(len(lr), 2, dtype=torch.int64))
            drawn = (one.to(origin.device) for one in noise_field(self.seed, place, self.channels))
        levels = self.levels.at(self.levels.steps(self.steps))

        def denoised(z: Tensor, number: int) -> Tensor:
            level = Level(*(one[number].expand(len(lr)) for one in (levels.signal, levels.noise))).like(z)
            with nullcontext() if number == self.steps - 1 else torch.no_grad():
                output = self._guided(z, origin, level, condition, unconditional)
                return self.diffused(self.image(clean_of(self.prediction, output, z, level), origin).clamp(0, 1), origin)

        clean = sample(self.sampler, steps_of(levels, self.levels.kept), denoised, drawn)
        return self.image(clean, origin).clamp(0, 1)

    def upsampled(self, lr: Tensor) -> Tensor:
        """Bicubic upsampling of LR to the size of SR; like every bicubic result it may go a little beyond [0, 1]."""
        return imresize(lr.float(), self.scale) if self.scale > 1 else lr.float()

    def diffused(self, image: Tensor, origin: Tensor) -> Tensor:
        """What of an image in [0, 1] is diffused, given the upsampled LR."""
        return 2 * (image - (origin if self.residual else 0.5)) / self.std

    def image(self, clean: Tensor, origin: Tensor) -> Tensor:
        """The inverse of `diffused`."""
        return clean * (self.std / 2) + (origin if self.residual else 0.5)

    def output(
        self, z: Tensor, origin: Tensor, level: Level, condition: Condition | None = None, denoiser: nn.Module | None = None
    ) -> Tensor:
        """The denoiser's output for noised images, float32; `level` has factors (N, 1, 1, 1).

        Args:
            denoiser: the network's, or the same compiled.
        """
        _, noise = level.unit
        seen = torch.cat([z * (noise / level.noise), 2 * origin - 1], 1)
        return (denoiser or self.denoiser)(seen, level.log_snr.flatten(), **(condition or {})).float()

    def _guided(
        self, z: Tensor, origin: Tensor, level: Level, condition: Condition | None, unconditional: Condition | None
    ) -> Tensor:
        output = self.output(z, origin, level, condition)
        if self.guidance == 1 or condition is None:
            return output
        return self.output(z, origin, level, unconditional).lerp(output, self.guidance)


def check_positive(**options: float) -> None:
    """InputError: an option is not a number above 0."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InputError(f"network.{name}={value}: pass a number above 0")
