"""What would make a GPU wait in a training step: values that Python reads."""

from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.model.gan_job import fit

STEPS = 20


class Reads(TorchDispatchMode):
    """Counts the values that are read, `x.item()`, `bool(x)`, `float(x)`: on a GPU each waits for all work before it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


class Watch(pl.Callback):
    """The values read in each step, from the batch's way to the device to the last callback."""

    def __init__(self, reads: Reads) -> None:
        self.reads, self.before, self.of_step = reads, 0, Counter()

    def on_train_batch_start(self, trainer, *_) -> None:
        self.before = self.reads.count

    def on_train_batch_end(self, trainer, *_) -> None:
        self.of_step[trainer.global_step] = self.reads.count - self.before


@pytest.mark.medium
@pytest.mark.parametrize(
    "model, words",
    [("realesrgan", []), ("edsr_baseline", ["network.n_feats=8", "network.n_blocks=1", "optimizer.lr=1e-3"])],
)
def test_a_step_reads_nothing_but_what_is_logged(tmp_path, model, words):
    """On the CPU the callback `finite` reads one value a step; on a GPU as often as is logged. The first step reads whether
    there is an average yet."""
    reads = Reads()
    watch = Watch(reads)
    own = [f"trainer.max_steps={STEPS}", f"trainer.val_check_interval={STEPS}", "trainer.log_every_n_steps=10"]
    with reads:
        fit(tmp_path, *own, "callback=[checkpoint,finite,log,progress,clock]", *words, model=model, watch=watch)
    assert len(watch.of_step) == STEPS
    assert {step: count for step, count in watch.of_step.items() if count > (2 if step == 1 else 1) and step % 10} == {}
