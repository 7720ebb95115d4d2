"""Base class of adversarial criteria: a weight, float32 logits, and the R1 penalty."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sr.adversarial.r1 import r1_penalty
from sr.errors import InputError


class Adversarial(nn.Module):
    """Losses of generator and discriminator from logits; a subclass implements ``fool`` and ``judge``.

    Logits have any shape with the batch first: (N, 1) for one output per image, (N, 1, h, w) for one per location.

    Args:
        weight: factor of the adversarial loss in the generator's total loss. The caller multiplies.
        r1: weight of the R1 penalty in the discriminator's loss (Mescheder et al. 2018, arXiv:1801.04406); 0: none.

    Raises:
        InputError: a negative r1, which would reward steep gradients.
    """

    relativistic = False  # whether the generator's loss also uses the logits of real images
    bounded = True  # whether a discriminator that is always right has loss 0
    boundary: float | None = 0.0  # logits above it say that an image is real; None: only differences of logits say something

    def __init__(self, *, weight: float = 1.0, r1: float = 0.0) -> None:
        super().__init__()
        if not r1 >= 0:
            raise InputError(f"adversarial.r1={r1}: must be at least 0")
        self.weight, self.r1 = weight, r1

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Loss of the network whose images got the logits `fake`; `real` is needed if ``relativistic``."""
        return self.fool(fake.float(), None if real is None else real.float())

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the discriminator from its logits of HR and SR images."""
        return self.judge(real.float(), fake.float())

    @torch.no_grad()
    def accuracy(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The shares of HR's and of SR's logits that are on the right side, scalars on their device.

        The right side of `boundary`; without one, or if ``relativistic``, the right side of the others' mean.
        """
        real, fake = real.float(), fake.float()
        differences = self.relativistic or self.boundary is None
        below, above = (fake.mean(), real.mean()) if differences else (self.boundary, self.boundary)
        return (real > below).float().mean(), (fake < above).float().mean()

    def penalty(self, discriminator: Callable[[Tensor], Tensor], hr: Tensor, sr: Tensor, mix: Tensor) -> Tensor | None:
        """Weighted gradient penalty of the discriminator; None without one. In float32, because it is a second derivative.

        Args:
            discriminator: (N, 3, H, W) -> logits.
            hr, sr: (N, 3, H, W), detached.
            mix: (N,) in [0, 1), drawn by the caller: the position between sr and hr at which a criterion evaluates the
                gradient.
        """
        if not self.r1:
            return None
        with torch.autocast(hr.device.type, enabled=False):
            return self.r1 * r1_penalty(discriminator, hr.float())

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        raise NotImplementedError

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        raise NotImplementedError
