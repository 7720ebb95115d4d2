"""Stopped runs that go on: bit for bit what they would have been."""

import csv
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from hydra.errors import HydraException

from sr.benchmark.pairs import Benchmark
from sr.cli import explain
from sr.run.resume import command_line, resumed
from tests.jobs import ONE_PHOTO, SMALL, command, compose, environment, run_script, run_train
from tests.model.gan_job import TINY, fit

# 13 steps, killed somewhere after the checkpoint of step 6: with a schedule, an average and halved batches.
WORDS = (
    *SMALL,
    "model=compact",
    "trainer.max_steps=13",
    "trainer.val_check_interval=6",
    "trainer.log_every_n_steps=3",
    *ONE_PHOTO,
    "callback.checkpoint.every_n_steps=6",
    "data.n_workers=2",
    "schedule=cosine",
    "model.ema=0.9",
    "trainer.accumulate_grad_batches=2",
)


def read(folder: Path) -> dict:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


def go_on(folder: Path, steps: int) -> None:
    """Resume a run in this process up to another number of steps."""
    stopped = read(folder)
    stopped["sr"]["config"]["trainer"]["max_steps"] = steps
    torch.save(stopped, folder / "checkpoints" / "last.ckpt")
    run_train(f"resume={folder}/checkpoints/last.ckpt", f"output_dir={folder}")


def stopped_and_whole(folder: Path, *words: str) -> tuple[dict, dict]:
    """The last checkpoints of a run of four steps that was stopped after two and resumed, and of one that was not."""
    words = (*words, "trainer.val_check_interval=2", "trainer.max_steps=4", "schedule=constant", f"data_dir={folder}/data")
    run_train(*words, f"output_dir={folder}/whole")
    run_train(*words, "trainer.max_steps=2", f"output_dir={folder}/part")
    go_on(folder / "part", 4)
    return read(folder / "part"), read(folder / "whole")


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return [{key: value for key, value in row.items() if key != "train/images_per_second"} for row in csv.DictReader(file)]


def assert_equal(a, b, where="checkpoint"):
    """Nested values, tensors bit by bit."""
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for index, pair in enumerate(zip(a, b, strict=True)):
            assert_equal(*pair, f"{where}[{index}]")
    else:
        assert a == b, where


