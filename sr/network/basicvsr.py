"""BasicVSR: features are propagated through the clip backward and forward in time, and aligned by optical flow.

Chan, Wang, Yu, Dong, Loy: BasicVSR: The Search for Essential Components in Video Super-Resolution and Beyond, 2021,
arXiv:2012.02181, section 3.
"""

import torch
import torch.nn as nn
from torch import Tensor

from sr.functional.frames import check_clip
from sr.functional.warp import warp
from sr.network.clip import NAMES, ClipNetwork, Trunk, flows, leaky, size_of
from sr.network.release import Release
from sr.network.spynet import SPyNet


class BasicVSR(ClipNetwork):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x4.

    `n_blocks` is the number of residual blocks of each direction. SPyNet was made for frames of at least 64 pixels.
    """

    release = Release(
        ("spynet.mean", "backward_trunk.main.0.weight", "fusion.weight"),
        lambda shapes: size_of(shapes, "backward_trunk"),
        names=NAMES,
    )
    recomputed = ("fused", "step")

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 30) -> None:
        super().__init__(scale, channels)
        self.n_feats = n_feats
        self.spynet = SPyNet()
        self.backward_trunk = Trunk(n_feats + channels, n_feats, n_blocks)
        self.forward_trunk = Trunk(n_feats + channels, n_feats, n_blocks)
        self.fusion = nn.Conv2d(2 * n_feats, n_feats, 1)
        self.add_tail(n_feats)

    def forward(self, lr: Tensor) -> Tensor:
        check_clip(lr)
        to_next, to_last = flows(self.spynet, lr)
        future, made, x = [], [], None
        for i in reversed(range(lr.shape[1])):
            x = self.step("backward_trunk", lr[:, i], x, None if x is None else to_next[:, i])
            future.insert(0, x)
        x = None
        for i in range(lr.shape[1]):
            x = self.step("forward_trunk", lr[:, i], x, None if x is None else to_last[:, i - 1])
            made.append(self.fused(future[i], x, lr[:, i]))
            future[i] = None  # no longer needed: a clip has many frames
        return torch.stack(made, dim=1)

    def step(self, trunk: str, frame: Tensor, x: Tensor | None, flow: Tensor | None) -> Tensor:
        """Features of a frame from those of its neighbour, `x`, which the flow to it aligns; None at the end of the clip."""
        x = frame.new_zeros(len(frame), self.n_feats, *frame.shape[-2:]) if x is None else warp(x, flow)
        return getattr(self, trunk)(frame, x)

    def fused(self, future: Tensor, past: Tensor, frame: Tensor) -> Tensor:
        """The result for a frame from its features of both directions."""
        return self.enlarged(leaky(self.fusion(torch.cat([future, past], dim=1))), frame)
