"""The original GAN: binary cross entropy."""

import torch.nn.functional as F
from torch import Tensor

from sr.adversarial.base import Adversarial


def vanilla_generator(fake: Tensor) -> Tensor:
    """Mean of -log sigmoid(fake): the non-saturating loss (Goodfellow et al. 2014, arXiv:1406.2661, section 3)."""
    return F.softplus(-fake).mean()


def vanilla_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of -log sigmoid(real) plus mean of -log(1 - sigmoid(fake)); equation 1 of the paper, negated."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


class Vanilla(Adversarial):
    """Cross entropy, as SRGAN and Real-ESRGAN train (Ledig et al. 2017, arXiv:1609.04802, section 2.2.2)."""

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return vanilla_generator(fake)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return vanilla_discriminator(real, fake)
