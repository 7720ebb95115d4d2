"""What is fast and safe on the device found, chosen where the user chose nothing, and one line that says so."""

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
        raise InputError(f"trainer.precision={wanted} needs a GPU: on a CPU pass trainer.precision=bf16-mixed, or auto")
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


def check_strategy(strategy: Any) -> None:
    """Refuse strategies of Lightning that cannot work here.

    Raises:
        InputError: processes that are forked or spawned within Python, from which no results come back; strategies that share
            out the weights, of which the average, the checkpoints and clipping need the whole.
    """
    name = str(strategy)
    if any(kind in name for kind in ("spawn", "fork", "notebook")):
        raise InputError(f"trainer.strategy={name} keeps its results in processes that end; pass trainer.strategy=ddp, or auto")
    if any(kind in name.lower() for kind in ("fsdp", "deepspeed", "model_parallel", "modelparallel")):
        raise InputError(
            f"trainer.strategy={name} shares out the weights, which is not supported: pass trainer.strategy=ddp, or auto "
            "(model.checkpoint_activations=true and trainer.accumulate_grad_batches need less memory)"
        )


def device_type(accelerator: str) -> str:
    """The type of device, such as cpu, cuda or mps, that `trainer.accelerator` means here."""
    if on_cpu(accelerator):
        return "cpu"
    found = torch.accelerator.current_accelerator()
    return found.type if accelerator in ("auto", "gpu") and found is not None else accelerator


def on_cpu(accelerator: str) -> bool:
    return accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())


def _fast_bf16(accelerator: str) -> str | None:
    """What multiplies bfloat16 faster than float32: GPUs from Ampere on, CPUs with AMX or AVX512-BF16. None: nothing."""
    if not on_cpu(accelerator):
        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        return "the GPU has it in hardware" if fast else None
    unit = bf16_on_cpu()
    return unit and f"the CPU has {unit}"


def set_up(accelerator: str) -> None:
    """What makes training faster and changes no result on a CPU.

    On GPUs float32 matrix products in TF32, as cuDNN's convolutions are by default; evaluation stays in float32
    (`sr.device.float32`). On CPUs glibc keeps
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


def has_tf32(device: str) -> bool:
    """Whether float32 can be multiplied in TF32: by NVIDIA's GPUs, from Ampere on."""
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
    """What a run says of itself at its start.

    Args:
        chosen, why: of `precision`.
        device: of `device_type`.
        compiled: what `model.compile` says.
        optimizers: who learns (network, discriminator) -> what makes its optimizer.
        tf32: whether training multiplies in it (`has_tf32`).
    """
    parts = [f"{chosen} ({why})", "channels last", *_kernels(optimizers, device, chosen)]
    if device == "cpu":
        parts.append(f"{torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "1 thread")
    if tf32:
        parts.append("TF32 in training for what stays float32")
    parts.append(f"compiled ({compiled})" if compiled else "not compiled (model.compile=true)")
    return ", ".join(parts)


def _kernels(optimizers: Mapping[str, Callable[..., Any]], device: str, precision: str) -> list[str]:
    fused = [name for name, make in optimizers.items() if fuses(make, device, precision)]
    if not fused:
        return []
    if len(fused) < len(optimizers):
        return [f"fused optimizer of the {fused[0]}"]
    return ["fused optimizer" if len(fused) == 1 else "fused optimizers"]
