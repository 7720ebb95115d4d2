"""Training of networks that sample (SR3, ResShift): the denoiser learns what noise hid, or a student its teacher's samples.

Ho, Jain, Abbeel 2020, arXiv:2006.11239, algorithm 1. One step: the distillation loss of SinSR (Wang et al. 2023,
arXiv:2311.14760, section 3.2).
"""

from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.denoising import clean_of, target, weight
from sr.functional.draws import Draws
from sr.loss.charbonnier import Charbonnier
from sr.loss.l1 import L1
from sr.loss.mse import MSE
from sr.model.frozen_files import Files, OfFiles
from sr.model.regression import Regression
from sr.network.diffusion import Condition
from sr.network.diffusion import Diffusion as Network
from sr.weights.frozen import frozen

LOSSES = (MSE, L1, Charbonnier)  # of differences pixel by pixel: they can compare noise


class Diffusion(OfFiles, Regression):
    """A denoiser learns from images with noise of a random level; validations and tests sample with the averaged weights.

    Level and noise of sample i are a pure function of (seed, i), on any number of devices and after every resume. The losses
    compare the denoiser's output with its target, both multiplied by the root of the min-SNR weight: MSE is weighted by it.
    In a validation each image costs `network.steps` passes of the denoiser.

    Args:
        min_snr: largest signal-to-noise ratio that counts (5 in Hang et al.); None: all levels count alike.
        teacher: a checkpoint of such a network, for distillation to one step: from the same noise, the student's only step is
            to give what the teacher's steps of DDIM give. None: no distillation.
        regression: arguments of Regression.

    Raises:
        InputError: a network that does not sample; a loss of whole images; a teacher of another kind, or a student of more
            than one step.
    """

    def __init__(self, *, min_snr: float | None = None, teacher: str | None = None, **regression: Any) -> None:
        super().__init__(**regression)
        self.min_snr = min_snr
        if min_snr is not None and not 0 < min_snr < float("inf"):
            raise InputError(f"model.min_snr={min_snr}: pass a number above 0, such as 5, or null for none")
        if not isinstance(self.network, Network):
            name = type(self.network).__name__
            raise InputError(f"{name} does not sample from noise: pass network=sr3 or network=resshift, or another model=...")
        if wrong := [name for name, loss in self.loss.losses.items() if not isinstance(loss, LOSSES)]:
            raise InputError(
                f"loss.{wrong[0]} compares images, but here noise is compared: pass loss=[mse], [l1] or [charbonnier]"
            )
        self._teacher: tuple[Network, ...] = ()  # not a sub-module: no checkpoint keeps it
        if teacher is not None:
            self._teacher = (_checked(teacher, self.network),)
        self._files = Files("model.teacher", [] if teacher is None else [teacher])

    @property
    def denoiser(self) -> nn.Module:
        """What is called in training, and compiled: a sample is made in evaluation alone."""
        return self.network.denoiser

    def on_fit_start(self) -> None:
        super().on_fit_start()
        for teacher in self._teacher:
            teacher.to(self.device)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        (lr, _), hr = self.inputs(batch), self.target(batch)
        self._check_sizes(lr, hr)
        draws = self._draws(batch_idx)
        times, seeds = torch.from_numpy(draws.uniform()), draws.seeds().tolist()
        noise = torch.stack([_normal(hr[0], seed) for seed in seeds])
        compared = self._taught(lr, noise) if self._teacher else self._denoised(lr, hr, noise, times, self.condition(batch))
        output, wanted = compared
        loss, parts = self.loss(self.learned(output, wanted, batch), wanted)
        return {"loss": loss, "parts": parts}

    def condition(self, batch: dict[str, Any]) -> Condition | None:
        """Further arguments of the denoiser, `vector` (N, D) and `tokens` (N, L, D), in subclasses with text."""
        return None

    def _denoised(
        self, lr: Tensor, hr: Tensor, noise: Tensor, times: Tensor, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        """The denoiser's output for HR with noise, and its target."""
        network = self.network
        level = network.levels.at(network.levels.drawn(times)).like(lr)
        origin = network.upsampled(lr)
        clean = network.diffused(hr, origin)
        z = level.signal * clean + level.noise * noise
        output = network.output(z, origin, level, condition, self.trained("denoiser"))
        wanted = target(network.prediction, clean, noise, level)
        if self.min_snr is None:
            return output, wanted
        root = weight(network.prediction, level.snr, self.min_snr).sqrt()
        return output * root, wanted * root

    def _taught(self, lr: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What is diffused of the student's image after one step, and of the teacher's after all its steps, from one noise."""
        network, (teacher,) = self.network, self._teacher
        origin = network.upsampled(lr)
        with torch.no_grad():
            wanted = network.diffused(teacher.sample(lr, noise=noise), origin)
        level = network.levels.at(network.levels.steps(1).expand(len(lr))).like(lr)
        z = level.noise * noise
        output = network.output(z, origin, level, denoiser=self.trained("denoiser"))
        return clean_of(network.prediction, output, z, level), wanted

    def _draws(self, batch_idx: int) -> Draws:
        """The random numbers of this process's samples."""
        accumulate = self.trainer.datamodule.accumulate
        batch = self.trainer.global_step * accumulate + batch_idx % accumulate
        return Draws(self._seed, *self.trainer.datamodule.plan.samples(batch), "diffusion")

    def _check_sizes(self, lr: Tensor, hr: Tensor) -> None:
        scale = self.network.scale
        if tuple(hr.shape[-2:]) != tuple(scale * side for side in lr.shape[-2:]):
            (h, w), (height, width) = lr.shape[-2:], hr.shape[-2:]
            raise InputError(
                f"HR of {width}x{height} pixels is not {scale} times LR of {w}x{h}, as {type(self.network).__name__} x{scale} "
                "needs: pass the scale of the data (scale=N)"
            )


def _normal(image: Tensor, seed: int) -> Tensor:
    """Standard normal noise like (C, H, W), from a generator on its device."""
    generator = torch.Generator(image.device).manual_seed(seed)
    return torch.randn(image.shape, generator=generator, device=image.device)


def _checked(file: str, student: Network) -> Network:
    """The teacher, with a sampler that adds no noise on its way. InputError: it cannot teach the student."""
    if student.steps != 1:
        raise InputError(f"model.teacher is for a student of one step, not of {student.steps}: pass network.steps=1")
    teacher = frozen(file, student.scale)
    if type(teacher) is not type(student):
        raise InputError(f"model.teacher={file}: is {type(teacher).__name__}, but the network is {type(student).__name__}")
    if (teacher.scale, teacher.channels, teacher.residual) != (student.scale, student.channels, student.residual):
        raise InputError(
            f"model.teacher={file}: is for another scale, other channels, or diffuses something else than the network"
        )
    teacher.adjust(sampler="ddim")
    return teacher
