"""SRResNet: residual blocks with batch normalisation and sub-pixel upsampling; SRGAN's generator.

Ledig et al.: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, 2017,
arXiv:1609.04802, section 2.1.1 and figure 4.
"""

import torch.nn as nn
from torch import Tensor

from sr.network.prelu import PReLU
from sr.network.release import Release, count, shuffled
from sr.network.upsample import check_channels, check_scale, stages


class SRResNet(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of Lornatang/SRGAN-PyTorch: conv1, trunk.N.rcb, conv2, upsampling.N.upsample_block, conv3. `dropout`: channel dropout
    before the last convolution (Kong et al. 2022, arXiv:2112.12089), which helps against unseen degradations. The paper
    gives no initialisation; torch's default is used.
    """

    release = Release(
        ("conv1.0.weight", "trunk.0.rcb.0.weight"),
        lambda shapes: {
            "scale": shuffled(shapes, r"upsampling\.\d+\.upsample_block\.0\.weight"),
            "n_feats": shapes["conv1.0.weight"][0],
            "n_blocks": count(shapes, r"trunk\.(\d+)\."),
        },
    )

    def __init__(
        self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 16, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.conv1 = nn.Sequential(nn.Conv2d(channels, n_feats, 9, padding=4), PReLU())
        self.trunk = nn.Sequential(*(ResidualBlock(n_feats) for _ in range(n_blocks)))
        # Batch normalisation subtracts the mean, and with it any bias before it.
        self.conv2 = nn.Sequential(nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=False), nn.BatchNorm2d(n_feats))
        self.upsampling = nn.Sequential(*(UpsampleBlock(n_feats, factor) for factor in stages(scale)))
        self.dropout = nn.Dropout2d(dropout)
        self.conv3 = nn.Conv2d(n_feats, channels, 9, padding=4)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.conv1(lr)
        x = x + self.conv2(self.trunk(x))
        return self.conv3(self.dropout(self.upsampling(x)))


class ResidualBlock(nn.Module):
    """x + convolution, batch norm, PReLU, convolution, batch norm; no activation after the sum (Gross and Wilber)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.rcb = nn.Sequential(
            nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_feats),
            PReLU(),
            nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_feats),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.rcb(x)


class UpsampleBlock(nn.Module):
    """(N, C, H, W) -> (N, C, fH, fW): convolution, PixelShuffle, PReLU."""

    def __init__(self, n_feats: int, factor: int) -> None:
        super().__init__()
        self.upsample_block = nn.Sequential(
            nn.Conv2d(n_feats, n_feats * factor**2, 3, padding=1),
            nn.PixelShuffle(factor),
            PReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample_block(x)
