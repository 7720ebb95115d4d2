"""BasicVSR++: second-order grid propagation, with deformable alignment guided by optical flow.

Chan, Zhou, Xu, Loy: BasicVSR++: Improving Video Super-Resolution with Enhanced Propagation and Alignment, 2021,
arXiv:2104.13371, section 3.
"""

from itertools import pairwise

import torch
import torch.nn as nn
from torch import Tensor

from sr.functional.frames import check_clip
from sr.functional.leading import pictures, restored
from sr.functional.warp import warp
from sr.network.clip import NAMES, ClipNetwork, Trunk, flows, size_of
from sr.network.deformable import SecondOrder
from sr.network.release import Release, Shapes, count
from sr.network.spynet import SPyNet

BRANCHES = ("backward_1", "forward_1", "backward_2", "forward_2")


def _options(shapes: Shapes) -> dict[str, int]:
    blocks = {"n_blocks": count(shapes, r"backbone\.backward_1\.main\.2\.(\d+)\.")}
    return size_of(shapes, "reconstruction") | blocks


class BasicVSRPlusPlus(ClipNetwork):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x4.

    `n_blocks` is the number of residual blocks of each of the four branches. The release for restoration at x1, whose first
    layers shrink the frame, is not included. SPyNet was made for frames of at least 64 pixels.
    """

    release = Release(
        ("spynet.mean", "backbone.backward_1.main.0.weight", "reconstruction.main.0.weight"), _options, names=NAMES
    )
    recomputed = ("rebuilt", "step")

    def __init__(
        self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 7, max_residue: float = 10.0
    ) -> None:
        super().__init__(scale, channels)
        self.spynet = SPyNet()
        self.feat_extract = Trunk(channels, n_feats, 5)
        self.deform_align = nn.ModuleDict({name: SecondOrder(n_feats, most=max_residue) for name in BRANCHES})
        self.backbone = nn.ModuleDict({name: Trunk((2 + i) * n_feats, n_feats, n_blocks) for i, name in enumerate(BRANCHES)})
        self.reconstruction = Trunk(5 * n_feats, n_feats, 5)
        self.add_tail(n_feats)

    def forward(self, lr: Tensor) -> Tensor:
        check_clip(lr)
        to_next, to_last = flows(self.spynet, lr)
        found = {"spatial": restored(self.feat_extract(pictures(lr)), lr).unbind(1)}
        for name in BRANCHES:
            found[name] = self._branch(name, found, to_next if name.startswith("backward") else to_last)
        made = (self.rebuilt(frame, *parts) for frame, *parts in zip(lr.unbind(1), *found.values(), strict=True))
        return torch.stack(list(made), dim=1)

    def rebuilt(self, frame: Tensor, *parts: Tensor) -> Tensor:
        """The result for a frame from its features of all branches."""
        return self.enlarged(self.reconstruction(*parts), frame)

    def _branch(self, name: str, found: dict[str, list[Tensor]], flow: Tensor) -> list[Tensor]:
        """The branch's features of each frame; `flow` (N, T - 1, 2, h, w) leads from each frame to the one that it follows."""
        order = list(range(len(found["spatial"])))
        if name.startswith("backward"):
            order.reverse()
        made: dict[int, Tensor] = {}
        flow_to = {i: flow[:, min(i, before)] for before, i in pairwise(order)}  # each frame but the first one's
        for at, i in enumerate(order):
            parts = [found[branch][i] for branch in found]
            last = made[order[at - 1]] if at > 0 else None
            second = made[order[at - 2]] if at > 1 else None
            made[i] = self.step(name, parts, last, second, flow_to.get(i), flow_to[order[at - 1]] if at > 1 else None)
        return [made[i] for i in sorted(made)]

    def step(
        self,
        name: str,
        parts: list[Tensor],
        last: Tensor | None,
        second: Tensor | None,
        flow1: Tensor | None,
        flow2: Tensor | None,
    ) -> Tensor:
        """A frame's features from those of other branches, and from the two frames before; None where there are none.

        `flow2` leads from the last frame to the second; composed with `flow1` it leads from this one to the second.
        """
        if last is None:
            aligned = torch.zeros_like(parts[0])
        else:
            near = warp(last, flow1)
            if second is None:
                second, flow2, far = torch.zeros_like(last), torch.zeros_like(flow1), torch.zeros_like(near)
            else:
                flow2 = flow1 + warp(flow2, flow1)
                far = warp(second, flow2)
            seen = torch.cat([near, parts[0], far], dim=1)
            aligned = self.deform_align[name](torch.cat([last, second], dim=1), seen, flow1, flow2)
        return aligned + self.backbone[name](*parts, aligned)
