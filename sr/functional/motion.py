"""Pictures that are shifted and rotated by fractions of a pixel.

A shift (dy, dx) is where the picture is looked at: the result at p is the picture at p + shift. So a frame that is the
reference moved by a shift is registered with it by the same numbers (`sr.functional.registration`).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.functional.resize import cubic, mirrored


def moved(image: Tensor, shift: Tensor, scale: int = 1) -> Tensor:
    """(M, ..., H, W) -> (M, ..., sH, sW): each image at the places of `scale` times as many pixels, moved by its shift.

    By cubic convolution (Keys 1981, a = -0.5), mirrored at the edges: without a shift MATLAB's bicubic. At scale 1 a whole
    shift copies pixels. The sum of a pixel is the same whatever surrounds it, so that the patch of a shifted picture is the
    shifted patch, bit for bit.

    Args:
        shift: (M, 2), pixels of the image along H and W.
    """
    for dim, by in zip((-2, -1), shift.double().unbind(-1), strict=True):
        image = _along(image, dim, by, scale)
    return image


def places(length: int, shift: Tensor, scale: int) -> Tensor:
    """(M, scale * length): where on the pixels of an image along one side `moved` looks, float64."""
    at = (torch.arange(length * scale, device=shift.device, dtype=torch.float64) + 0.5) / scale - 0.5
    return at + shift.double()[:, None]


def _along(image: Tensor, dim: int, by: Tensor, scale: int) -> Tensor:
    length = image.shape[dim]
    shape, size = [len(image), *[1] * (image.ndim - 1)], [*image.shape]
    shape[dim] = size[dim] = scale * length
    # Not floor(place + shift): the fraction must not depend on where in the picture a pixel is.
    whole = by.floor()
    at = places(length, by - whole, scale)
    first, part = at.floor(), at - at.floor()
    if scale == 1:
        part = (by - whole)[:, None].expand_as(at)
    made = None
    for tap in (-1, 0, 1, 2):
        index = mirrored((first + whole[:, None]).long() + tap, length).view(shape).expand(size)
        one = image.gather(dim, index) * cubic(part - tap).to(image.dtype).view(shape)
        made = one if made is None else made.add_(one)
    return made


def rotated(image: Tensor, angle: Tensor) -> Tensor:
    """(M, C, H, W), each turned around its centre by its angle (M,) in radians, by torch's bicubic interpolation."""
    height, width = image.shape[-2:]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = [[cos, -sin * (height / width), zero], [sin * (width / height), cos, zero]]
    theta = torch.stack([torch.stack(row, -1) for row in rows], -2).to(image)
    grid = F.affine_grid(theta, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
