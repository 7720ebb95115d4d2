"""Networks that take more than LR, for tests of the contract of sr/network/inputs.py."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.network.upsample import Upsampler


def body(n_in: int, n_feats: int, n_blocks: int) -> nn.Sequential:
    layers = [nn.Conv2d(n_in if not n else n_feats, n_feats, 3, padding=1) for n in range(n_blocks + 1)]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))


class Kernel(nn.Module):
    """As SRMD stretches it (Zhang et al. 2018, arXiv:1712.06116, section 3.2): the blur kernel as further channels of LR."""

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 8, n_blocks: int = 1, kernel_size: int = 7) -> None:
        super().__init__()
        self.scale, self.channels, self.multiple_of = scale, channels, 1
        self.body = body(channels + kernel_size**2, n_feats, n_blocks)
        self.tail = nn.Sequential(Upsampler(scale=scale, n_feats=n_feats), nn.Conv2d(n_feats, channels, 3, padding=1))

    def forward(self, lr: Tensor, blur_kernel: Tensor) -> Tensor:
        stretched = blur_kernel.flatten(1)[..., None, None].expand(-1, -1, *lr.shape[-2:])
        return self.tail(self.body(torch.cat([lr, stretched], 1)))


class Scaled(nn.Module):
    """Bicubic to any size, and features that are weighted by the batch's scale."""

    scales = (1, 4)

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 8, n_blocks: int = 1) -> None:
        super().__init__()
        self.scale, self.channels, self.multiple_of = scale, channels, 1
        self.body, self.weight = body(channels, n_feats, n_blocks), nn.Linear(1, n_feats)
        self.tail = nn.Conv2d(n_feats, channels, 3, padding=1)

    def forward(self, lr: Tensor, scale: Tensor, size: tuple[int, int]) -> Tensor:
        features = self.body(lr) * self.weight(scale.view(-1, 1))[..., None, None]
        enlarged = [F.interpolate(image, size=size, mode="bicubic", align_corners=False) for image in (features, lr)]
        return self.tail(enlarged[0]) + enlarged[1]
