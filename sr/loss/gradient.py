"""Distance of image gradients (edges)."""

import torch.nn.functional as F
from torch import Tensor

from sr.loss.base import Loss


def gradient_map(image: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, H, W): magnitude of the gradient by central differences, with replicated borders."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    dx = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    dy = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    return (dx.square() + dy.square() + 1e-6).sqrt()  # 1e-6: the root has no gradient at 0


def gradient_l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute difference of the gradient maps; a scalar."""
    return F.l1_loss(gradient_map(sr), gradient_map(hr))


class Gradient(Loss):
    """Gradient loss of SPSR (Ma et al. 2020, arXiv:2003.13081): makes edges as steep as HR's."""

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return gradient_l1(sr, hr)
