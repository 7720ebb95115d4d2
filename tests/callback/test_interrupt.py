"""When a signal stops a run, and when it waits."""

import signal
from types import SimpleNamespace

import pytest

from sr.callback.interrupt import Interrupt


class Trainer(SimpleNamespace):
    def __init__(self) -> None:
        finish = SimpleNamespace(checkpoint_io=SimpleNamespace(wait=self.wait), barrier=lambda name: None)
        super().__init__(global_step=0, world_size=1, is_global_zero=True, saved=[], written=[], strategy=finish)

    def save_checkpoint(self, file) -> None:
        self.saved.append((file.name, self.global_step))

    def wait(self) -> None:
        self.written = self.saved[:]


@pytest.fixture
def running(tmp_path):
    callback, trainer = Interrupt(folder=str(tmp_path)), Trainer()
    before = signal.getsignal(signal.SIGINT)
    callback.on_train_start(trainer, None)
    yield callback, trainer
    callback.teardown(trainer, None, "fit")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_without_signals_saves_nothing(running):
    callback, trainer = running
    trainer.global_step = 1
    callback.on_train_batch_end(trainer)
    assert trainer.saved == []


@pytest.mark.parametrize("number", Interrupt.signals)
def test_the_step_is_finished_first(running, number, capsys):
    callback, trainer = running
    signal.raise_signal(number)
    callback.on_train_batch_end(trainer)  # a first half of an accumulated step
    assert trainer.saved == []
    trainer.global_step = 1
    with pytest.raises(SystemExit) as left:
        callback.on_train_batch_end(trainer)
    assert left.value.code == 128 + number
    assert trainer.saved == trainer.written == [("last.ckpt", 1)]  # nobody kills a process that says where to go on
    assert "stopped at step 1; go on with: python train.py resume=" in capsys.readouterr().err


def test_a_second_ctrl_c_stops_at_once(running):
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
