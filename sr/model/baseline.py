"""The classical results that every table compares a network with."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from sr.degradation.chain import quantise
from sr.functional.axes import Factors
from sr.functional.bicubic import Bicubic
from sr.functional.volume import KERNELS, interpolated


def baselines(
    lr: Tensor, size: Sequence[int], levels: int | None = 255, factors: Factors | None = None
) -> Iterator[tuple[str, Tensor]]:
    """(name, SR): bicubic of pictures (N, C, H, W), at `size`; trilinear and B-spline interpolation of volumes, by `factors`.

    Rounded to `levels` as files are; None: not rounded.
    """
    if factors is None:
        yield "bicubic", Bicubic(lr, tuple(size), levels).whole()
        return
    for kernel in KERNELS:
        made = interpolated(lr, factors, kernel)
        yield kernel, quantise(made, levels) if levels else made
