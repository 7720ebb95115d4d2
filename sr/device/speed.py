"""Chooses what is fast and safe on the device, where the user chose nothing, and reports it in one line."""

import ctypes
import os
import platform
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from sr.device import capability
from sr.device.private import bf16_on_cpu
from sr.errors import InputError
from sr.model.optimizer import fuses

# Precisions that keep float32 weights, which evaluation needs; the short names are Lightning's.
_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
_WRONG = "on a CPU torch's gradients of 3D convolutions in bfloat16 can be wrong"
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt, from malloc.h


def precision(wanted: Any, accelerator: str, network: nn.Module | None = None) -> tuple[str, str]:
    """The precision for Lightning's Trainer, and the reason for it.

    Args:
        wanted: the value of `trainer.precision`; "auto": bf16 if device and network support it.
        accelerator: the value of `trainer.accelerator`.
        network: the network to train; None: any.

    Raises:
        InputError: an unsupported precision; half precision that the CPU does not have, or that is known to fail with this
            network.
    """
    wanted = _PRECISIONS.get(str(wanted), str(wanted))
    if wanted == "auto":
        return _automatic(accelerator, network)
    if wanted not in _PRECISIONS.values():
        known = ", ".join(_PRECISIONS.values())
        raise InputError(f"trainer.precision={wanted}: choose auto, {known}; weights always stay in float32")
    if on_cpu(accelerator) and wanted.startswith("16"):  # Lightning would silently switch to bf16
        raise InputError(f"trainer.precision={wanted} needs a GPU: on a CPU pass trainer.precision=bf16-mixed, or auto")
    if wanted.startswith("bf16") and _wrong_on_cpu(accelerator, network):
        raise InputError(f"trainer.precision={wanted}: {_WRONG}; choose trainer.precision=32-true, or auto")
    half = next((half for half in capability.HALF if wanted.startswith(half)), None)
    line = capability.of(network) if half and network is not None else None
    if line is not None and not line.works_in(half):
        raise InputError(f"trainer.precision={wanted}: {line.fault(half)}; choose trainer.precision=32-true, or auto")
    return wanted, "set by trainer.precision"


def _automatic(accelerator: str, network: nn.Module | None) -> tuple[str, str]:
    fast = _fast_bf16(accelerator)
    if fast is None:
        return "32-true", "no hardware for bfloat16"
    line = capability.of(network) if network is not None else None
    if network is not None and line is None:
        return "32-true", f"{type(network).__name__} was never measured in bfloat16; try it with trainer.precision=bf16-mixed"
    if line is not None and not line.works_in("bf16"):
        return "32-true", line.fault("bf16")
    return ("32-true", _WRONG) if _wrong_on_cpu(accelerator, network) else ("bf16-mixed", fast)


def _wrong_on_cpu(accelerator: str, network: nn.Module | None) -> bool:
    """torch 2.15: the gradient of Conv3d's weights is off by 90 % where a side is short (depth 2 for 3x3x3 kernels, 5 for
    7x7x7), as the deepest features of a U-Net are."""
    return on_cpu(accelerator) and network is not None and any(isinstance(part, nn.Conv3d) for part in network.modules())


def check_strategy(strategy: Any) -> None:
    """Refuse Lightning strategies that cannot work here.

    Raises:
        InputError: processes that Python forks or spawns, which return no results; strategies that shard the weights, because
            averaging, checkpoints and clipping need all of them.
    """
    name = str(strategy)
    if any(kind in name for kind in ("spawn", "fork", "notebook")):
        raise InputError(f"trainer.strategy={name} returns no results from its processes; pass trainer.strategy=ddp, or auto")
    if any(kind in name.lower() for kind in ("fsdp", "deepspeed", "model_parallel", "modelparallel")):
        raise InputError(
            f"trainer.strategy={name} shards the weights, which is not supported; pass trainer.strategy=ddp, or auto "
            "(model.checkpoint_activations=true and trainer.accumulate_grad_batches reduce memory)"
        )


def device_type(accelerator: str) -> str:
    """The device type, such as cpu, cuda or mps, that `trainer.accelerator` selects here."""
    if on_cpu(accelerator):
        return "cpu"
    found = torch.accelerator.current_accelerator()
    return found.type if accelerator in ("auto", "gpu") and found is not None else accelerator


def on_cpu(accelerator: str) -> bool:
    return accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())


def _fast_bf16(accelerator: str) -> str | None:
    """The unit that multiplies bfloat16 faster than float32: GPUs from Ampere on, CPUs with AMX or AVX512-BF16. None:
    none."""
    if not on_cpu(accelerator):
        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        return "the GPU has it in hardware" if fast else None
    unit = bf16_on_cpu()
    return unit and f"the CPU has {unit}"


def set_up(accelerator: str) -> None:
    """Settings that make training faster and change no result on a CPU.

    On GPUs: float32 matrix products in TF32, as cuDNN's convolutions are by default; evaluation stays in float32
    (`sr.device.float32`). On CPUs: glibc keeps freed memory for the next step. Otherwise each large tensor gets new pages
    that the system must clear, which takes a tenth of a small network's time. The process may hold up to 1 GB more;
    MALLOC_TRIM_THRESHOLD_ is respected.
    """
    if not on_cpu(accelerator):
        if torch.cuda.is_available():
            torch.set_float32_matmul_precision("high")
    elif platform.libc_ver()[0] == "glibc" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        libc = ctypes.CDLL(None)
        for option, value in ((_TRIM_THRESHOLD, 1 << 30), (_MMAP_THRESHOLD, 32 << 20)):
            libc.mallopt(option, value)


def has_tf32(device: str) -> bool:
    """Whether float32 can be multiplied in TF32: on NVIDIA GPUs from Ampere on."""
    known = device == "cuda" and torch.cuda.is_available() and torch.version.hip is None
    return known and torch.cuda.get_device_capability() >= (8, 0)


def line(
    chosen: str,
    why: str,
    device: str,
    compiled: bool | str,
    optimizers: Mapping[str, Callable[..., Any]],
    tf32: bool = False,
) -> str:
    """The line that a run prints at its start.

    Args:
        chosen, why: from `precision`.
        device: from `device_type`.
        compiled: the value of `model.compile`.
        optimizers: part (network, discriminator) -> the partial that makes its optimizer.
        tf32: whether training uses TF32 (`has_tf32`).
    """
    parts = [f"{chosen} ({why})", "channels last", *_kernels(optimizers, device, chosen)]
    if device == "cpu":
        parts.append(f"{torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "1 thread")
    if tf32:
        parts.append("TF32 for float32 operations in training")
    parts.append(f"compiled ({compiled})" if compiled else "not compiled (model.compile=true)")
    return ", ".join(parts)


def _kernels(optimizers: Mapping[str, Callable[..., Any]], device: str, precision: str) -> list[str]:
    fused = [name for name, make in optimizers.items() if fuses(make, device, precision)]
    if not fused:
        return []
    if len(fused) < len(optimizers):
        return [f"fused optimizer of the {fused[0]}"]
    return ["fused optimizer" if len(fused) == 1 else "fused optimizers"]
