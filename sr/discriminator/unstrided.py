"""One logit for each patch of 7x7 pixels, at every place: one convolution, and then convolutions of 1x1.

KernelGAN: Bell-Kligler, Shocher, Irani 2019, arXiv:1909.06581, section 4.2. No strides or pooling: it sees the distribution of
patches at their own scale, and nothing larger.
"""

import torch.nn as nn
from torch import Tensor
from torch.nn.utils import spectral_norm  # as the authors' code, in the form that discriminator unet has

from sr.errors import InputError


class Unstrided(nn.Module):
    """(N, `channels`, H, W) -> logits (N, 1, H - k + 1, W - k + 1). The authors' sigmoid is in `adversarial=absolute`.

    Args:
        channels: bands of the image.
        n_feats: features.
        n_layers: convolutions.
        kernel_size: k, the side of the first one.

    Raises:
        InputError: a number below 1, below 2 layers; in forward, an image smaller than a patch.
    """

    def __init__(self, *, channels: int = 3, n_feats: int = 64, n_layers: int = 7, kernel_size: int = 7) -> None:
        super().__init__()
        if min(channels, n_feats, kernel_size, n_layers - 1) < 1:
            raise InputError(
                "discriminator unstrided needs channels, n_feats and kernel_size of at least 1 and n_layers of at least 2, got "
                f"{channels}, {n_feats}, {kernel_size} and {n_layers}"
            )
        self.kernel_size = kernel_size
        layers: list[nn.Module] = [spectral_norm(nn.Conv2d(channels, n_feats, kernel_size))]
        for _ in range(n_layers - 2):
            layers += [spectral_norm(nn.Conv2d(n_feats, n_feats, 1)), nn.BatchNorm2d(n_feats), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(n_feats, 1, 1)))
        for layer in self.layers:
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1.0, 0.02)
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        if min(image.shape[-2:]) < self.kernel_size:
            raise InputError(
                f"discriminator unstrided needs at least {self.kernel_size}x{self.kernel_size} pixels, not "
                f"{image.shape[-2]}x{image.shape[-1]}: use a larger data.patch_size"
            )
        return self.layers(image)
