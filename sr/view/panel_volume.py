"""Pictures of volumes: three orthogonal views through one voxel, each as LR, interpolation, SR and HR."""

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sr.functional.axes import Factors
from sr.functional.volume import interpolated, nearest
from sr.view.panel import enlarged, titled

VIEWS = ("axial", "coronal", "sagittal")  # planes across D, H and W of a volume whose D runs from feet to head
_LEAST = 240  # pixels: the shorter side of a view that is enlarged


def panel_volume(lr: Tensor, sr: Tensor, hr: Tensor | None, factors: Factors, crop: int) -> Image.Image:
    """Three rows, a view each: LR (nearest) | trilinear | SR | HR, of the planes through the voxel around which trilinear
    interpolation is worst.

    lr (1, C, D, H, W), sr and hr (1, C, fD, fH, fW) in [0, 1], of which the first band is shown as gray. Voxels are shown as
    squares. `crop` is the side of the shown part in HR voxels. Without HR, the voxel where interpolation differs most from SR.
    """
    made = interpolated(lr, factors)
    centre = _worst(made, sr if hr is None else hr)
    volumes = {"LR": nearest(lr, factors), "trilinear": made, "SR": sr} | ({} if hr is None else {"HR": hr})
    rows = []
    for axis, view in enumerate(VIEWS):
        planes = {name: _plane(volume[0, 0], axis, centre, crop) for name, volume in volumes.items()}
        rows.append(titled({f"{view}, {name}": _picture(plane) for name, plane in planes.items()}))
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _worst(made: Tensor, target: Tensor) -> tuple[int, int, int]:
    """The centre of the cube with the largest mean error, of cubes of 16 voxels that touch."""
    error = (made[:, :1] - target[:, :1]).abs()
    side = min(16, *error.shape[2:])
    mean = F.avg_pool3d(error, side)
    return tuple(int(place) * side + side // 2 for place in torch.unravel_index(mean.flatten().argmax(), mean.shape[2:]))


def _plane(volume: Tensor, axis: int, centre: tuple[int, int, int], crop: int) -> Tensor:
    """(h, w): the plane across `axis` through the voxel, at most crop x crop around it; the first slice at the bottom."""
    index = [slice(None)] * 3
    for dim, (at, size) in enumerate(zip(centre, volume.shape, strict=True)):
        first = min(max(at - crop // 2, 0), max(size - crop, 0))
        index[dim] = at if dim == axis else slice(first, first + crop)
    return volume[tuple(index)].flip(0)


def _picture(plane: Tensor) -> Image.Image:
    return enlarged(plane[None, None].clamp(0, 1).cpu().expand(-1, 3, -1, -1), max(_LEAST // min(plane.shape), 1))
