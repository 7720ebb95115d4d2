"""The endless stream of batches of clips: crops of some frames in a row; sample i is a pure function of (seed, i)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sr.data.patches import Patches, cut, place
from sr.functional.draws import Draws
from sr.functional.resize import mirrored


class ClipPatches(Patches):
    """Batches of HR crops of clips with their margins (and of LR clips, if they are paired).

    `hr` and `lr` have clips (T, H, W, C). The plan's phase says how many frames a sample has, and its patch size. A sample lies
    in one scene; of a clip without a scene of so many frames the longest goes back and forth: 0 1 2 2 1 0 0 1 ..., which from
    7 to 14 frames is BasicVSR's flip of Vimeo-90K.

    Args:
        scenes: of each clip the first frames of its scenes, and its length.
        others: see Patches.
    """

    def __init__(self, *others: Any, scenes: Sequence[Sequence[int]]) -> None:
        super().__init__(*others)
        self.scenes = scenes

    def batch(self, index: int) -> dict[str, Any]:
        """As of Patches, of (N, T, H, W, C)."""
        phase = self.plan.phase(index)
        return self._clips(self.plan.draws(index), phase.patch_size, phase.frames)

    def _clips(self, draws: Draws, size: int, length: int) -> dict[str, Any]:
        crop, s = draws.stream("crop"), self.scale
        which, top, left = self.hr.draw(crop), crop.uniform(), crop.uniform()
        start = draws.stream("time").uniform()
        parameters = self.degradation.sample(draws.stream("degradation")) if self.lr is None else {}
        margin = self._margin(parameters, size)
        window = size + 2 * margin
        first = self.hr[int(which[0])][0]
        hr = np.empty((len(which), length, window * s, window * s, first.shape[2]), first.dtype)
        lr = np.empty((len(which), length, window, window, first.shape[2]), first.dtype) if self.lr is not None else None
        for n, number in enumerate(which.tolist()):
            clip = self.hr[number]
            self._check_alike(first, clip[0])
            h, w = (side // s for side in clip.shape[1:3])
            y, x = place(float(top[n]), size, h) - margin, place(float(left[n]), size, w) - margin
            for t, frame in enumerate(_frames(float(start[n]), length, self.scenes[number])):
                cut(clip[frame], h * s, w * s, y * s, x * s, hr[n, t])
                if lr is not None:
                    cut(self.lr[number][frame], h, w, y, x, lr[n, t])
        batch = {
            "hr": torch.from_numpy(hr),
            "patch_size": size,
            "augmentation": self.augmentation.sample(draws.stream("augmentation")),
        }
        if lr is not None:
            return batch | {"lr": torch.from_numpy(lr)}
        return batch | {"parameters": parameters, "margin": margin}


def _frames(fraction: float, length: int, bounds: Sequence[int]) -> list[int]:
    """`length` frames in a row of one scene, all first ones equally likely; if none is so long, the longest back and forth."""
    begins, ends = np.array(bounds[:-1]), np.array(bounds[1:])
    rooms = np.maximum(ends - begins - length + 1, 0)  # first frames of each scene
    if not (total := rooms.sum()):
        longest = int(np.argmax(ends - begins))
        return (begins[longest] + mirrored(np.arange(length), ends[longest] - begins[longest])).tolist()
    at = int(fraction * total)
    scene = int(np.searchsorted(np.cumsum(rooms), at, side="right"))
    first = int(begins[scene] + at - rooms[:scene].sum())
    return list(range(first, first + length))
