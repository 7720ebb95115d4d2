"""A burst: several pictures of one scene, each from a camera that has moved a little. The first stage of a degradation.

    degradation=[burst,bicubic,noise]

The stages after it make LR of each frame: each has its own noise. The first frame is the reference, which has not moved: HR is
aligned with it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.motion import moved, rotated


class Burst(nn.Module):
    """HR (N, C, H, W) in [0, 1] -> bursts (N, T, C, H, W) of the same size, by cubic convolution (`sr.functional.motion`).

    The frames of sample i, their number included, depend on (seed, i) alone; with more frames, the first ones are the same.

    Args:
        lr_pixel: HR pixels per LR pixel of the run.
        frames: frames of each burst, T; [low, high]: drawn for each sample. T is then `high`, and the key `burst_frames` (N,)
            of the batch tells how many of them, from the first on, a network may use.
        shift: frames move by up to so many LR pixels along each axis, uniform.
        rotation: degrees by which they are turned around the centre of the patch (or picture) at most, uniform.

    Raises:
        InputError: an invalid argument.
    """

    scale, makes_bursts = 1, True

    def __init__(self, *, lr_pixel: int, frames: int | Sequence[int] = 8, shift: float = 1.0, rotation: float = 0.0) -> None:
        super().__init__()
        self.set_frames(frames)
        for name, value, most in (("shift", shift, math.inf), ("rotation", rotation, 45)):
            if not isinstance(value, int | float) or not 0 <= value < most:
                raise InputError(f"degradation.burst.{name}={value}: pass a number from 0 up" + f" below {most}" * (most < 99))
        self.shift, self.rotation = float(shift) * lr_pixel, math.radians(rotation)
        self.margin = self.reach({}, 0)

    def set_frames(self, frames: int | Sequence[int]) -> None:
        """Make bursts of so many frames from now on. InputError: not a number from 1 up, or two."""
        low, high = frames if isinstance(frames, Sequence) and len(frames) == 2 else (frames, frames)
        if not all(type(n) is int for n in (low, high)) or not 1 <= low <= high:
            raise InputError(f"burst: frames={frames}: pass a number from 1 up, or two, [low, high]")
        self.frames = (low, high)

    def reach(self, parameters: dict[str, Any], side: int) -> int:
        """HR pixels around a patch of side x side HR pixels that its frames show, with those of the interpolation."""
        corner = 2 * math.sin(self.rotation / 2) * side / math.sqrt(2)
        return math.ceil(self.shift + corner) + 2

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"frames": int64 (count,), "shift": (count, T, 2) HR pixels along H and W, "angle": (count, T) radians}."""
        low, high = self.frames
        frames = low + draws.integers(high - low + 1)
        still = np.zeros(draws.count)
        moves = [(still, still, still)]
        for _ in range(high - 1):
            moves.append(tuple(draws.uniform(-1, 1) * most for most in (self.shift, self.shift, self.rotation)))
        drawn = np.stack([np.stack(move, -1) for move in moves], 1)
        return {"frames": frames, "shift": drawn[..., :2], "angle": drawn[..., 2]}

    def told(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """{"frames": (N,)} if their number is drawn."""
        return {"frames": parameters["frames"]} if self.frames[0] < self.frames[1] else {}

    def words(self, parameters: dict[str, Any]) -> str:
        count = int(parameters["frames"])
        return f"{count} frame{'s' * (count > 1)}"

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        if hr.ndim != 4:
            raise InputError(f"degradation=[burst] makes bursts of pictures (N, C, H, W), not of {tuple(hr.shape)}: remove it")
        count, frames = len(hr), parameters["shift"].shape[1]
        image = hr.repeat_interleave(frames, 0)
        if self.rotation:
            image = rotated(image, parameters["angle"].flatten())
        return moved(image, parameters["shift"].flatten(0, 1)).unflatten(0, (count, frames))
