"""The classical results that every table compares a network with."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from sr.degradation.chain import quantise
from sr.functional.axes import Factors
from sr.functional.bicubic import Bicubic
from sr.functional.volume import KERNELS, interpolated
from sr.network.back_projection import BackProjection
from sr.network.shift_and_add import ShiftAndAdd

_OF_BURSTS = {"shift_and_add": ShiftAndAdd, "back_projection": BackProjection}


def baselines(
    lr: Tensor, size: Sequence[int], levels: int | None = 255, factors: Factors | None = None
) -> Iterator[tuple[str, Tensor]]:
    """(name, SR): bicubic of pictures (N, C, H, W), at `size`; trilinear and B-spline interpolation of volumes, by `factors`.

    Of bursts (N, T, C, H, W) bicubic of the first frame, and classical fusion of all, where `size` is a whole multiple of LR's.
    Rounded to `levels` as files are; None: not rounded.
    """
    if factors is not None:
        for kernel in KERNELS:
            yield kernel, _rounded(interpolated(lr, factors, kernel), levels)
        return
    yield "bicubic", Bicubic(lr if lr.ndim == 4 else lr[:, 0], tuple(size), levels).whole()
    scale = size[0] // lr.shape[-2]
    if lr.ndim == 5 and tuple(size) == tuple(scale * side for side in lr.shape[-2:]):
        networks = {name: network(scale=scale, channels=lr.shape[2]) for name, network in _OF_BURSTS.items()}
        aligned = networks["shift_and_add"].aligned(lr)  # once for both
        for name, network in networks.items():
            yield name, _rounded(network.fused(lr, *aligned), levels)


def _rounded(image: Tensor, levels: int | None) -> Tensor:
    return quantise(image, levels) if levels else image
