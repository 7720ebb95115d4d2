"""Classical fusion of bursts (N, T, C, h, w) whose shifts are known (`sr.functional.registration`): one picture (N, C, sH, sW).

Shifts (N, T, 2) are in LR pixels along H and W, weights (N, T) are 0 for frames that are left out.
"""

import torch
from torch import Tensor

from sr.functional.motion import moved, places
from sr.functional.resize import imresize

WIDTH = 0.25  # LR pixels: how far a sample counts


def shift_and_add(burst: Tensor, shift: Tensor, weight: Tensor, scale: int) -> Tensor:
    """The mean of all frames, moved onto the reference, on the HR grid.

    Each is interpolated (bicubic), and counts where its own samples lie: with a Gaussian weight of their distance. So frames
    that fall between the pixels of others bring new detail, and with one frame the result is bicubic (Elad, Hel-Or 2001,
    doi:10.1109/83.935034; Farsiu et al. 2004, doi:10.1109/TIP.2004.834669, without their deblurring).
    """
    total, weights = 0, 0
    for frame, by, counts in _frames(burst, shift, weight):
        rows, columns = (_near(n, -one, scale) for n, one in zip(frame.shape[-2:], by.unbind(-1), strict=True))
        near = (rows[:, :, None] * columns[:, None]).to(burst.dtype)[:, None]
        near = counts * inside(frame, by, scale)[:, None] * near
        total = total + near * moved(frame, -by, scale)
        weights = weights + near
    return total / weights


def back_projected(burst: Tensor, shift: Tensor, weight: Tensor, scale: int, steps: int = 5) -> Tensor:
    """Iterative back-projection: the picture from which the frames follow, from shift-and-add on.

    Each step makes the frames that the picture gives, moved and by MATLAB's bicubic downscaling, and adds the mean of their
    errors, interpolated and moved back (Irani, Peleg 1991, doi:10.1016/1049-9652(91)90045-L). More steps are sharper, and
    bring back the noise that the mean took away.
    """
    made = shift_and_add(burst, shift, weight, scale)
    share = weight / weight.sum(1, keepdim=True)
    for _ in range(steps):
        change = 0
        for frame, by, part in _frames(burst, shift, share):
            error = frame - imresize(moved(made, by * scale), size=frame.shape[-2:])
            change = change + part * inside(frame, by, scale)[:, None] * moved(error, -by, scale)
        made = made + change
    return made


def _frames(burst: Tensor, shift: Tensor, weight: Tensor) -> zip:
    """Frame after frame: (N, C, h, w), its shifts (N, 2), its weights (N, 1, 1, 1)."""
    return zip(burst.unbind(1), shift.unbind(1), weight.to(burst.dtype)[..., None, None, None].unbind(1), strict=True)


def inside(frame: Tensor, shift: Tensor, scale: int = 1) -> Tensor:
    """(N, sH, sW) bool: where on the grid of the reference a frame (N, C, h, w), moved by its shift (N, 2), shows the scene."""
    sides = []
    for length, by in zip(frame.shape[-2:], shift.unbind(-1), strict=True):
        at = places(length, -by, scale)
        sides.append((at > -0.75) & (at < length - 0.25))  # half a pixel, and what registration may be off
    return sides[0][:, :, None] & sides[1][:, None]


def _near(length: int, shift: Tensor, scale: int) -> Tensor:
    """(N, scale * length): a Gaussian of the distance to the nearest sample; never 0, so that one frame is enough."""
    at = places(length, shift, scale)
    return torch.exp(-(((at - at.round()) / WIDTH) ** 2) / 2)


def present(burst: Tensor, frames: Tensor | None) -> Tensor:
    """(N, T) float32: 1 for the frames of (N, T, C, h, w) that may be used, the first `frames` (N,) of each; None: all."""
    if frames is None:
        return burst.new_ones(burst.shape[:2])
    return (torch.arange(burst.shape[1], device=burst.device) < frames[:, None]).to(burst.dtype)
