"""Relativistic average: whether real images look more real than fake ones on average, and vice versa."""

import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from sr.adversarial.base import Adversarial


def ragan_generator(fake: Tensor, real: Tensor) -> Tensor:
    """Half the mean of -log(1 - s(real - E fake)) plus half the mean of -log s(fake - E real), s the sigmoid.

    E is the mean over all logits of the batch, on all processes.

    Source: Wang et al. 2018, ESRGAN, arXiv:1809.00219, equation 2; halved as in its code, so that weights carry over.
    """
    return (F.softplus(real - global_mean(fake)).mean() + F.softplus(global_mean(real) - fake).mean()) / 2


def ragan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Half the mean of -log s(real - E fake) plus half the mean of -log(1 - s(fake - E real)); equation 1, halved."""
    return (F.softplus(global_mean(fake) - real).mean() + F.softplus(fake - global_mean(real)).mean()) / 2


class RaGAN(Adversarial):
    """Relativistic average GAN (Jolicoeur-Martineau 2018, arXiv:1807.00734), the criterion of ESRGAN."""

    relativistic = True

    def fool(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return ragan_generator(fake, real)

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        return ragan_discriminator(real, fake)


def global_mean(logits: Tensor) -> Tensor:
    """The mean over all logits of all processes, which have equally many; gradients flow to each of them."""
    mean = logits.mean()
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        mean = _AllReduce.apply(mean) / dist.get_world_size()
    return mean


class _AllReduce(Function):
    """Sum over processes; its gradient is the sum of the processes' gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient
