"""Checkpoints are written by a thread while training goes on."""

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

NICE = 19  # of the writing thread, on Linux


class BackgroundIO(TorchCheckpointIO):
    """Lightning's reading and writing of checkpoints through `sr.weights.checkpoint`: renamed into place, never unpickled.

    A save copies the state, which takes as long as copying memory does, and returns; one thread writes, in the order of the
    saves. There is one copy at most: a save waits for the one before. What could not be written is raised, as if it had been
    written at once, by the next call that waits: a save, `wait`, or Lightning's `teardown` at the end of the fit.

    Lightning's AsyncCheckpointIO takes any number of saves, each with its copy; a GPU's stays in the GPU's memory. A failed
    write it raises after it has begun the next, and at the end in the place of the exception that ended the run.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._unfinished: list[Future[None]] = []

    def save_checkpoint(self, content: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        self.wait()
        self._start(_write, *snapshot(content), path)

    def copy(self, source: str | Path, path: str | Path) -> None:
        """What was saved last, to `source`, under another name too."""
        self._start(_copy, self._unfinished[-1:], source, path)

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return checkpoint.read(path)

    def wait(self) -> None:
        """Until everything is on the disk.

        Raises:
            OSError: something could not be written (one line that names the file; the old file is untouched).
        """
        wait(self._unfinished)  # a signal that ends this forgets nothing
        finished, self._unfinished = self._unfinished, []
        for job in finished:
            job.result()

    def teardown(self) -> None:
        """Wait. Where an exception ends the run it stays the reason, and what could not be written is only said."""
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
        if self._thread is None:  # not earlier: a process that is forked has no threads of its parent's
            self._thread = ThreadPoolExecutor(1, "checkpoint", _stand_back)
        self._unfinished.append(self._thread.submit(job, *values))


def _stand_back() -> None:
    """Of this thread: where all cores train, a thread that takes one for a while makes all others wait for that one's part."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def finish(trainer: pl.Trainer) -> None:
    """Wait in all processes until the first has written what was saved: they may read it, or leave."""
    trainer.strategy.checkpoint_io.wait()
    trainer.strategy.barrier("checkpoints")


def snapshot(content: dict[str, Any]) -> tuple[dict[str, Any], list[torch.cuda.Event]]:
    """A copy that shares nothing with what training changes, its tensors in the CPU's memory.

    GPUs copy in the order of their work, between this step and the next, while this process goes on: the copy is whole when
    the events have come.
    """
    copies: dict[int, Tensor] = {}
    gpus: set[torch.device] = set()

    def copy(tensor: Tensor) -> None:
        copies[id(tensor)] = tensor.detach().to("cpu", copy=True, non_blocking=tensor.is_cuda)  # a GPU's into pinned memory
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
        job.result()  # else what `source` was before would be taken for what it should have become
    checkpoint.copy(source, path)
