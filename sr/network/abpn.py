"""ABPN: plain convolutions on the LR grid plus the repeated input (the anchor), one pixel shuffle at the end.

Du, Liu, Tang, Wu: Anchor-based Plain Net for Mobile Image Super-Resolution, 2021, arXiv:2105.09750, section 3.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Release, count, root
from sr.network.upsample import check_channels, check_scale


class ABPN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW) in [0, 1]; x1 (restoration), x2, x3, x4.

    The authors' code (NJU-Jet/SR_Mobile_Quantization, base7) is for TensorFlow; `body` and `last` are names of ours. Its
    channels before the pixel shuffle are ordered by sub-pixel and then by colour, here by colour and then by sub-pixel.
    """

    release = Release(
        ("body.0.weight", "body.2.weight", "last.weight"),
        lambda shapes: {
            "scale": root(shapes["last.weight"][0]),
            "n_feats": shapes["body.0.weight"][0],
            "n_blocks": count(shapes, r"body\.(\d+)\.weight") - 2,
        },
    )

    def __init__(self, *, scale: int = 3, channels: int = 3, n_feats: int = 28, n_blocks: int = 4) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4))
        self.channels, self.multiple_of = check_channels(channels), 1
        widths = [channels, *[n_feats] * (n_blocks + 1), channels * scale**2]
        self.body = nn.Sequential()
        for a, b in zip(widths, widths[1:], strict=False):
            self.body.extend((nn.Conv2d(a, b, 3, padding=1), nn.ReLU()))
        self.last = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        for conv in (*self.body[::2], self.last):
            nn.init.xavier_normal_(conv.weight)  # glorot_normal in the authors' code
            nn.init.zeros_(conv.bias)

    def forward(self, lr: Tensor) -> Tensor:
        anchor = lr.repeat_interleave(self.scale**2, dim=1)  # becomes nearest-neighbour upsampling in the shuffle
        return F.pixel_shuffle(self.last(self.body(lr)) + anchor, self.scale).clamp(0, 1)
