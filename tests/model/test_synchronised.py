"""What would make a GPU wait in a training step: values that Python reads."""

from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sr import build
from tests.jobs import ONE_PHOTO, SMALL, compose
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


OWN = (
    f"trainer.max_steps={STEPS}",
    f"trainer.val_check_interval={STEPS}",
    "trainer.log_every_n_steps=10",
    "callback=[checkpoint,finite,log,progress,clock]",
)


def check(watch: Watch) -> None:
    """On the CPU the callback `finite` reads one value a step; on a GPU as often as is logged. The first step also reads
    whether there is an average yet."""
    assert len(watch.of_step) == STEPS
    assert {step: count for step, count in watch.of_step.items() if count > (2 if step == 1 else 1) and step % 10} == {}


@pytest.mark.medium
def test_a_step_of_a_gan_on_blind_degradations_reads_nothing_but_what_is_logged(tmp_path):
    watch = Watch(reads := Reads())
    with reads:
        fit(tmp_path, *OWN, "degradation=realesrgan_light", "data.batch_size=1", watch=watch)
    check(watch)


@pytest.mark.medium
def test_a_step_with_pixel_losses_reads_nothing_but_what_is_logged(tmp_path):
    watch = Watch(reads := Reads())
    cfg = compose("train", *SMALL, *ONE_PHOTO, "metric=[psnr]", *OWN, f"output_dir={tmp_path}", f"data_dir={tmp_path}/data")
    data, module = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, module)
    trainer.callbacks.append(watch)
    with reads:
        build.fit(trainer, module, data)
    check(watch)