def start(folder: Path, *words: str, recipe: tuple[str, ...] = WORDS) -> subprocess.Popen:
    return subprocess.Popen(
        command("train.py", *recipe, *words, "data_dir=data"),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, job: subprocess.Popen) -> None:
    end = time.monotonic() + 200
    while not condition():
        if job.poll() is not None or time.monotonic() > end:
            job.kill()  # else its pipe has no end
            raise AssertionError(job.stderr.read())
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "degradation"),
    [
        ("32-true", "[bicubic]"),
        ("bf16-mixed", "[bicubic]"),
        ("32-true", "realesrgan"),
    ],
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path, precision, degradation):
    words = [f"trainer.precision={precision}", f"degradation={degradation}", "metric=[psnr]"]  # as run_train has it
    run_train(*WORDS, *words, f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/whole", "data.n_workers=0")

    job = start(tmp_path, *words, "output_dir=killed", "trainer.max_steps=100000", "schedule.max_steps=13")
    wait_for((tmp_path / "killed" / "checkpoints" / "last.ckpt").is_file, job)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    job.stderr.close()
    step = read(tmp_path / "killed")["global_step"]
    assert step % 6 == 0 and step < 13, "killed too late to show anything"

    resume = f"resume={tmp_path}/killed/checkpoints/last.ckpt"
    done = run_script("train.py", resume, "trainer.max_steps=13", "data.n_workers=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    whole, killed = read(tmp_path / "whole"), read(tmp_path / "killed")
    assert whole["global_step"] == killed["global_step"] == 13
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_equal(whole[part], killed[part], part)
    assert {key.split(".")[0] for key in whole["state_dict"]} == {"network", "average"}
    assert rows(tmp_path / "whole") == rows(tmp_path / "killed")
    assert [row["step"] for row in rows(tmp_path / "killed")] == ["3", "6", "9", "12", "13"]
    assert whole["sr"]["config"]["trainer"]["precision"] == precision


@pytest.mark.medium
@pytest.mark.parametrize("accumulate", [pytest.param(1, marks=pytest.mark.slow), 2])  # with 2 a batch is not a step
def test_a_network_that_draws_goes_on_as_if_nothing_had_been(tmp_path, accumulate):
    """Dropout in the first step after a resume is that of this step, not of the run's first. Muon has its own state."""
    words = ["network=resize_conv", "network.dropout=0.5", "optimizer=muon", f"trainer.accumulate_grad_batches={accumulate}"]
    part, whole = stopped_and_whole(tmp_path, *words)
    assert_equal(whole["state_dict"], part["state_dict"])
    assert_equal(whole["optimizer_states"], part["optimizer_states"])


# 7 iterations of both networks, killed somewhere after the checkpoint of the fourth.
GAN = tuple(word for word in TINY if not word.startswith(("trainer.", "data.n_workers", "callback", "logger"))) + (
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.val_check_interval=4",
    "trainer.log_every_n_steps=1",
    *ONE_PHOTO,
    "logger=csv",
    "callback=[checkpoint,log,finite]",
    "schedule=cosine",
    "schedule.max_steps=7",
)


@pytest.fixture(scope="module")
def killed_gan(tmp_path_factory) -> Path:
    """The checkpoint that a killed adversarial run with 2 workers left."""
    folder = tmp_path_factory.mktemp("gan")
    words = ["output_dir=killed", "trainer.max_steps=100000", "data.n_workers=2"]
    job = start(folder, "model=esrgan", *words, recipe=GAN)
    wait_for((folder / "killed" / "checkpoints" / "last.ckpt").is_file, job)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    job.stderr.close()
    assert read(folder / "killed")["global_step"] == 4, "killed too late to show anything"
    return folder / "killed" / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def stopped_gan(tmp_path_factory) -> Path:
    """The last checkpoint of an adversarial run of four steps."""
    folder = tmp_path_factory.mktemp("stopped")
    words = ["output_dir=run", "trainer.max_steps=4", "data.n_workers=0", "data_dir=data"]
    done = run_script("train.py", *GAN, "model=esrgan", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "checkpoints" / "last.ckpt"


def test_what_a_resumed_recipe_alone_has_can_change(stopped_gan, tmp_path, capsys):
    """Its keys, those that it was given with a +, and its rooms, none of which the default recipe knows."""
    changes = ["discriminator_optimizer.lr=1e-5", "loss.perceptual.layers.conv1_2=0.5", "adversarial=vanilla", "seed=0"]
    words = command_line([f"resume={stopped_gan}", f"output_dir={tmp_path}", *changes])
    assert words[-1] == "model=esrgan" and command_line(words) == words  # as another process of the run gets them
    cfg = resumed(compose("train", *words), words)
    assert cfg.discriminator_optimizer.lr == 1e-5 and cfg.loss.perceptual.layers.conv1_2 == 0.5
    assert cfg.adversarial._target_ == "sr.adversarial.vanilla.Vanilla" and cfg.network.n_feats == 8
    said = capsys.readouterr().out
    assert "resume: discriminator_optimizer.lr was 0.001, is now 1e-05" in said and "seed" not in said


def test_a_key_that_the_resumed_run_does_not_have_gets_its_nearest(stopped_gan, monkeypatch):
    words = command_line([f"resume={stopped_gan}", "discriminator_optimizer.lrr=1e-5"])
    monkeypatch.setattr("sys.argv", ["train.py", *words])
    with pytest.raises(HydraException) as error:
        compose("train", *words)
    said = explain(error.value, "train")
    assert said.startswith("unknown config key 'discriminator_optimizer.lrr'; nearest: discriminator_optimizer.lr")


@pytest.mark.slow
def test_a_killed_adversarial_run_goes_on_as_if_nothing_had_been(killed_gan, tmp_path):
    fit(tmp_path / "whole", *GAN, "trainer.max_steps=7", "data.n_workers=0")
    words = ["output_dir=on", "trainer.max_steps=7", "data.n_workers=1"]
    shutil.copytree(killed_gan.parent.parent, tmp_path / "on")  # with the curves so far
    done = run_script("train.py", f"resume={tmp_path}/on/checkpoints/last.ckpt", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| rrdb_light " in done.stdout  # as in the table of a run that never stopped, not the default recipe
    whole, killed = read(tmp_path / "whole"), read(tmp_path / "on")
    assert whole["global_step"] == killed["global_step"] == 7
    assert len(whole["optimizer_states"]) == len(whole["lr_schedulers"]) == 2
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_equal(whole[part], killed[part], part)
    assert {key.split(".")[0] for key in whole["state_dict"]} == {"network", "average", "discriminator"}
    curves, expected = (
        [{key: value for key, value in row.items() if not key.startswith("test/")} for row in rows(tmp_path / run)][:7]
        for run in ("on", "whole")
    )
    assert curves == expected and [row["step"] for row in curves] == ["1", "2", "3", "4", "5", "6", "7"]
    assert curves[-1]["train/discriminator_gradient_norm"] and curves[-1]["val/psnr"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),  # SLURM's, when it preempts
        (signal.SIGUSR1, 138),  # and its warning before the time limit
    ],
)
def test_a_signal_keeps_a_checkpoint_and_says_how_to_go_on(tmp_path, number, code):
    job = start(tmp_path, "output_dir=run", "trainer.max_steps=100000", "callback.checkpoint.every_n_steps=2")
    wait_for((tmp_path / "run" / "checkpoints" / "last.ckpt").is_file, job)
    job.send_signal(number)
    _, err = job.communicate(timeout=60)
    assert job.returncode == code and "Traceback" not in err
    step, file = re.search(r"stopped at step (\d+); resume with: python train.py resume=(\S+)", err).groups()
    assert read(tmp_path / "run")["global_step"] == int(step)
    assert (tmp_path / file).samefile(tmp_path / "run" / "checkpoints" / "last.ckpt")


@pytest.mark.medium
def test_ctrl_c_during_a_validation_loses_nothing(tmp_path):
    """The signal comes during the validation of step 6: that and one more step are finished, so that nothing is missing."""
    words = ["trainer.limit_val_batches=1.0", "callback.checkpoint.every_n_steps=null", "validation=[sample]"]
    run_train(*WORDS, *words, f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/whole", "data.n_workers=0")

    read_item = Benchmark.__getitem__

    def interrupting(self, index):  # a signal while the second photo is read
        if index == 1:
            signal.raise_signal(signal.SIGINT)
        return read_item(self, index)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as left:
        patch.setattr(Benchmark, "__getitem__", interrupting)
        run_train(*WORDS, *words, f"data_dir={tmp_path}/data", f"output_dir={tmp_path}/run", "data.n_workers=0")
    assert left.value.code == 130
    assert read(tmp_path / "run")["global_step"] == 7
    run_train(f"resume={tmp_path}/run/checkpoints/last.ckpt", f"output_dir={tmp_path}/run")
    whole, stopped = read(tmp_path / "whole"), read(tmp_path / "run")
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_equal(whole[part], stopped[part], part)
    assert rows(tmp_path / "whole") == rows(tmp_path / "run")


def test_what_changes_on_resume_is_said_and_takes_effect(main_job, tmp_path):
    source = main_job[0] / "checkpoints" / "last.ckpt"
    words = [f"resume={source}", "output_dir=on", "optimizer.lr=1e-4", "data.batch_size=2", "trainer.max_steps=10"]
    words += ["optimizer.weight_decay=0.5"]
    done = run_script("train.py", *words, "schedule=constant", "data_dir=data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("resume: ")]
    assert any(re.fullmatch(r"resume: optimizer.lr was 0.00\d, is now 0.0001", line) for line in lines)
    assert "resume: data.batch_size was 4, is now 2" in lines
    assert "resume: trainer.max_steps was 8, is now 10" in lines
    content = read(tmp_path / "on")
    assert content["global_step"] == 10
    group = content["optimizer_states"][0]["param_groups"][0]
    assert (group["lr"], group["weight_decay"]) == (1e-4, 0.5)
    assert content["sr"]["config"]["data"]["batch_size"] == 2
    assert read(main_job[0])["global_step"] == 8  # the run it came from is as it was


@pytest.mark.parametrize("word", ["scale=4", "model=edsr", "network.n_feats=16", "network=edsr_baseline"])
def test_another_network_is_refused(main_job, word, tmp_path):
    last = main_job[0] / "checkpoints" / "last.ckpt"
    cfg = compose("train", f"resume={last}", f"output_dir={tmp_path}", word)
    with pytest.raises(
        ValueError,
        match=f"{word.split('=')[0]} cannot change on resume; for a new run from these weights pass init_from={last}",
    ):
        resumed(cfg, [f"resume={last}", word])


def test_how_a_step_is_computed_can_change(main_job, tmp_path):
    """A machine with less memory goes on."""
    words = [f"resume={main_job[0] / 'checkpoints' / 'last.ckpt'}", "model.checkpoint_activations=true", "model.compile=true"]
    cfg = resumed(compose("train", *words, f"output_dir={tmp_path}"), words)
    assert cfg.model.checkpoint_activations is True and cfg.model.compile is True


def test_another_run_folder_keeps_the_wandb_run(main_job, tmp_path):
    last = main_job[0] / "checkpoints" / "last.ckpt"
    cfg = resumed(compose("train", f"resume={last}", f"output_dir={tmp_path}"), [])
    (file,) = main_job[0].glob("wandb/offline-run-*/run-*.wandb")
    assert file.stem == f"run-{cfg.logger.wandb.run_id}"
    assert cfg.output_dir == str(tmp_path)


def test_init_from_starts_a_new_run_from_weights(best, tmp_path):
    words = [f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data"]
    run_train(f"init_from={best}", *words, "optimizer.lr=0", "schedule=constant")
    old, new = torch.load(best, weights_only=True)["state_dict"], read(tmp_path / "run")["state_dict"]
    assert_equal(dict(old), dict(new))
    assert read(tmp_path / "run")["global_step"] == 8
