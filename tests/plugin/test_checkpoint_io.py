"""Checkpoints that a thread writes: the state of their step, in order, none lost, no error unheard."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from sr.plugin.checkpoint_io import BackgroundIO, snapshot
from sr.weights import checkpoint
from tests.jobs import SMALL, run_script, run_train, small_files
from tests.run.test_resume import assert_equal


@pytest.fixture
def io() -> Iterator[BackgroundIO]:
    made = BackgroundIO()
    yield made
    made.teardown()


@pytest.fixture
def writing(monkeypatch) -> threading.Event:
    """Writing begins as soon as this is set, and half a second later in any case."""
    event, write = threading.Event(), checkpoint.write

    def slow(content, path) -> None:
        event.wait(0.5)
        write(content, path)

    monkeypatch.setattr(checkpoint, "write", slow)
    return event


def training() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 3)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    step(network, optimizer)
    return network, optimizer


def step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    network(torch.rand(1, 3, 8, 8)).square().mean().backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] /= 2


def state(network: nn.Module, optimizer: torch.optim.Optimizer, seen: list) -> dict:
    callbacks = {"Log": {"seen": seen, "pair": (seen, torch.ones(2))}}
    return {"state_dict": network.state_dict(), "optimizer_states": [optimizer.state_dict()], "callbacks": callbacks}


def test_the_file_is_the_state_of_its_step_though_training_went_on(io, writing, tmp_path):
    network, optimizer = training()
    seen = [1, {"deep": [2], "set": {2}}]
    checkpoint.torch.save(state(network, optimizer, seen), tmp_path / "at_once.ckpt")
    io.save_checkpoint(state(network, optimizer, seen), tmp_path / "last.ckpt")
    for _ in range(3):
        step(network, optimizer)
    seen[1]["deep"].append(3)
    seen[1]["set"].add(3)
    assert not (tmp_path / "last.ckpt").exists()  # it did not wait for the disk
    writing.set()
    io.wait()
    at_once, last = (checkpoint.read(tmp_path / f"{name}.ckpt") for name in ("at_once", "last"))
    assert_equal({**at_once, "state_dict": dict(at_once["state_dict"])}, {**last, "state_dict": dict(last["state_dict"])})
    assert last["state_dict"]["0.weight"].is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(network.state_dict()["0.weight"], last["state_dict"]["0.weight"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_copies_between_two_steps(io, tmp_path):
    weights = torch.full((4096, 4096), 1.0, device="cuda")
    busy = torch.rand(8192, 8192, device="cuda")
    for _ in range(20):
        busy = (busy @ busy).clamp(0, 1)  # the copy waits for all this, and this process does not
    content, copied = snapshot({"weights": weights})
    io.save_checkpoint({"weights": weights}, tmp_path / "last.ckpt")
    weights.fill_(2.0)
    io.wait()
    copied[0].synchronize()
    assert (content["weights"] == 1).all() and content["weights"].is_pinned()
    assert (checkpoint.read(tmp_path / "last.ckpt")["weights"] == 1).all()


def test_a_save_waits_for_the_one_before(io, writing, tmp_path):
    io.save_checkpoint({"step": 1}, tmp_path / "best.ckpt")
    io.copy(tmp_path / "best.ckpt", tmp_path / "last.ckpt")
    assert not any(tmp_path.iterdir())
    io.save_checkpoint({"step": 2}, tmp_path / "best.ckpt")
    assert {file.name: checkpoint.read(file)["step"] for file in tmp_path.iterdir()} == {"best.ckpt": 1, "last.ckpt": 1}
    io.wait()
    assert {file.name: checkpoint.read(file)["step"] for file in tmp_path.iterdir()} == {"best.ckpt": 2, "last.ckpt": 1}


def test_what_cannot_be_written_is_raised_by_the_next_call_and_the_old_files_stay(io, tmp_path):
    best, last = tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    io.save_checkpoint({"step": 1}, best)
    io.copy(best, last)
    io.wait()
    checkpoint.write({"step": 0}, last)
    for again in (io.wait, lambda: io.save_checkpoint({"step": 3}, best), io.teardown):
        with small_files(100_000), pytest.raises(OSError, match=r"best.ckpt: cannot be written \(File too large\)$"):
            io.save_checkpoint({"step": 2, "weights": torch.ones(1_000_000)}, best)
            io.copy(best, last)  # not what best.ckpt was before
            again()
        io.wait()  # said once
        assert checkpoint.read(best)["step"] == 1 and checkpoint.read(last)["step"] == 0
        assert sorted(tmp_path.iterdir()) == [best, last]


def test_the_exception_that_ends_a_run_is_not_hidden_by_a_failed_write(io, tmp_path, capsys):
    io.save_checkpoint({}, tmp_path / "good.ckpt")
    with small_files(100_000):
        try:
            io.save_checkpoint({"weights": torch.ones(1_000_000)}, tmp_path / "last.ckpt")
            raise FloatingPointError("the loss became NaN")
        except FloatingPointError:
            io.teardown()
    assert capsys.readouterr().err == f"error: {tmp_path}/last.ckpt: cannot be written (File too large)\n"
    assert [file.name for file in tmp_path.iterdir()] == ["good.ckpt"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_ends_the_command_in_one_line(tmp_path):
    Path(tmp_path, "file").touch()
    words = ["output_dir=run", "data_dir=data", "callback.checkpoint.folder=file/checkpoints"]
    done = run_script("train.py", *SMALL, *words, cwd=tmp_path)
    line = "file/checkpoints/best.ckpt: cannot be written (a folder of this path is a file)"
    assert done.returncode == 1
    assert [text for text in done.stderr.splitlines() if "error" in text] == [f"error: {line}"] and "Trace" not in done.stderr
    record = json.loads(Path(tmp_path, "run", "run.json").read_text())
    assert (record["status"], record["error"]) == ("failed", line)


@pytest.mark.medium
def test_a_signal_while_a_checkpoint_is_written(tmp_path, monkeypatch, capsys):
    """SIGTERM comes in the middle of the write of step 4; it ends, and so does that of the step at which the run stops."""
    write, written = checkpoint.write, []

    def interrupted(content, path) -> None:
        if not written:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.5)
        write(content, path)
        written.append((Path(path).name, content["global_step"]))

    monkeypatch.setattr(checkpoint, "write", interrupted)
    with pytest.raises(SystemExit) as left:
        run_train(f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", "trainer.max_steps=100000")
    assert left.value.code == 128 + signal.SIGTERM
    folder = tmp_path / "run" / "checkpoints"
    stopped = checkpoint.read(folder / "last.ckpt")["global_step"]
    assert written == [("best.ckpt", 4), ("last.ckpt", stopped)] and stopped in (4, 5, 6)
    assert checkpoint.read(folder / "best.ckpt")["global_step"] == 4
    assert f"stopped at step {stopped}; resume with: python train.py resume={folder}/last.ckpt" in capsys.readouterr().err
