"""VGG-style: convolutions that halve the image, then two linear layers to one logit.

Ledig et al. 2017, SRGAN, arXiv:1609.04802, figure 4; Wang et al. 2018, ESRGAN, arXiv:1809.00219, in the form of BasicSR's
VGGStyleDiscriminator.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError


class VGG(nn.Module):
    """(N, `channels`, P, P), P = scale * patch_size, in [0, 1] -> logits (N, 1).

    Keys of BasicSR: convN_0, bnN_0 (not in stage 0), convN_1, bnN_1, linear1, linear2. The linear layer depends on the patch
    size.

    Args:
        scale, patch_size: of the training patches; patch_size in LR pixels.
        channels: bands of the image.
        n_feats: features of the first stage; they double up to eight times as many.
        n_stages: number of times the image is halved (ESRGAN 5, SRGAN 4).
        kernel_size: of the strided convolutions (ESRGAN's code 4, SRGAN 3).
        n_hidden: width of the first linear layer (ESRGAN's code 100, SRGAN 1024).

    Raises:
        InputError: the HR patch is too small to be halved that often; another kernel size, or a number below 1.
    """

    def __init__(
        self,
        *,
        scale: int,
        patch_size: int,
        channels: int = 3,
        n_feats: int = 64,
        n_stages: int = 5,
        kernel_size: int = 4,
        n_hidden: int = 100,
    ) -> None:
        super().__init__()
        if min(channels, n_feats, n_stages, n_hidden) < 1 or kernel_size not in (
            3,
            4,
        ):  # other kernel sizes do not halve exactly
            raise InputError(
                "discriminator vgg needs channels, n_feats, n_stages and n_hidden of at least 1 and a kernel_size of 3 or 4, "
                f"got {channels}, {n_feats}, {n_stages}, {n_hidden} and {kernel_size}"
            )
        self.size = scale * patch_size
        if self.size % 2**n_stages:
            raise InputError(
                f"discriminator vgg halves the HR patch {n_stages} times: scale={scale} times data.patch_size={patch_size} "
                f"must be a multiple of {2**n_stages}, or pass discriminator.n_stages=..., discriminator=unet or patch"
            )
        self.n_stages = n_stages
        widths = [channels] + [n_feats * min(2**stage, 8) for stage in range(n_stages)]
        for stage, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False)):
            self.add_module(f"conv{stage}_0", nn.Conv2d(n_in, n_out, 3, padding=1, bias=stage == 0))
            if stage:
                self.add_module(f"bn{stage}_0", nn.BatchNorm2d(n_out))
            self.add_module(f"conv{stage}_1", nn.Conv2d(n_out, n_out, kernel_size, stride=2, padding=1, bias=False))
            self.add_module(f"bn{stage}_1", nn.BatchNorm2d(n_out))
        self.linear1 = nn.Linear(widths[-1] * (self.size // 2**n_stages) ** 2, n_hidden)
        self.linear2 = nn.Linear(n_hidden, 1)

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[-2:] != (self.size, self.size):
            raise InputError(
                f"discriminator vgg was built for patches of {self.size}x{self.size}, not {image.shape[-2]}x{image.shape[-1]}"
            )
        x = image
        for name, layer in self.named_children():
            if name == "linear1":
                break
            # The activation follows each normalisation, and the first convolution, which has none.
            x = F.leaky_relu(layer(x), 0.2) if name.startswith("bn") or name == "conv0_0" else layer(x)
        return self.linear2(F.leaky_relu(self.linear1(x.flatten(1)), 0.2))
