"""The matrix products per second that this device makes in each precision: what shares of the peak are shares of."""

import time

import torch

from common import Watch
from on_gpu.results import NotHereError
from sr.device.float32 import float32
from sr.device.speed import has_tf32

TYPES = {"float32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def product(device: str, precision: str, side: int, seconds: float) -> dict[str, float]:
    """TFLOP/s of the best of five rounds, of products of two random matrices of side x side."""
    if precision == "tf32" and not has_tf32(device):
        raise NotHereError(f"no TF32 on this device ({device})")
    a, b = (torch.randn(side, side, device=device).to(TYPES[precision]) for _ in range(2))
    with float32(device):
        if precision == "tf32":
            torch.set_float32_matmul_precision("high")
        try:
            return {"TFLOP/s": _best(a, b, device, seconds) / 1e12, "side": side}
        finally:
            if precision == "tf32":
                torch.set_float32_matmul_precision("highest")


def _best(a: torch.Tensor, b: torch.Tensor, device: str, seconds: float) -> float:
    best, count = 0.0, 1
    watch = Watch(device)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        watch.look()
        for _ in range(count):
            torch.mm(a, b)
        took, _ = watch.look()
        best = max(best, count * 2 * len(a) ** 3 / took)
        count = max(1, round(count * seconds / 5 / took))  # the next round takes a fifth
    return best
