"""`backend=...` of predict.py and test.py: the program that runs the network."""

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.backend.exported import Exported
from sr.build.node import say
from sr.data.benchmarks import Benchmarks
from sr.device.speed import on_cpu
from sr.errors import InputError, MissingError
from sr.image.file import size
from sr.image.video import facts
from sr.run.record import device

BACKENDS = ("auto", "torch", "onnxruntime", "openvino")
Sizes = Iterable[tuple[int, int]]


def on_backend(cfg: DictConfig, network: nn.Module, sizes: Sizes = ()) -> nn.Module:
    """The network as run by `cfg.backend`; unchanged for null and torch.

    Args:
        sizes: height and width of the LR images of the job, read by backend=auto alone; empty if they are not known.

    Raises:
        InputError: an unknown one; a network in an exported file, or one that cannot be exported; half precision.
        MissingError: one that is not installed.
    """
    name = cfg.get("backend")
    if name is None:
        return network
    if name not in BACKENDS:
        raise InputError(f"backend={name}: choose one of {', '.join(BACKENDS)}, or null")
    if (file := next((one.path for one in network.modules() if isinstance(one, Exported)), None)) is not None:
        raise InputError(f"backend={name}: {file} is an exported file, which has its own: remove backend=...")
    if name == "torch":
        return network
    from sr.export.cached import cached  # these import what a training does not need
    from sr.export.fastest import Job, fastest

    if reason := _reason_for_torch(cfg):
        if name != "auto":
            raise InputError(f"backend={name} computes in float32 on the CPU, but {reason}")
        say(f"backend=auto: PyTorch; {reason}")
        return network
    if name == "auto":
        return fastest(network, Job(*_job(cfg, sizes)), f"{device()}, {torch.get_num_threads()} threads", say)
    try:
        return cached(network, name, say)
    except InputError as error:
        raise InputError(f"backend={name}: {error}; remove backend=...") from error


def _reason_for_torch(cfg: DictConfig) -> str | None:
    """What of the job no other program does."""
    key = "precision" if "precision" in cfg else "trainer.precision"
    if (precision := str(OmegaConf.select(cfg, key))) not in ("32", "32-true", "auto"):  # auto is 32 on the CPU
        return f"{key}={precision}: remove one of them"
    if "device" in cfg:
        from sr.predict.files import pick_device

        kind = pick_device(cfg.device).type
        return None if kind == "cpu" else f"device={cfg.device} is {kind}: pass device=cpu"
    accelerator = cfg.trainer.accelerator
    return None if on_cpu(accelerator) else f"trainer.accelerator={accelerator} is a GPU: pass trainer.accelerator=cpu"


def _job(cfg: DictConfig, sizes: Sizes) -> tuple[int, int, float]:
    """Height and width of a tile of the image of middle size, and the pixels of all images, as for Job."""
    from sr.predict.files import CPU_TILE

    known = sorted(sizes, key=math.prod)
    tile = CPU_TILE if (wanted := cfg.get("tile")) == "auto" else wanted or math.inf
    if not known:
        return min(tile, CPU_TILE), min(tile, CPU_TILE), math.inf
    height, width = known[len(known) // 2]
    return min(height, tile), min(width, tile), sum(map(math.prod, known)) * (8 if cfg.get("ensemble") else 1)


def sizes_of_pictures(pairs: Iterable[tuple[Path, Path]], overwrite: bool) -> Iterator[tuple[int, int]]:
    """The size of each picture that predict.py will read; nothing of those that have no header, or a broken one."""
    for source, target in pairs:
        if overwrite or not target.exists():
            with suppress(InputError, MissingError):
                yield size(source)


def sizes_of_videos(pairs: Iterable[tuple[Path, Path]], overwrite: bool) -> Iterator[tuple[int, int]]:
    """The same of each frame of videos."""
    for source, target in pairs:
        if overwrite or not target.exists():
            with suppress(InputError, MissingError):
                found = facts(source)
                yield from repeat((found.height, found.width), found.frames or 1)


def sizes_of_benchmarks(data: Benchmarks, scale: float) -> Iterator[tuple[int, int]]:
    """The size of each LR image that test.py will measure, of benchmarks of picture files."""
    for name, images in data.benchmark.items():
        with suppress(InputError, MissingError):
            for hr, lr in getattr(images, "pairs", [])[: data.counts("test")[name]]:
                height, width = size(hr if lr is None else lr)
                yield (height, width) if lr is not None else (round(height / scale), round(width / scale))
