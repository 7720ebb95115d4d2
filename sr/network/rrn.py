"""RRN: a recurrent residual network without motion estimation, from the first frame to the last: light, and fit for live video.

Isobe, Zhu, Jia, Wang: Revisiting Temporal Modeling for Video Super-resolution, 2020, arXiv:2008.05765, section 3.2.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.functional.frames import check_clip
from sr.network.clip import blocks, initialised
from sr.network.release import Release, Shapes, count
from sr.network.upsample import check_channels, check_scale

State = tuple[Tensor, Tensor, Tensor]  # last frame (N, C, h, w), hidden features (N, n_feats, h, w), last result (N, C, sh, sw)


def _options(shapes: Shapes) -> dict[str, int]:
    n_feats, n_in = shapes["neuro.conv_1.weight"][:2]
    out = shapes["neuro.conv_o.weight"][0]  # channels * scale^2
    channels = (n_in - n_feats - out) // 2
    return {
        "scale": {1: 1, 4: 2, 9: 3, 16: 4}[out // channels],
        "channels": channels,
        "n_feats": n_feats,
        "n_blocks": count(shapes, r"neuro\.recon_trunk\.(\d+)\."),
    }


class RRN(nn.Module):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x3, x4.

    The defaults are the authors' RRN-L (10 blocks); RRN-S has 5. A frame's result depends on the frames up to it (of the first,
    also on the second): `step` gives the results of a stream one by one. Keys of junpan19/RRN, whose files load.
    """

    release = Release(("neuro.conv_1.weight", "neuro.conv_h.weight", "neuro.conv_o.weight"), _options)
    clips = True
    reach_t = None
    recomputed = ("step",)

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 128, n_blocks: int = 10) -> None:
        super().__init__()
        self.scale, self.channels, self.multiple_of = check_scale(scale, (2, 3, 4)), check_channels(channels), 1
        self.neuro = Neuron(channels, n_feats, n_blocks, channels * scale**2)

    def forward(self, lr: Tensor) -> Tensor:
        check_clip(lr)
        state, made = self.start(lr[:, 1 if lr.shape[1] > 1 else 0]), []
        for frame in lr.unbind(1):
            sr, state = self.step(frame, state)
            made.append(sr)
        return torch.stack(made, dim=1)

    def start(self, before: Tensor) -> State:
        """The state before a clip, given the frame that stands in for the one before it: the second, as the authors do."""
        n, _, h, w = before.shape
        sr = _last(before.new_zeros(n, self.channels, h * self.scale, w * self.scale))
        return _last(before), _last(before.new_zeros(n, self.neuro.conv_h.out_channels, h, w)), sr

    def step(self, frame: Tensor, state: State) -> tuple[Tensor, State]:
        """The result for a frame (N, `channels`, h, w), and the state for the next one."""
        frame, (before, hidden, sr) = _last(frame), state
        hidden, made = self.neuro(torch.cat([before, frame, hidden, F.pixel_unshuffle(sr, self.scale)], dim=1))
        base = F.interpolate(frame, scale_factor=self.scale, mode="bilinear", align_corners=False)
        sr = base + F.pixel_shuffle(made, self.scale)
        return sr, (frame, hidden, sr)


def _last(x: Tensor) -> Tensor:
    """In the layout in which convolutions are fastest: half of a light network's time goes into moving pixels around."""
    return x.contiguous(memory_format=torch.channels_last)


class Neuron(nn.Module):
    """Two frames, hidden features and last result on the LR grid -> hidden features, and what to add to the enlarged frame."""

    def __init__(self, channels: int, n_feats: int, n_blocks: int, out: int) -> None:
        super().__init__()
        # Not a tenth of He's weights, as in the other layers: the first steps would move all features below 0, where they stay.
        self.conv_1 = initialised(nn.Conv2d(2 * channels + n_feats + out, n_feats, 3, padding=1), 1)
        self.recon_trunk = blocks(n_feats, n_blocks)
        self.conv_h = initialised(nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.conv_o = initialised(nn.Conv2d(n_feats, out, 3, padding=1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.recon_trunk(F.relu(self.conv_1(x), inplace=True))
        return F.relu(self.conv_h(x), inplace=True), self.conv_o(x)
