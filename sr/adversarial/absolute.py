"""The absolute distance of probabilities from their labels."""

from torch import Tensor

from sr.adversarial.base import Adversarial


class Absolute(Adversarial):
    """Mean |sigmoid(logit) - label|: what KernelGAN's code minimises, whose paper (arXiv:1909.06581, section 4) names least
    squares."""

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (1 - fake.sigmoid()).mean()

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((1 - real.sigmoid()).mean() + fake.sigmoid().mean()) / 2
