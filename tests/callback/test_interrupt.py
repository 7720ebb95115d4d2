"""When a signal stops a run, and when it waits."""

import signal

import pytest

from sr.callback.interrupt import Interrupt
from tests.trainer import at, trainer


@pytest.fixture
def running(tmp_path):
    callback, (run, notes) = Interrupt(folder=str(tmp_path)), trainer()
    before = signal.getsignal(signal.SIGINT)
    callback.on_train_start(run, None)
    yield callback, run, notes
    callback.teardown(run, None, "fit")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_without_signals_saves_nothing(running):
    callback, run, notes = running
    callback.on_train_batch_end(at(run, 1))
    assert notes.saved == []


@pytest.mark.parametrize("number", Interrupt.signals)
def test_the_step_is_finished_first(running, number, capsys):
    callback, run, notes = running
    signal.raise_signal(number)
    callback.on_train_batch_end(run)  # a first half of an accumulated step
    assert notes.saved == []
    with pytest.raises(SystemExit) as left:
        callback.on_train_batch_end(at(run, 1))
    assert left.value.code == 128 + number
    assert notes.saved == [("last.ckpt", 1)]
    assert notes.calls[-1] == "wait"  # nobody kills a process that says where to go on
    assert "stopped at step 1; resume with: python train.py resume=" in capsys.readouterr().err


def test_a_second_ctrl_c_stops_at_once(running):
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
