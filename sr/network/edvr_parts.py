"""The parts of EDVR: alignment (PCD), fusion (TSA), and its module for blurred input.

Wang, Chan, Yu, Dong, Loy: EDVR: Video Restoration with Enhanced Deformable Convolutional Networks, 2019, arXiv:1905.02716.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.clip import ResidualBlock, blocks, leaky
from sr.network.deformable import Aligned, doubled

LEVELS = ("l1", "l2", "l3")  # full, half and quarter size


def _conv(n_in: int, n_out: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, size, padding=size // 2)


class PCDAlignment(nn.Module):
    """Features of a frame, aligned to a reference's from coarse to fine; section 3.2. Each is a list of three sizes."""

    def __init__(self, n_feats: int, groups: int) -> None:
        super().__init__()
        n, fine = n_feats, LEVELS[:2]
        self.offset_conv1 = nn.ModuleDict({level: _conv(2 * n, n) for level in LEVELS})
        self.offset_conv2 = nn.ModuleDict({level: _conv(2 * n if level in fine else n, n) for level in LEVELS})
        self.offset_conv3 = nn.ModuleDict({level: _conv(n, n) for level in fine})
        self.dcn_pack = nn.ModuleDict({level: Aligned(n, groups) for level in LEVELS})
        self.feat_conv = nn.ModuleDict({level: _conv(2 * n, n) for level in fine})
        self.cas_offset_conv1, self.cas_offset_conv2 = _conv(2 * n, n), _conv(n, n)
        self.cas_dcnpack = Aligned(n, groups)

    def forward(self, frame: Sequence[Tensor], reference: Sequence[Tensor]) -> Tensor:
        offset = x = None
        for level, ours, theirs in reversed(list(zip(LEVELS, frame, reference, strict=True))):
            found = leaky(self.offset_conv1[level](torch.cat([ours, theirs], dim=1)))
            if offset is None:
                offset = leaky(self.offset_conv2[level](found))
                x = leaky(self.dcn_pack[level](ours, offset))
            else:
                # Twice as large an offset in pixels of the finer level.
                found = leaky(self.offset_conv2[level](torch.cat([found, 2 * doubled(offset)], dim=1)))
                offset = leaky(self.offset_conv3[level](found))
                x = self.feat_conv[level](torch.cat([self.dcn_pack[level](ours, offset), doubled(x)], dim=1))
                x = x if level == "l1" else leaky(x)
        offset = leaky(self.cas_offset_conv1(torch.cat([x, reference[0]], dim=1)))
        return leaky(self.cas_dcnpack(x, leaky(self.cas_offset_conv2(offset))))


class TSAFusion(nn.Module):
    """Aligned features (N, T, n_feats, h, w) -> (N, n_feats, h, w); section 3.3.

    Temporal attention weighs each frame's pixels by their likeness to the middle frame's; spatial attention has three sizes.
    """

    def __init__(self, n_feats: int, n_frames: int) -> None:
        super().__init__()
        n = n_feats
        self.temporal_attn1, self.temporal_attn2 = _conv(n, n), _conv(n, n)
        self.feat_fusion, self.spatial_attn1 = _conv(n_frames * n, n, 1), _conv(n_frames * n, n, 1)
        self.spatial_attn2, self.spatial_attn3 = _conv(2 * n, n, 1), _conv(n, n)
        self.spatial_attn4, self.spatial_attn5 = _conv(n, n, 1), _conv(n, n)
        self.spatial_attn_l1, self.spatial_attn_l2, self.spatial_attn_l3 = _conv(n, n, 1), _conv(2 * n, n), _conv(n, n)
        self.spatial_attn_add1, self.spatial_attn_add2 = _conv(n, n, 1), _conv(n, n, 1)

    def forward(self, aligned: Tensor) -> Tensor:
        middle = self.temporal_attn1(aligned[:, aligned.shape[1] // 2])
        others = self.temporal_attn2(aligned.flatten(0, 1)).unflatten(0, aligned.shape[:2])
        likeness = (others * middle[:, None]).sum(2, keepdim=True).sigmoid()
        weighted = (aligned * likeness).flatten(1, 2)
        x = leaky(self.feat_fusion(weighted))
        attention = leaky(self.spatial_attn2(_halved(leaky(self.spatial_attn1(weighted)))))
        coarse = leaky(self.spatial_attn_l2(_halved(leaky(self.spatial_attn_l1(attention)))))
        attention = leaky(self.spatial_attn3(attention)) + doubled(leaky(self.spatial_attn_l3(coarse)))
        attention = self.spatial_attn5(doubled(leaky(self.spatial_attn4(attention))))
        added = self.spatial_attn_add2(leaky(self.spatial_attn_add1(attention)))
        return x * attention.sigmoid() * 2 + added  # attention starts near 1/2


def _halved(x: Tensor) -> Tensor:
    return torch.cat([F.max_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1)], dim=1)


class Predeblur(nn.Module):
    """Blurred frames (M, channels, h, w) -> features (M, n_feats, h, w), by a pyramid of residual blocks; section 3.4."""

    def __init__(self, channels: int, n_feats: int) -> None:
        super().__init__()
        self.conv_first = _conv(channels, n_feats)
        self.stride_conv_l2 = nn.Conv2d(n_feats, n_feats, 3, stride=2, padding=1)
        self.stride_conv_l3 = nn.Conv2d(n_feats, n_feats, 3, stride=2, padding=1)
        self.resblock_l3 = ResidualBlock(n_feats)
        self.resblock_l2_1, self.resblock_l2_2 = ResidualBlock(n_feats), ResidualBlock(n_feats)
        self.resblock_l1 = nn.ModuleList(blocks(n_feats, 5))

    def forward(self, x: Tensor) -> Tensor:
        full = leaky(self.conv_first(x))
        half = leaky(self.stride_conv_l2(full))
        quarter = doubled(self.resblock_l3(leaky(self.stride_conv_l3(half))))
        half = doubled(self.resblock_l2_2(self.resblock_l2_1(half) + quarter))
        for i, block in enumerate(self.resblock_l1):
            full = block(full if i != 2 else full + half)
        return full
