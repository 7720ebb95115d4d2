"""Optical flow between frames: iterative Lucas-Kanade in torch, or scikit-image's TV-L1; and warping by a flow."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import pad_symmetric

METHODS = ("ilk", "tvl1")
LEAST = 16  # pixels of the shortest side
_RADIUS, _WARPS, _LEVELS = 7, 10, 10
_SIGMA = 2 / 3  # of the Gaussian before an image is halved


def check_method(name: str) -> None:
    """InputError: neither ilk nor tvl1."""
    if name not in METHODS:
        raise InputError(f"flow={name}: choose {' or '.join(METHODS)}")


def flows(clip: Tensor, name: str = "ilk", backwards: bool = False) -> Tensor:
    """(T, H, W) gray in [0, 1] -> (T - 1, 2, H, W): rows and columns by which each pixel of frame t moves to frame t + 1.

    Pixel x of frame t is at x + flow(x) in frame t + 1. `backwards`: from frame t + 1 to frame t.

    Args:
        name: "ilk": see `lucas_kanade`. "tvl1": TV-L1 (Zach, Pock, Bischof 2007) of scikit-image, thirty times as slow.
    """
    check_method(name)
    first, second = (clip[1:], clip[:-1]) if backwards else (clip[:-1], clip[1:])
    if name == "ilk":
        return torch.cat([lucas_kanade(*pair) for pair in zip(first.split(1), second.split(1), strict=True)])
    from skimage.registration import optical_flow_tvl1  # takes a second

    pairs = zip(first.cpu().float().numpy(), second.cpu().float().numpy(), strict=True)
    return torch.from_numpy(np.stack([optical_flow_tvl1(*pair) for pair in pairs])).to(clip)


def lucas_kanade(first: Tensor, second: Tensor) -> Tensor:
    """Flow from one gray image (N, H, W) to another: (N, 2, H, W), in rows and columns.

    Iterative Lucas-Kanade from coarse to fine (Le Besnerais, Champagnat 2005, Dense optical flow by iterative local window
    registration, ICIP), with the windows, iterations and pyramid of scikit-image's `optical_flow_ilk`.
    """
    pyramid = [(first[:, None], second[:, None])]
    while len(pyramid) < _LEVELS and min(pyramid[-1][0].shape[-2:]) > 2 * LEAST:
        pyramid.append(tuple(map(_halved, pyramid[-1])))
    flow = torch.zeros_like(pyramid[-1][0]).expand(-1, 2, -1, -1)
    for reference, moving in reversed(pyramid):
        flow = _enlarged(flow, reference.shape[-2:])
        for _ in range(_WARPS):
            flow = _step(reference, moving, flow)
    return flow


def _step(reference: Tensor, moving: Tensor, flow: Tensor) -> Tensor:
    """The flow that is best in the window about each pixel, where the image is linear about the flow before."""
    image, _ = warped(moving, flow)
    y, x = torch.gradient(image, dim=(-2, -1))
    error = y * flow[:, :1] + x * flow[:, 1:] + reference - image
    products = F.pad(torch.cat((y * y, y * x, x * x, y * error, x * error), 1), [_RADIUS] * 4, mode="reflect")
    yy, yx, xx, ye, xe = _window_sums(products).unbind(1)
    determinant = yy * xx - yx * yx
    flat = determinant.abs() < 1e-14 * (2 * _RADIUS + 1) ** 4  # of sums, not means
    determinant = determinant.masked_fill(flat, 1)
    made = torch.stack(((xx * ye - yx * xe) / determinant, (yy * xe - yx * ye) / determinant), 1)
    return made.masked_fill(flat[:, None], 0)


def _window_sums(image: Tensor) -> Tensor:
    """Sums of all windows, by running sums: a pooling layer would take far longer."""
    side = 2 * _RADIUS + 1
    for dim in (-2, -1):
        sums = image.cumsum(dim)
        count = sums.shape[dim] - side
        image = sums.narrow(dim, side - 1, count + 1).clone()
        image.narrow(dim, 1, count).sub_(sums.narrow(dim, 0, count))
    return image


def _halved(image: Tensor) -> Tensor:
    """(N, 1, H, W), smoothed by a Gaussian, at half the size, rounded up."""
    places = torch.arange(-3, 4, dtype=image.dtype, device=image.device)
    taps = torch.exp(-(places**2) / (2 * _SIGMA**2))
    taps = taps / taps.sum()
    for dim, weight in ((-2, taps.view(1, 1, -1, 1)), (-1, taps.view(1, 1, 1, -1))):
        image = F.conv2d(pad_symmetric(image, dim, 3, 3), weight)
    return F.interpolate(image, tuple(-(-side // 2) for side in image.shape[-2:]), mode="bilinear", align_corners=False)


def _enlarged(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 2, h, w) at `size`: nearest pixels, with corners on corners; the same motion in the pixels of that size."""
    factors = flow.new_tensor([side / low for side, low in zip(size, flow.shape[-2:], strict=True)])
    for dim, side in ((-2, size[0]), (-1, size[1])):
        places = torch.arange(side, device=flow.device) * (flow.shape[dim] - 1) / max(side - 1, 1)
        flow = flow.index_select(dim, (places + 0.5).long())
    return flow * factors.view(1, 2, 1, 1)


def warped(image: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) read at x + flow(x), bilinearly; and where that is inside the image, (N, 1, H, W) bool."""
    height, width = image.shape[-2:]
    rows, columns = (torch.arange(n, dtype=flow.dtype, device=flow.device) for n in (height, width))
    y, x = rows[:, None] + flow[:, 0], columns + flow[:, 1]
    inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    grid = torch.stack((2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1), -1)
    return F.grid_sample(image.to(flow.dtype), grid, padding_mode="border", align_corners=True), inside[:, None]


def visible(forwards: Tensor, backwards: Tensor) -> Tensor:
    """(N, 1, H, W) bool: where a pixel is seen in the second frame too, and no motion ends at it.

    Both flows must agree, and be smooth, up to the thresholds of Ruder, Dosovitskiy, Brox 2016, arXiv:1604.08610, section 3.2.
    """
    back, inside = warped(backwards, forwards)
    size = (forwards**2).sum(1, keepdim=True)
    apart = ((forwards + back) ** 2).sum(1, keepdim=True)
    seen = apart <= 0.01 * (size + (back**2).sum(1, keepdim=True)) + 0.5
    down, right = (torch.diff(forwards, dim=dim, append=forwards.narrow(dim, -1, 1)) for dim in (-2, -1))
    steep = (down**2 + right**2).sum(1, keepdim=True) > 0.01 * size + 0.002
    return inside & seen & ~steep
