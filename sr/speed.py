"""What is fast and safe on the device found, chosen where the user chose nothing, and one line that says so."""

import ctypes
import os
import platform
from typing import Any

import torch
from torch import nn

from sr import capability
from sr.errors import InputError
from sr.run import device

# Those whose weights are float32's, in which evaluation is made; the short names are Lightning's.
_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt, in malloc.h


def precision(wanted: Any, accelerator: str, network: nn.Module | None = None) -> tuple[str, str]:
    """A precision of Lightning's Trainer, and why it is that.

    Args:
        wanted: what `trainer.precision` says; "auto": bf16 where device and network are made for it.
        accelerator: what `trainer.accelerator` says.
        network: that is trained; None: any.

    Raises:
        ValueError: none of those that train here; half precision that the CPU does not have, or with which the network is
            known to break.
    """
    wanted = _PRECISIONS.get(str(wanted), str(wanted))
    if wanted == "auto":
        return _automatic(accelerator, network)
    if wanted not in _PRECISIONS.values():
        known = ", ".join(_PRECISIONS.values())
        raise InputError(f"trainer.precision={wanted}: choose auto, {known}; the weights stay in float32")
    if on_cpu(accelerator) and wanted.startswith("16"):  # Lightning would take bf16 and say so where nobody looks
        raise InputError(f"trainer.precision={wanted} needs a GPU: on a CPU say trainer.precision=bf16-mixed, or auto")
    half = next((half for half in capability.HALF if wanted.startswith(half)), None)
    line = capability.of(network) if half and network is not None else None
    if line is not None and not line.works_in(half):
        raise InputError(f"trainer.precision={wanted}: {line.fault(half)}; choose trainer.precision=32-true, or auto")
    return wanted, "as trainer.precision says"


def _automatic(accelerator: str, network: nn.Module | None) -> tuple[str, str]:
    fast = _fast_bf16(accelerator)
    if fast is None:
        return "32-true", "no hardware for bfloat16"
    line = capability.of(network) if network is not None else None
    if network is not None and line is None:
        return "32-true", f"nobody measured {type(network).__name__} in bfloat16; trainer.precision=bf16-mixed tries it"
    if line is not None and not line.works_in("bf16"):
        return "32-true", line.fault("bf16")
    return "bf16-mixed", fast


def check_strategy(strategy: Any, accelerator: str, model: Any = None) -> None:
    """Refuse to shard a network where that cannot be, and processes from which no results come back.

    Raises:
        ValueError: sharding on a CPU, or with two optimizers; processes that are forked or spawned within Python.
    """
    if any(kind in str(strategy) for kind in ("spawn", "fork", "notebook")):
        raise InputError(f"trainer.strategy={strategy} keeps its results in processes that end; say ddp, or auto")
    if not str(strategy).startswith("fsdp"):
        return
    if on_cpu(accelerator):
        raise InputError(f"trainer.strategy={strategy} needs GPUs; on a CPU say trainer.strategy=ddp, or auto")
    if model is not None and not model.automatic_optimization:
        raise InputError(f"trainer.strategy={strategy} does not go with adversarial training; say trainer.strategy=ddp")


def on_cpu(accelerator: str) -> bool:
    return accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())


def _fast_bf16(accelerator: str) -> str | None:
    """What multiplies bfloat16 faster than float32: GPUs from Ampere on, CPUs with AMX or AVX512-BF16. None: nothing."""
    if not on_cpu(accelerator):
        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        return "the GPU has it in hardware" if fast else None
    if torch.cpu._is_amx_tile_supported():
        return "the CPU has AMX"
    return "the CPU has AVX512-BF16" if torch.cpu._is_avx512_bf16_supported() else None


def set_up(accelerator: str) -> None:
    """What makes training faster and changes no result on a CPU.

    On GPUs float32 matrix products in TF32, as cuDNN's convolutions are by default; evaluation's too. On CPUs glibc keeps
    the memory of one step for the next: else each large tensor is new pages, which the system clears, a tenth of the time of a
    small network. Up to 1 GB more stays with the process; what MALLOC_TRIM_THRESHOLD_ says is left as it is.
    """
    if not on_cpu(accelerator):
        if torch.cuda.is_available():
            torch.set_float32_matmul_precision("high")
    elif platform.libc_ver()[0] == "glibc" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        libc = ctypes.CDLL(None)
        for option, value in ((_TRIM_THRESHOLD, 1 << 30), (_MMAP_THRESHOLD, 32 << 20)):
            libc.mallopt(option, value)


def line(chosen: str, why: str, accelerator: str, compiled: bool | str) -> str:
    """What a run says of itself at its start."""
    parts = [f"{chosen} ({why})", "channels last", "fused optimizer"]
    if on_cpu(accelerator):
        parts.append(f"{torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "1 thread")
    else:
        parts.append("TF32 for what stays float32")
    parts.append(f"compiled ({compiled})" if compiled else "not compiled (model.compile=true)")
    return f"{device()}: {', '.join(parts)}"
