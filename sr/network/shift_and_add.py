"""Shift-and-add: the classical fusion of a burst, without anything that is trained; the baseline of every network for bursts.

Elad, Hel-Or: A Fast Super-Resolution Reconstruction Algorithm for Pure Translational Motion and Common Space-Invariant Blur,
2001, doi:10.1109/83.935034. Registration and the weights of the frames: sr/functional/registration.py and fusion.py.
"""

from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.frames import check_clip
from sr.functional.fusion import present, shift_and_add
from sr.functional.registration import FOUND, registered
from sr.network.upsample import check_channels
from sr.say import warn


class ShiftAndAdd(nn.Module):
    """Bursts (N, T, C, h, w) -> (N, C, sH, sW) on the grid of the first frame; any T, any number of channels.

    Frames that cannot be registered with the first one are left out, with a warning. With one frame the result is bicubic. The
    order of the other frames changes nothing but the rounding of a sum. InputError: a scale below 1.
    """

    bursts = True

    def __init__(self, *, scale: int = 2, channels: int = 3) -> None:
        super().__init__()
        if type(scale) is not int or scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        self.scale = scale
        self.channels, self.multiple_of = check_channels(channels), 1

    def forward(self, lr: Tensor, burst_frames: Tensor | None = None) -> Tensor:
        return self.fused(lr, *self.aligned(lr, burst_frames))

    def aligned(self, lr: Tensor, burst_frames: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Shifts (N, T, 2) and weights (N, T) of the frames, 0 for those that are left out."""
        check_clip(lr, "burst")
        shift, correlation = registered(lr)
        known = present(lr, burst_frames)
        weight = known * (correlation >= FOUND)
        weight[:, 0] = 1
        if lost := int((known - weight).sum()):
            warn(f"{lost} of {lr.shape[1]} frames cannot be registered with the first one, and are left out")
        return shift, weight

    def fused(self, lr: Tensor, shift: Tensor, weight: Tensor) -> Tensor:
        """The picture from registered frames (sr/functional/fusion.py)."""
        return shift_and_add(lr, shift, weight, self.scale)
