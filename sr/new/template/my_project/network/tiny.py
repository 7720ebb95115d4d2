"""A network: convolutions on the LR grid, one pixel shuffle, added to the bicubic image."""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class Tiny(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW), s = `scale`.

    Args:
        n_feats: channels of the features.
        n_blocks: convolutions between the first and the last.
    """

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 16, n_blocks: int = 2) -> None:
        super().__init__()
        self.scale, self.channels, self.multiple_of = scale, channels, 1  # sizes of any multiple_of pixels are taken
        layers: list[nn.Module] = [nn.Conv2d(channels, n_feats, 3, padding=1), nn.ReLU()]
        for _ in range(n_blocks):
            layers += [nn.Conv2d(n_feats, n_feats, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(n_feats, channels * scale**2, 3, padding=1))

    def forward(self, lr: Tensor) -> Tensor:
        enlarged = F.interpolate(lr, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return enlarged + F.pixel_shuffle(self.body(lr), self.scale)
