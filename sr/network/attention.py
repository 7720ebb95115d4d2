"""Attention that weights features by the content of the whole image or of their surroundings; used by the light families."""

from collections.abc import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class ChannelAttention(nn.Module):
    """(N, C, H, W) -> the same: scales each channel by a weight from all channels' means; RCAN, arXiv:1807.02758, section 3.3.

    Key: conv_du, as in RCAN and IMDN.
    """

    def __init__(self, n_feats: int, reduction: int = 16) -> None:
        super().__init__()
        n_hidden = max(n_feats // reduction, 1)
        self.conv_du = nn.Sequential(
            nn.Conv2d(n_feats, n_hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_hidden, n_feats, 1),
            nn.Sigmoid(),
        )

    def statistic(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 1, 1)."""
        return x.mean((2, 3), keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv_du(self.statistic(x))


class ContrastChannelAttention(ChannelAttention):
    """Uses mean plus standard deviation instead of the mean, since contrast indicates texture; IMDN, arXiv:1909.11856,
    section 3.2."""

    def statistic(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True) + x.var((2, 3), correction=0, keepdim=True).clamp(min=1e-12).sqrt()


ESA_LEAST = 3  # pixels of a side of LR: a convolution of stride 2 and a pooling need them


class ESA(nn.Module):
    """Enhanced spatial attention: (N, n_feats, H, W) -> the same; Liu, Zhang, Tang, Wu 2020 (RFANet, CVPR), figure 3.

    The weight of each pixel comes from its surroundings at a sixth of the resolution. `conv` makes the 3x3 convolutions;
    `n_mid_feats` is the number of inner features, by default a quarter of n_feats. H and W must be at least ESA_LEAST.
    """

    def __init__(
        self,
        n_feats: int,
        conv: Callable[..., nn.Module] = nn.Conv2d,
        activation: Callable[[Tensor], Tensor] = F.relu,
        n_mid_feats: int | None = None,
    ) -> None:
        super().__init__()
        f = n_mid_feats or n_feats // 4
        self.activation = activation
        self.conv1 = nn.Conv2d(n_feats, f, 1)
        self.conv_f = nn.Conv2d(f, f, 1)
        self.conv_max = conv(f, f, 3, padding=1)
        self.conv2 = conv(f, f, 3, stride=2, padding=0)
        self.conv3 = conv(f, f, 3, padding=1)
        self.conv3_ = conv(f, f, 3, padding=1)
        self.conv4 = nn.Conv2d(f, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.conv1(x)
        around = self.activation(self.conv_max(surroundings(self.conv2(narrow))))
        around = self.conv3_(self.activation(self.conv3(around)))
        around = F.interpolate(around, x.shape[2:], mode="bilinear")
        return x * torch.sigmoid(self.conv4(around + self.conv_f(narrow)))


def surroundings(x: Tensor) -> Tensor:
    """Maxima over 7x7 pixels with stride 3; over the whole image if it is smaller, where the releases raise an error."""
    sides = x.shape[2:]
    if all(isinstance(side, int) for side in sides):
        return F.max_pool2d(x, [min(7, side) for side in sides], stride=3)
    return F.max_pool2d(_continued(_continued(x, 2, 7), 3, 7), 7, stride=3)  # a graph for any size is traced: one kernel


def _continued(x: Tensor, dim: int, least: int) -> Tensor:
    """`x`, continued by its edge to `least` pixels along `dim`, which changes no maximum. For tracing alone.

    `.item()` gives a length about which the tracer assumes nothing. Of `x.shape[dim]` it would assume that no length computed
    from it is 1, and refuse small images.
    """
    length = torch.full((1,), x.shape[dim], device=x.device)
    pixels = torch.arange(length.clamp(min=least).item(), device=x.device)
    return x.index_select(dim, pixels.minimum(length - 1))
