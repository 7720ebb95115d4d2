"""Wasserstein distance with gradient penalty."""

from collections.abc import Callable

import torch
from torch import Tensor

from sr.adversarial.base import Adversarial
from sr.errors import InputError


def wgan_generator(fake: Tensor) -> Tensor:
    """Mean of -fake (Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1)."""
    return -fake.mean()


def wgan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of fake minus mean of real: the negative estimate of the distance."""
    return fake.mean() - real.mean()


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], hr: Tensor, sr: Tensor, mix: Tensor) -> Tensor:
    """Mean over images of (||grad D(x)|| - 1)^2 at x = mix * hr + (1 - mix) * sr; a scalar.

    D is the mean of an image's logits, so one number per image as in the paper, whose critic has one logit.

    Args:
        discriminator: (N, 3, H, W) -> logits; without batch norm, which would mix images (section 4).
        hr, sr: (N, 3, H, W).
        mix: (N,) in [0, 1).

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    mix = mix.to(hr).reshape(-1, 1, 1, 1)
    x = (mix * hr + (1 - mix) * sr).detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x).flatten(1).mean(1).sum(), x, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


class WGANGP(Adversarial):
    """Wasserstein GAN with gradient penalty; with model.n_discriminator_steps=5, adam's betas [0, 0.9] in the paper.

    Args:
        weight, r1: see Adversarial.
        gradient_penalty: weight of the penalty (lambda).
    """

    bounded, boundary = False, None

    def __init__(self, *, weight: float = 1.0, r1: float = 0.0, gradient_penalty: float = 10.0) -> None:
        super().__init__(weight=weight, r1=r1)
        if not gradient_penalty >= 0:
            raise InputError(f"adversarial.gradient_penalty={gradient_penalty}: must be at least 0")
        self.gradient_penalty = gradient_penalty

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return wgan_generator(fake)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return wgan_discriminator(real, fake)

    def penalty(self, discriminator: Callable[[Tensor], Tensor], hr: Tensor, sr: Tensor, mix: Tensor) -> Tensor:
        with torch.autocast(hr.device.type, enabled=False):
            own = self.gradient_penalty * gradient_penalty(discriminator, hr.float(), sr.float(), mix)
        r1 = super().penalty(discriminator, hr, sr, mix)
        return own if r1 is None else own + r1
