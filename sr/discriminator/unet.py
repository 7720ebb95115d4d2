"""U-Net with spectral normalisation: one output per pixel.

Wang, Xie, Dong, Shan 2021, Real-ESRGAN, arXiv:2107.10833, section 3.3; its UNetDiscriminatorSN. The idea of a U-Net:
Schonfeld et al. 2020, arXiv:2002.12655.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import spectral_norm  # the newer parametrizations.spectral_norm has other keys than the release

from sr.errors import InputError


class UNet(nn.Module):
    """(N, `channels`, H, W) in [0, 1], H and W multiples of 8 -> logits (N, 1, H, W).

    Keys of the release, whose files (RealESRGAN_x4plus_netD.pth) load: conv0 ... conv9.

    Args:
        channels: bands of the image.
        n_feats: features at full size.
        skip_connection: whether the decoder receives the encoder's features.

    Raises:
        InputError: no features; in forward, H or W is not a multiple of 8.
    """

    def __init__(self, *, channels: int = 3, n_feats: int = 64, skip_connection: bool = True) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("n_feats", n_feats)):
            if value < 1:
                raise InputError(f"discriminator.{name}={value}: must be at least 1")
        self.skip_connection = skip_connection
        n = n_feats
        self.conv0 = nn.Conv2d(channels, n, 3, padding=1)
        self.conv1 = spectral_norm(nn.Conv2d(n, n * 2, 4, stride=2, padding=1, bias=False))
        self.conv2 = spectral_norm(nn.Conv2d(n * 2, n * 4, 4, stride=2, padding=1, bias=False))
        self.conv3 = spectral_norm(nn.Conv2d(n * 4, n * 8, 4, stride=2, padding=1, bias=False))
        self.conv4 = spectral_norm(nn.Conv2d(n * 8, n * 4, 3, padding=1, bias=False))
        self.conv5 = spectral_norm(nn.Conv2d(n * 4, n * 2, 3, padding=1, bias=False))
        self.conv6 = spectral_norm(nn.Conv2d(n * 2, n, 3, padding=1, bias=False))
        self.conv7 = spectral_norm(nn.Conv2d(n, n, 3, padding=1, bias=False))
        self.conv8 = spectral_norm(nn.Conv2d(n, n, 3, padding=1, bias=False))
        self.conv9 = nn.Conv2d(n, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[-2] % 8 or image.shape[-1] % 8:
            raise InputError(
                f"discriminator unet needs HR patches whose sides are multiples of 8, not {image.shape[-2]}x{image.shape[-1]}: "
                "choose data.patch_size so that scale * data.patch_size is one"
            )
        skipped = [_activated(self.conv0, image)]
        for conv in (self.conv1, self.conv2, self.conv3):
            skipped = [*skipped, _activated(conv, skipped[-1])]
        x = skipped.pop()
        for conv in (self.conv4, self.conv5, self.conv6):
            x = _activated(conv, F.interpolate(x, scale_factor=2, mode="bilinear"))
            if self.skip_connection:
                x = x + skipped.pop()
        return self.conv9(_activated(self.conv8, _activated(self.conv7, x)))


def _activated(conv: nn.Module, x: Tensor) -> Tensor:
    return F.leaky_relu(conv(x), 0.2)
