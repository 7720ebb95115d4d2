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
    """Pixel by pixel of a cell of `scale`: all places of one of them have the same fraction, wherever they are."""
    length, shape = image.shape[dim], [len(image), *[1] * (image.ndim - 1)]
    made = []
    for pixel in range(scale):
        at = by + ((pixel + 0.5) / scale - 0.5)
        whole = at.floor()
        index = mirrored(whole.long()[:, None] + torch.arange(-1, length + 2, device=image.device), length)
        wide = [*image.shape]
        wide[dim] = length + 3
        window = image.gather(dim, index.view([*shape[:dim], -1, *shape[len(shape) + dim + 1 :]]).expand(wide))
        total = None
        for tap in range(4):
            one = window.narrow(dim, tap, length) * cubic(at - whole - (tap - 1)).to(image.dtype).view(shape)
            total = one if total is None else total.add_(one)
        made.append(total)
    return made[0] if scale == 1 else torch.stack(made, image.ndim + dim + 1).flatten(image.ndim + dim, image.ndim + dim + 1)


def rotated(image: Tensor, angle: Tensor) -> Tensor:
    """(M, C, H, W), each turned around its centre by its angle (M,) in radians, by torch's bicubic interpolation."""
    height, width = image.shape[-2:]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = [[cos, -sin * (height / width), zero], [sin * (width / height), cos, zero]]
    theta = torch.stack([torch.stack(row, -1) for row in rows], -2).to(image)
    grid = F.affine_grid(theta, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
