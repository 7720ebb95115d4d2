"""IconVSR: BasicVSR whose keyframes are refilled with features of a window, and whose forward branch sees the backward one.

Chan, Wang, Yu, Dong, Loy: BasicVSR: The Search for Essential Components in Video Super-Resolution and Beyond, 2021,
arXiv:2012.02181, section 4.
"""

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.frames import check_clip
from sr.functional.warp import warp
from sr.network.clip import NAMES, ClipNetwork, Trunk, flows, size_of
from sr.network.edvr import EDVRFeatures
from sr.network.release import Release, Shapes
from sr.network.spynet import SPyNet


def _options(shapes: Shapes) -> dict[str, int]:
    found = size_of(shapes, "backward_trunk")
    return found | {"reach": shapes["edvr.fusion.feat_fusion.weight"][1] // found["n_feats"] // 2}


class IconVSR(ClipNetwork):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x4; h and w multiples of 4.

    Args:
        n_blocks: residual blocks of each direction.
        keyframe_stride: every so many frames, and the last, are keyframes.
        reach: frames before and after a keyframe in its window: 2 for REDS, 3 for Vimeo-90K.
    """

    release = Release(("spynet.mean", "backward_fusion.weight", "edvr.conv_first.weight"), _options, names=NAMES)
    recomputed = ("enlarged", "step", "refill")

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 30,
        keyframe_stride: int = 5,
        reach: int = 2,
    ) -> None:
        super().__init__(scale, channels, multiple_of=4)
        if min(keyframe_stride, reach) < 1:
            raise InputError(f"network.keyframe_stride={keyframe_stride}, network.reach={reach}: both must be at least 1")
        self.n_feats, self.keyframe_stride, self.reach = n_feats, keyframe_stride, reach
        self.edvr = EDVRFeatures(channels=channels, n_feats=n_feats, n_frames=2 * reach + 1)
        self.spynet = SPyNet()
        self.backward_fusion = nn.Conv2d(2 * n_feats, n_feats, 3, padding=1)
        self.backward_trunk = Trunk(n_feats + channels, n_feats, n_blocks)
        self.forward_fusion = nn.Conv2d(2 * n_feats, n_feats, 3, padding=1)
        self.forward_trunk = Trunk(2 * n_feats + channels, n_feats, n_blocks)
        self.add_tail(n_feats)

    def forward(self, lr: Tensor) -> Tensor:
        check_clip(lr)
        last = lr.shape[1] - 1
        to_next, to_last = flows(self.spynet, lr)
        refilled = {i: self.refill(lr, i) for i in {*range(0, last + 1, self.keyframe_stride), last}}
        future, made, x = [], [], None
        for i in range(last, -1, -1):
            x = self.step("backward", [lr[:, i]], x, None if x is None else to_next[:, i], refilled.get(i))
            future.insert(0, x)
        x = None
        for i in range(last + 1):
            flow = None if x is None else to_last[:, i - 1]
            x = self.step("forward", [lr[:, i], future[i]], x, flow, refilled.get(i))
            made.append(self.enlarged(x, lr[:, i]))
            future[i] = None  # no longer needed: a clip has many frames
        return torch.stack(made, dim=1)

    def refill(self, lr: Tensor, i: int) -> Tensor:
        """Features of keyframe i from its window; frames beyond an end are the clip's fifth and fourth (reach 2), as released.

        In clips of fewer frames the nearest one stands for these.
        """
        return self.edvr(lr, [self._inside(j, lr.shape[1] - 1) for j in range(i - self.reach, i + self.reach + 1)])

    def _inside(self, j: int, last: int) -> int:
        """The frame that stands for frame j: -1 is frame reach + 1, -2 is reach + 2; mirrored at the other end."""
        j = self.reach - j if j < 0 else 2 * last - j - self.reach if j > last else j
        return min(max(j, 0), last)

    def step(
        self, direction: str, parts: list[Tensor], x: Tensor | None, flow: Tensor | None, refilled: Tensor | None
    ) -> Tensor:
        """Features of a frame from those of its neighbour, `x`, which the flow to it aligns; None at the end of the clip."""
        x = parts[0].new_zeros(len(parts[0]), self.n_feats, *parts[0].shape[-2:]) if x is None else warp(x, flow)
        if refilled is not None:
            x = getattr(self, f"{direction}_fusion")(torch.cat([x, refilled], dim=1))
        return getattr(self, f"{direction}_trunk")(*parts, x)
