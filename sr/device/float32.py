"""True float32: no autocast, and no shorter formats such as TF32, in which GPUs multiply float32 by default."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cuda, cudnn, mkldnn

# Per device type: matrix products, convolutions, RNNs. cuDNN's convolutions use TF32 unless told otherwise.
_KINDS = {"cuda": (cuda.matmul, cudnn.conv, cudnn.rnn), "cpu": (mkldnn.matmul, mkldnn.conv, mkldnn.rnn)}
_EXACT = ("ieee", "none")


@contextmanager
def float32(device: str) -> Iterator[None]:
    """Context in which float32 is multiplied as float32 on a device of this type; restores the settings afterwards.

    Published scores are measured in float32. TF32 keeps 10 of the 23 bits of each factor's mantissa.

    cuDNN does not search for its fastest kernels either: the search pays for patches, which have one size, but images differ,
    and it tries kernels that need much memory.
    """
    kinds = _KINDS.get(device, ())
    before, search = [kind.fp32_precision for kind in kinds], cudnn.benchmark
    exact = all(value in _EXACT for value in before)
    old = None if exact else _old_flags()
    if not exact:
        _set(kinds, ["ieee"] * len(kinds), (False, "highest") if old else None)
    cudnn.benchmark = False
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        cudnn.benchmark = search
        if not exact:
            _set(kinds, before, old)


def _old_flags() -> tuple[bool, str] | None:
    """torch's older names of the same settings; they must agree with the new ones, or code that reads them fails.

    None: they disagree because both kinds were set; then only the new ones are changed.
    """
    try:
        return cudnn.allow_tf32, torch.get_float32_matmul_precision()
    except RuntimeError:
        return None


def _set(kinds: tuple, values: list[str], old: tuple[bool, str] | None) -> None:
    if old is not None:
        cudnn.allow_tf32 = old[0]
        torch.set_float32_matmul_precision(old[1])
    for kind, value in zip(kinds, values, strict=True):
        kind.fp32_precision = value
