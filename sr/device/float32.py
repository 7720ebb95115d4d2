"""Float32 that is float32: no autocast, and none of the shorter formats in which GPUs multiply it by default."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cuda, cudnn, mkldnn

# By type of device: matrix products, convolutions, recurrences. cuDNN's convolutions are in TF32 unless it is told otherwise.
_KINDS = {"cuda": (cuda.matmul, cudnn.conv, cudnn.rnn), "cpu": (mkldnn.matmul, mkldnn.conv, mkldnn.rnn)}
_EXACT = ("ieee", "none")


@contextmanager
def float32(device: str) -> Iterator[None]:
    """In here float32 is multiplied as float32 on a device of this type; afterwards as before.

    Published scores are float32's. TF32 keeps 10 of the 23 bits of the mantissa of each factor.
    """
    kinds = _KINDS.get(device, ())
    before = [kind.fp32_precision for kind in kinds]
    exact = all(value in _EXACT for value in before)
    old = None if exact else _old_flags()
    if not exact:
        _set(kinds, ["ieee"] * len(kinds), (False, "highest") if old else None)
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        if not exact:
            _set(kinds, before, old)


def _old_flags() -> tuple[bool, str] | None:
    """torch's older names of the same settings; they must agree with the new ones, or code that asks for them fails.

    None: they do not agree, because somebody set both kinds; then only the new ones are touched.
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
