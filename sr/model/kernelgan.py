"""KernelGAN: the blur kernel of one image, whose downscaled patches have to look like the image's own.

Bell-Kligler, Shocher, Irani: Blind Super-Resolution Kernel Estimation using an Internal-GAN, 2019, arXiv:1909.06581.

As the authors' code (github.com/sefibk/KernelGAN), step by step, but for one thing: their noise on the discriminator's crops is
written into the image, where it adds up over the steps.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.given_kernel import aligned
from sr.functional.kernel_estimate import significant
from sr.functional.resize import imresize
from sr.model import manual
from sr.model.gan import GAN
from sr.model.kernel_constraints import KernelConstraints

_NOISE = 1 / 255  # standard deviation of what the discriminator's images get, of a range of 2


class KernelGAN(GAN):
    """The network is a downscaler, `sr.network.deep_linear.DeepLinear`; the discriminator tells its patches from the image's.

    A step is first one of the network, then one of the discriminator, which sees the network after its step. `loss` is the
    distance from bicubic downscaling. Images are in [-1, 1].

    Args:
        n_significant: the kernel's weights that count (`sr.functional.kernel_estimate.significant`).
        constraints: options of KernelConstraints.
        bands_summed: whether the network's image is compared with the sum of bicubic's bands, as in the authors' code, or band
            by band.
        gan: arguments of GAN.

    Raises:
        InputError: another scale than 2; an option of GAN that does not fit.
    """

    saved = (*GAN.saved, "constraints")

    def __init__(
        self,
        *,
        n_significant: int = 40,
        constraints: dict[str, float] | None = None,
        bands_summed: bool = True,
        **gan: Any,
    ) -> None:
        super().__init__(**gan)
        if self.network.scale != 2:
            raise InputError(
                f"scale={self.network.scale}: KernelGAN estimates the kernel of x2, and makes that of x4 of it: pass scale=2"
            )
        self.only(n_discriminator_steps=1, pretrain_steps=0, adversarial_from=0, accumulate=1)
        self.n_significant, self.bands_summed = n_significant, bands_summed
        self.constraints = KernelConstraints(self.network.scale, self.network.kernel_size, **(constraints or {}))

    def estimate(self) -> np.ndarray:
        """(k, k) of sum 1: the network's kernel without what is negligible, aligned, for downscaling by the scale."""
        with torch.no_grad():
            kernel = self.evaluated.kernel().double().cpu().numpy()
        made = aligned(significant(kernel, self.n_significant), self.network.scale)
        return made / made.sum()

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Any]:
        hr, real, step = batch["hr"] * 2 - 1, batch["real"] * 2 - 1, self.trainer.global_step
        network, discriminator = self.optimizers()
        with manual.unsynchronised(self.trainer):
            kernel = self.network.kernel()
            fake = self.network.downscaled(hr, kernel)
            fooled = self._fooled(fake, real)
            distance, parts = self.loss(fake, self._bicubic(hr, fake))
            near, losses = next(iter(parts.values())), self.constraints(kernel)
            total = self.adversarial.weight * fooled + self.constraints.factor * distance + self.constraints.weighted(losses)
            self._backward(total, network)
            parts |= {"adversarial": fooled.detach(), **{name: loss.detach() for name, loss in losses.items()}}
            manual.step(self.trainer, [network], self.gradient_clip_val, self.gradient_clip_algorithm, counts=False)

            with torch.no_grad():
                fake = self.network.downscaled(hr, self.network.kernel())
                fake, real = fake + _NOISE * torch.randn_like(fake), real + 2 * _NOISE * torch.randn_like(real)
            loss, judged = self._discriminator_loss(real, fake)
            self._backward(loss, discriminator)
            manual.step(self.trainer, [discriminator], self.gradient_clip_val, self.gradient_clip_algorithm)
        for schedule in self.lr_schedulers():
            schedule.step()
        self.constraints.update(step, near)
        return {
            "loss": total.detach() + 0 * loss.detach(),
            "parts": parts | judged,
        }  # NaN if either is: Finite then stops the run

    def _bicubic(self, hr: Tensor, fake: Tensor) -> Tensor:
        """Bicubic downscaling, without the pixels at the edges that `fake` does not have."""
        cut = (self.network.kernel_size // 2) // self.network.scale
        made = imresize(hr, 1 / self.network.scale)[..., cut : cut + fake.shape[-2], cut : cut + fake.shape[-1]]
        return made.sum(1, keepdim=True).expand_as(fake) if self.bands_summed else made
