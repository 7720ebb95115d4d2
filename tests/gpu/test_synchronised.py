"""What would make a GPU wait in a training step: values that Python reads.

On the CPU they are counted; on a GPU torch raises an error at each.
"""

from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.gpu.both import fit_on, on_both

STEPS, LOGGED = 20, 10


class Reads(TorchDispatchMode):
    """Counts the values that are read, `x.item()`, `bool(x)`, `float(x)`: on a GPU each waits for all work before it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


class Count(pl.Callback):
    """The values read in each step, from its batch on the device to the last callback."""

    def __init__(self, reads: Reads) -> None:
        self.reads, self.before, self.of_step = reads, 0, Counter()

    def on_train_batch_start(self, *_) -> None:
        self.before = self.reads.count

    def on_train_batch_end(self, trainer, *_) -> None:
        self.of_step[trainer.global_step] = self.reads.count - self.before


class Refuse(pl.Callback):
    """Errors at what waits for the GPU, from the end of a step to that of the next, but not where the next one is logged."""

    def __init__(self) -> None:
        self.steps = 0

    def on_train_batch_end(self, trainer, *_) -> None:
        logs = (trainer.global_step + 1) % LOGGED == 0
        torch.cuda.set_sync_debug_mode("default" if logs or trainer.global_step == STEPS else "error")
        self.steps += 1


WORDS = {
    "pixels": ["trainer.precision=32-true"],
    "gan": ["degradation=realesrgan_light", "data.batch_size=1"],
}
OWN = (
    f"trainer.max_steps={STEPS}",
    f"trainer.val_check_interval={STEPS}",
    f"trainer.log_every_n_steps={LOGGED}",
    "callback=[checkpoint,finite,log,progress,clock]",
)


@on_both("kind", WORDS, medium=WORDS)
def test_a_step_reads_nothing_but_what_is_logged(device, kind, tmp_path):
    """On the CPU the callback `finite` reads one value a step; on a GPU as often as is logged. The first step also reads
    whether there is an average yet."""
    words = [*OWN, *WORDS[kind]]
    if device == "cuda":
        try:
            fit_on(device, kind, tmp_path, *words, watch=(watch := Refuse()))
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert watch.steps == STEPS
        return
    watch = Count(reads := Reads())
    with reads:
        fit_on(device, kind, tmp_path, *words, watch=watch)
    assert len(watch.of_step) == STEPS
    assert {step: n for step, n in watch.of_step.items() if n > (2 if step == 1 else 1) and step % LOGGED} == {}


@pytest.mark.gpu
def test_torch_refuses_a_read():
    """Else the test above could not fail."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            torch.ones((), device="cuda").item()
    finally:
        torch.cuda.set_sync_debug_mode("default")
