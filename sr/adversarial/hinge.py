"""Hinge loss."""

import torch.nn.functional as F
from torch import Tensor

from sr.adversarial.base import Adversarial


def hinge_generator(fake: Tensor) -> Tensor:
    """Mean of -fake (Miyato et al. 2018, arXiv:1802.05957, equation 17)."""
    return -fake.mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of max(0, 1 - real) plus mean of max(0, 1 + fake); equation 16 of the paper, negated."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


class Hinge(Adversarial):
    """Hinge GAN (Lim and Ye 2017, arXiv:1705.02894; with spectral normalisation Miyato et al. 2018, arXiv:1802.05957)."""

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return hinge_generator(fake)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return hinge_discriminator(real, fake)
