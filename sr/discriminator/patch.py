"""PatchGAN: one output per overlapping patch of the image.

Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks, arXiv:1611.07004, section 3.2.2.
"""

from collections.abc import Callable

import torch.nn as nn
from torch import Tensor
from torch.nn.utils import spectral_norm  # in the form that discriminator unet has

from sr.errors import InputError

NORMS: dict[str, Callable[[int], list[nn.Module]]] = {
    "batch": lambda n: [nn.BatchNorm2d(n)],
    "instance": lambda n: [nn.InstanceNorm2d(n)],
    "spectral": lambda n: [],
    "none": lambda n: [],
}


def _spectral(*channels: int, **options: int | bool) -> nn.Module:
    return spectral_norm(nn.Conv2d(*channels, **options))


class Patch(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> logits (N, 1, h, w); with 3 layers each covers 70x70 pixels, h = H/8 - 2.

    Keys of junyanz/pytorch-CycleGAN-and-pix2pix: model.N.

    Args:
        channels: bands of the image.
        n_feats: features after the first convolution.
        n_layers: how often the image is halved; 1, 2, 3, 4, 5: receptive fields of 16, 34, 70, 142, 286 pixels.
        norm: batch (the paper), instance, spectral (of all weights, as in BSRGAN; keys of cszn/KAIR differ), or none.

    Raises:
        InputError: another norm, a number below 1; in forward, an image too small for one logit.
    """

    def __init__(self, *, channels: int = 3, n_feats: int = 64, n_layers: int = 3, norm: str = "batch") -> None:
        super().__init__()
        if norm not in NORMS:
            raise InputError(f"discriminator.norm={norm}: choose one of {', '.join(NORMS)}")
        if min(channels, n_feats, n_layers) < 1:
            raise InputError(
                "discriminator patch needs channels, n_feats and n_layers of at least 1, "
                f"got {channels}, {n_feats} and {n_layers}"
            )
        self.smallest = 3 * 2**n_layers
        widths = [n_feats * min(2**layer, 8) for layer in range(n_layers + 1)]
        conv = _spectral if norm == "spectral" else nn.Conv2d
        layers: list[nn.Module] = [conv(channels, n_feats, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for layer, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False), start=1):
            stride = 2 if layer < n_layers else 1
            layers.append(conv(n_in, n_out, 4, stride=stride, padding=1, bias=norm != "batch"))
            layers += [*NORMS[norm](n_out), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*layers, conv(widths[-1], 1, 4, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        if min(image.shape[-2:]) < self.smallest:
            raise InputError(
                f"discriminator patch needs HR patches of at least {self.smallest}x{self.smallest} pixels, not "
                f"{image.shape[-2]}x{image.shape[-1]}: use a larger data.patch_size or a smaller discriminator.n_layers"
            )
        return self.model(image)
