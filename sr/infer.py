"""From an LR image of any size to its SR image: pad -> tile -> network -> blend -> crop; self-ensemble.

The only place that pads. The whole image stays where it is; one tile at a time goes to the network's device.
"""

import math
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.inference_mode()
def upscale(network: nn.Module, lr: Tensor, *, tile: int | None = None, overlap: int = 16, ensemble: bool = False) -> Tensor:
    """Enlarge (N, C, H, W) in [0, 1] to (N, C, sH, sW) float32 on lr's device; not clipped.

    Args:
        network: in eval mode, with `scale` and `multiple_of`; `tile` and `overlap` are rounded up to `multiple_of`.
        tile: longest side of an LR tile in pixels; all tiles of an image have one size. None: the whole image at once.
        overlap: LR pixels that neighbouring tiles share. The outer quarter of them on each side is discarded, the
            middle half is blended: the result is that of the whole image if the network's receptive field reaches no
            further than `overlap / 4` pixels, and has no visible seams otherwise.
        ensemble: average over the 8 flips and quarter turns (EDSR, arXiv:1707.02921, section 3.3), for 8 times the work.

    Raises:
        ValueError: lr is not (N, C, H, W), or tile and overlap do not fit each other.
    """
    if lr.ndim != 4 or 0 in lr.shape:
        raise ValueError(f"lr has shape {tuple(lr.shape)}: expected (N, C, H, W), none of them 0")
    height, width = lr.shape[-2:]
    padded = pad_to_multiple(lr, network.multiple_of)
    if tile is None:
        sr = _forward(network, padded, ensemble)
    else:
        sr = _forward_tiles(network, padded, *tiling(tile, overlap, network.multiple_of), ensemble)
    return sr[..., : height * network.scale, : width * network.scale]


def tiling(tile: int, overlap: int, multiple: int) -> tuple[int, int]:
    """Tile and overlap rounded up to a multiple; ValueError where that leaves nothing of a tile but overlap."""
    rounded = -(-tile // multiple) * multiple, -(-overlap // multiple) * multiple
    if not 0 <= rounded[1] < rounded[0]:
        raise ValueError(f"overlap={overlap} does not fit tile={tile}: it must be 0 or more, and smaller")
    return rounded


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Mirror (N, C, H, W) at the bottom and the right until H and W are multiples; too small a side is repeated."""
    for dim in (-2, -1):
        length = image.shape[dim]
        missing = -length % multiple
        padding = (0, 0, 0, missing) if dim == -2 else (0, missing, 0, 0)
        if missing:
            image = F.pad(image, padding, mode="reflect" if missing < length else "replicate")
    return image


def _forward(network: nn.Module, lr: Tensor, ensemble: bool) -> Tensor:
    x = lr.to(_device(network, lr))
    if not ensemble:
        return network(x).to(lr.device, torch.float32)
    total = 0
    for turns, flip in product(range(4), (False, True)):
        view = torch.rot90(x.flip(-1) if flip else x, turns, (-2, -1))
        sr = torch.rot90(network(view).float(), -turns, (-2, -1))
        total = total + (sr.flip(-1) if flip else sr)
    return (total / 8).to(lr.device)


def _forward_tiles(network: nn.Module, lr: Tensor, tile: int, overlap: int, ensemble: bool) -> Tensor:
    batch, channels, height, width = lr.shape
    scale, multiple = network.scale, network.multiple_of
    rows, columns = (_windows(length, tile, overlap, multiple, scale, lr.device) for length in (height, width))
    sr = lr.new_zeros(batch, channels, height * scale, width * scale, dtype=torch.float32)
    for (top, row), (left, column) in product(rows, columns):
        part = lr[..., top : top + len(row) // scale, left : left + len(column) // scale]
        weighted = _forward(network, part, ensemble) * row[:, None] * column
        sr[..., top * scale : top * scale + len(row), left * scale : left * scale + len(column)] += weighted
    return sr


def _windows(length: int, tile: int, overlap: int, multiple: int, scale: int, device: torch.device) -> list[tuple[int, Tensor]]:
    """Along one side: where each tile starts (LR pixels) and its weights (SR pixels), which sum to 1 everywhere.

    Tiles are as small as their number allows, and start at multiples of `multiple`, so that windows of attention lie
    where they lie in the whole image.
    """
    count = max(math.ceil((length - overlap) / (tile - overlap)), 1)
    tile = min(math.ceil((length + (count - 1) * overlap) / count / multiple) * multiple, length)
    starts = [min(i * (tile - overlap), length - tile) for i in range(count)]
    shared = overlap * scale
    position = torch.arange(tile * scale, dtype=torch.float64) + 0.5
    rise = _smoothstep((position - shared / 4) / (shared / 2)) if shared else torch.ones_like(position)
    weights, total = [], torch.zeros(length * scale, dtype=torch.float64)
    for start in starts:
        weight = torch.ones_like(position)
        weight *= rise if start > 0 else 1
        weight *= rise.flip(0) if start < length - tile else 1
        weights.append(weight)
        total[start * scale : (start + tile) * scale] += weight
    return [
        (start, (weight / total[start * scale : (start + tile) * scale]).to(device, torch.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]


def _smoothstep(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _device(network: nn.Module, lr: Tensor) -> torch.device:
    """Where the network is; lr's device for one without parameters."""
    return next((parameter.device for parameter in network.parameters()), lr.device)
