"""Positions of the pixels of a result on the grid of LR, for networks of any scale; whole-number arithmetic, so that the
pixels of a tile lie exactly where those of the whole image lie.

Pixel i of H on an axis of h LR pixels lies at (i + 1/2) h / H - 1/2: the edges of both images coincide.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Positions:
    """Pixels of a result, as places in its rows one after the other.

    Args:
        pixels: (M, Q) int64: rows * width + column; M is N, or 1 if all images have the same.
        lr: height and width of LR.
        size: height and width of the result; int64 (N, 1) each if the results differ.
    """

    pixels: Tensor
    lr: tuple[int, int]
    size: tuple[int | Tensor, int | Tensor]

    def axes(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Along y and x: the LR pixel at or before each position, int64 (M, Q), from -1, and the position after it, [0, 1)."""
        places = (self.pixels // self.size[1], self.pixels % self.size[1])
        return tuple(_split((2 * i + 1) * h - n, 2 * n) for i, h, n in zip(places, self.lr, self.size, strict=True))

    def nearest(self) -> tuple[Tensor, Tensor]:
        """The LR pixel that each position lies in, as a place in LR's rows (M, Q), and the position from its centre, in half
        pixels (M, Q, 2), y before x."""
        return self._from([(at + (after >= 0.5), at, after) for at, after in self.axes()])

    def before(self) -> tuple[Tensor, Tensor]:
        """The LR pixel that the upper left corner of each pixel lies in, (M, Q), and the corner's place in it from its upper
        left corner, in pixels (M, Q, 2)."""
        places = (self.pixels // self.size[1], self.pixels % self.size[1])
        (y, v), (x, u) = (_split(i * h, n) for i, h, n in zip(places, self.lr, self.size, strict=True))
        return y * self.lr[1] + x, torch.stack([v, u], -1)

    def corners(self) -> list[tuple[Tensor, Tensor]]:
        """As `nearest`, for the four LR pixels around each position: upper left, upper right, lower left, lower right.

        Beyond the edge it is the pixel at the edge.
        """
        y, x = self.axes()
        return [self._from([(y[0] + dy, *y), (x[0] + dx, *x)]) for dy in (0, 1) for dx in (0, 1)]

    def weights(self) -> list[Tensor]:
        """Those of bilinear interpolation of `corners`, (M, Q, 1) each; their sum is 1."""
        (_, v), (_, u) = self.axes()
        return [(a * b)[..., None] for a in (1 - v, v) for b in (1 - u, u)]

    def bilinear(self) -> list[tuple[Tensor, Tensor]]:
        """The four LR pixels around each position (M, Q) with their `weights`."""
        return [(place, weight) for (place, _), weight in zip(self.corners(), self.weights(), strict=True)]

    def cell(self) -> Tensor:
        """Height and width of a pixel of the result in half LR pixels, (M, 1, 2)."""
        sides = [2 * h / n for h, n in zip(self.lr, self.size, strict=True)]
        if isinstance(sides[0], Tensor):
            return torch.stack(sides, -1)
        return torch.tensor([[sides]], device=self.pixels.device)

    def _from(self, axes: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        (y, v), (x, u) = ((p.clamp(0, n - 1), (at, after)) for (p, at, after), n in zip(axes, self.lr, strict=True))
        offsets = [2 * ((at - pixel) + after) for pixel, (at, after) in ((y, v), (x, u))]
        return y * self.lr[1] + x, torch.stack(offsets, -1)


def _split(numerator: Tensor, denominator: int | Tensor) -> tuple[Tensor, Tensor]:
    """The whole number at or below a fraction, and what is left, float32 in [0, 1)."""
    whole = torch.div(numerator, denominator, rounding_mode="floor")
    return whole, (numerator - whole * denominator).float() / denominator


def rows_of(image: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C): the features of a pixel lie together."""
    return image.permute(0, 2, 3, 1).flatten(1, 2)


def at(rows: Tensor, places: Tensor) -> Tensor:
    """The rows (N, P, C) at `places` (M, Q), M is N or 1 -> (N, Q, C)."""
    count, length, channels = rows.shape
    if len(places) == 1 and count == 1:
        return rows[0].index_select(0, places[0])[None]
    first = torch.arange(count, device=rows.device)[:, None] * length
    found = rows.reshape(count * length, channels).index_select(0, (places + first).flatten())
    return found.view(count, -1, channels)
