"""Attention after RRDB's blocks, for ablations; (N, C, H, W) -> (N, C, H, W)."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.attention import ChannelAttention


class SpatialAttention(nn.Module):
    """Pixels weighted by the mean and the maximum of their channels (Woo et al. 2018, CBAM, arXiv:1807.06521, eq. 3)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)))


class SelfAttention(nn.Module):
    """x + self-attention between channels over all pixels (Zamir et al. 2022, Restormer, arXiv:2111.09881, section 3.1).

    Its cost is linear in the number of pixels, so it works on whole images; attention between pixels would be quadratic.
    InputError: n_feats is not a multiple of n_heads.
    """

    def __init__(self, n_feats: int, n_heads: int = 4) -> None:
        super().__init__()
        if n_feats % n_heads:
            raise InputError(f"n_feats={n_feats} is not a multiple of the {n_heads} heads of self-attention")
        self.n_heads = n_heads
        self.temperature = nn.Parameter(torch.ones(n_heads, 1, 1))
        self.qkv = nn.Conv2d(n_feats, 3 * n_feats, 1)
        self.depthwise = nn.Conv2d(3 * n_feats, 3 * n_feats, 3, padding=1, groups=3 * n_feats)
        self.project = nn.Conv2d(n_feats, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        q, k, v = self.depthwise(self.qkv(x)).reshape(n, 3, self.n_heads, c // self.n_heads, h * w).unbind(1)
        weights = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2) * self.temperature
        return x + self.project((weights.softmax(-1) @ v).reshape(n, c, h, w))


ATTENTION: dict[str, type[nn.Module]] = {"channel": ChannelAttention, "spatial": SpatialAttention, "self": SelfAttention}


def attention_block(kind: str, n_feats: int) -> nn.Module:
    """The block with that name; "none": the identity. InputError: another name."""
    if kind == "none":
        return nn.Identity()
    if kind not in ATTENTION:
        raise InputError(f"network.attention={kind}: choose one of none, {', '.join(ATTENTION)}")
    return ATTENTION[kind](n_feats)
