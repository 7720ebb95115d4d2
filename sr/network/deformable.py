"""Deformable convolutions that align the features of one frame to another's."""

from contextlib import nullcontext

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import deform_conv2d

from sr.network.clip import SLOPE


class Deformable(nn.Module):
    """Modulated deformable 3x3 convolution (DCNv2, Zhu et al. 2018, arXiv:1811.11168) with offsets and masks from elsewhere."""

    def __init__(self, n_in: int, n_feats: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_feats, n_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(n_feats))
        nn.init.uniform_(self.weight, -(bound := (9 * n_in) ** -0.5), bound)  # as the authors' operator
        self.groups = groups

    def sampled(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """The convolution of (N, n_in, H, W) at places moved by offsets (N, 18 groups, H, W), in pixels, y before x.

        In float32: half precision would round the offsets to fractions of a pixel.
        """
        plain = torch.autocast(x.device.type, enabled=False) if x.device.type != "meta" else nullcontext()
        with plain:
            dtype = torch.promote_types(x.dtype, torch.float32)
            tensors = (x, offset, self.weight, self.bias, mask)
            x, offset, weight, bias, mask = (tensor.to(dtype) for tensor in tensors)
            return deform_conv2d(x, offset, weight, bias, padding=1, mask=mask)


class Aligned(Deformable):
    """Features (N, n_feats, H, W), aligned by offsets that a convolution finds in others (EDVR, arXiv:1905.02716)."""

    def __init__(self, n_feats: int, groups: int) -> None:
        super().__init__(n_feats, n_feats, groups)
        self.conv_offset = zeroed(nn.Conv2d(n_feats, 27 * groups, 3, padding=1))

    def forward(self, x: Tensor, others: Tensor) -> Tensor:
        y, x_, mask = self.conv_offset(others).chunk(3, dim=1)
        return self.sampled(x, torch.cat([y, x_], dim=1), mask.sigmoid())


class SecondOrder(Deformable):
    """Features of the two frames before, aligned by optical flow plus offsets of at most `most` pixels.

    BasicVSR++: Chan, Zhou, Xu, Loy 2021, arXiv:2104.13371, section 3.2.
    """

    def __init__(self, n_feats: int, groups: int = 16, most: float = 10.0) -> None:
        super().__init__(2 * n_feats, n_feats, groups)
        layers: list[nn.Module] = []
        for n_in in (3 * n_feats + 4, n_feats, n_feats):
            layers += [nn.Conv2d(n_in, n_feats, 3, padding=1), nn.LeakyReLU(SLOPE, inplace=True)]
        self.conv_offset = nn.Sequential(*layers, zeroed(nn.Conv2d(n_feats, 27 * groups, 3, padding=1)))
        self.most = most

    def forward(self, x: Tensor, others: Tensor, flow1: Tensor, flow2: Tensor) -> Tensor:
        """(N, 2 n_feats, H, W): the last frame's features, then those of the one before; flows (N, 2, H, W) to these frames."""
        y, x_, mask = self.conv_offset(torch.cat([others, flow1, flow2], dim=1)).chunk(3, dim=1)
        first, second = (self.most * torch.cat([y, x_], dim=1).to(flow1.dtype).tanh()).chunk(2, dim=1)
        moved = (
            offset + flow.flip(1).repeat(1, offset.shape[1] // 2, 1, 1) for offset, flow in ((first, flow1), (second, flow2))
        )
        return self.sampled(x, torch.cat(list(moved), dim=1), mask.sigmoid())


def zeroed(conv: nn.Conv2d) -> nn.Conv2d:
    """A convolution that starts as 0: no offsets, masks of 1/2."""
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv


def doubled(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
