"""Writes checkpoints in a thread while training continues."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io import TorchCheckpointIO
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from sr.weights import checkpoint

NICE = 19  # niceness of the writing thread, on Linux


class BackgroundIO(TorchCheckpointIO):
    """Lightning's reading and writing of checkpoints through `sr.weights.checkpoint`: atomic renames, no unpickling.

    A save copies the state, which takes as long as copying memory, and returns; one thread writes the copies in order. There
    is at most one copy: a save waits for the previous one. A failed write is raised by the next call that waits: a save,
    `wait`, or Lightning's `teardown` at the end of the fit.

    Lightning's AsyncCheckpointIO differs: it accepts any number of saves, each with its copy (a GPU's stays in GPU memory).
    It raises a failed write after starting the next, and at the end it replaces the exception that ended the run.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._unfinished: list[Future[None]] = []

    def save_checkpoint(self, content: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        self.wait()
        self._start(_write, *snapshot(content), path)

    def copy(self, source: str | Path, path: str | Path) -> None:
        """Copy the last save, in `source`, to another name."""
        self._start(_copy, self._unfinished[-1:], source, path)

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return checkpoint.read(path)

    def wait(self) -> None:
        """Wait until everything is on disk.

        Raises:
            OSError: a file could not be written (one line that names it; the old file is unchanged).
        """
        wait(self._unfinished)  # a signal during the wait loses nothing
        finished, self._unfinished = self._unfinished, []
        for job in finished:
            job.result()

    def teardown(self) -> None:
        """Wait. If an exception ends the run, it stays the reason, and a failed write is only printed."""
        reason = sys.exception()
        try:
            self.wait()
        except Exception as error:
            if reason is None:
                raise
            print(f"error: {error}", file=sys.stderr)
        finally:
            if self._thread is not None:
                self._thread.shutdown()
                self._thread = None

    def _start(self, job: Callable[..., None], *values: Any) -> None:
        if self._thread is None:  # not earlier: a forked process does not have its parent's threads
            self._thread = ThreadPoolExecutor(1, "checkpoint", _lower_priority)
        self._unfinished.append(self._thread.submit(job, *values))


def _lower_priority() -> None:
    """Lower this thread's priority: when all cores train, a thread that takes one makes all others wait for its share."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def finish(trainer: pl.Trainer) -> None:
    """Wait in all processes until the first has written its checkpoints: they may then read them, or exit."""
    trainer.strategy.checkpoint_io.wait()
    trainer.strategy.barrier("checkpoints")


def snapshot(content: dict[str, Any]) -> tuple[dict[str, Any], list[torch.cuda.Event]]:
    """A copy of the state that training cannot change, with its tensors in CPU memory.

    GPUs copy in order with their work, between this step and the next, while this process continues: the copy is complete
    when the events have happened.
    """
    copies: dict[int, Tensor] = {}
    gpus: set[torch.device] = set()

    def copy(tensor: Tensor) -> None:
        copies[id(tensor)] = tensor.detach().to("cpu", copy=True, non_blocking=tensor.is_cuda)  # from a GPU into pinned memory
        if tensor.is_cuda:
            gpus.add(tensor.device)

    apply_to_collection(content, Tensor, copy)
    return deepcopy(dict(content), copies), [torch.cuda.current_stream(gpu).record_event() for gpu in gpus]


def _write(content: dict[str, Any], copied: list[torch.cuda.Event], path: str | Path) -> None:
    for event in copied:
        event.synchronize()
    checkpoint.write(content, path)


def _copy(written: list[Future[None]], source: str | Path, path: str | Path) -> None:
    for job in written:
        job.result()  # otherwise an old `source` would be copied
    checkpoint.copy(source, path)
