"""Least squares."""

from torch import Tensor

from sr.adversarial.base import Adversarial


def lsgan_generator(fake: Tensor) -> Tensor:
    """Half the mean of (fake - 1)^2 (Mao et al. 2017, arXiv:1611.04076, equation 9)."""
    return (fake - 1).square().mean() / 2


def lsgan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Half the mean of (real - 1)^2 plus half the mean of fake^2; equation 9 of the paper."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


class LSGAN(Adversarial):
    """Least squares GAN (Mao et al. 2017, arXiv:1611.04076): gradients do not vanish for confidently classified images."""

    boundary = 0.5  # between the targets 0 and 1

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return lsgan_generator(fake)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return lsgan_discriminator(real, fake)
