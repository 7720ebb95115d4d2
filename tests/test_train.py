"""train.py from the command line: what a run prints, leaves and returns."""

import csv
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import sr
from sr import build
from sr.cli.train import train
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_tensor
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from tests.jobs import ONE_PHOTO, SMALL, call, command, compose, environment, run_script, run_train

METRICS = {"psnr", "ssim", "psnr_rgb", "ssim_rgb"}
PHOTOS = {"sample_astronaut", "sample_coffee", "sample_rocket"}
VALIDATED = {"split_moon", "split_motorcycle_right"}


def test_the_main_job_leaves_its_files(main_job):
    folder, done = main_job
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "warn" not in done.stderr.lower()
    steps = {path.name for path in (folder / "images").iterdir()}
    assert steps == {"step_000004", "step_000008", "test", "degradation.png"}
    for step in steps - {"degradation.png"}:
        pictures = list((folder / "images" / step).iterdir())
        assert {picture.stem for picture in pictures} == (PHOTOS if step == "test" else VALIDATED)
        for picture in pictures:
            assert Image.open(picture).size == (4 * 192 + 3 * 4, 192 + 18)
    assert {path.name for path in folder.iterdir()} >= {"checkpoints", "config.yaml", "metrics.json", "metrics.csv", "table.md"}
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert not [path for path in folder.rglob("*.tmp") if path.is_file()]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["network"]["n_feats"] == 8 and config["trainer"]["max_steps"] == 8


def test_metrics_json_has_the_promised_form(main_job):
    results = json.loads((main_job[0] / "metrics.json").read_text())
    assert results.keys() == {"sample"}
    scores = results["sample"]
    assert scores.keys() == METRICS | {"bicubic", "images"}
    assert scores["bicubic"].keys() == METRICS
    assert {f"sample_{name}" for name in scores["images"]} == PHOTOS
    for metric in METRICS:
        assert scores[metric] == pytest.approx(np.mean([image[metric] for image in scores["images"].values()]), abs=1e-9)
    measured = json.loads((main_job[0] / "run.json").read_text())["metrics"]
    assert measured.keys() == METRICS and measured["psnr"]["crop_border"] == 2 and measured["psnr"]["version"] == 1
    assert (main_job[0] / "table.md").read_text().splitlines()[-1].startswith("Measured: psnr (version 1, y, border 2); ")


def test_metrics_json_is_what_the_network_in_best_ckpt_scores(main_job, best):
    """Recomputed by hand from the photo file and the checkpoint."""
    from sr.data.source.sample import Sample

    photo = next(file for file, _ in Sample(held_out=True).files() if file.stem == "coffee")
    hr = to_tensor(read_rgb8(photo))
    hr = hr[..., : hr.shape[-2] // 2 * 2, : hr.shape[-1] // 2 * 2]
    lr = imresize(hr, 1 / 2, rounding=True)
    with torch.inference_mode():
        score = PSNR(crop_border=2)(upscale(sr.load(best), lr), hr).item()
    results = json.loads((main_job[0] / "metrics.json").read_text())
    assert results["sample"]["images"]["coffee"]["psnr"] == pytest.approx(score, abs=1e-3)


def test_the_table_is_printed_and_kept(main_job):
    folder, done = main_job
    results = json.loads((folder / "metrics.json").read_text())["sample"]
    table = (folder / "table.md").read_text()
    assert table in done.stdout
    bicubic, network = table.splitlines()[2:4]
    assert f"{results['bicubic']['psnr']:.2f}" in bicubic and f"{results['bicubic']['ssim']:.4f}" in bicubic
    assert f"{results['psnr']:.2f}" in network and f"{results['ssim']:.4f}" in network


def test_metrics_csv_has_losses_rates_and_validations_by_step(main_job):
    with open(main_job[0] / "metrics.csv", newline="") as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    assert list(rows) == [2, 4, 6, 8]
    for row in rows.values():
        assert all(math.isfinite(float(row[f"train/{name}"])) for name in ("loss", "l1", "lr", "gradient_norm"))
        assert float(row["train/images_per_second"]) > 0
    assert [step for step, row in rows.items() if row["val/split/psnr"]] == [4, 8]
    assert [step for step, row in rows.items() if row["test/sample/psnr"]] == [8]


def test_train_returns_the_best_validation_score(tmp_path):
    score = run_train(f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "trainer.max_steps=4")
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        validations = [float(row["val/psnr"]) for row in csv.DictReader(file) if row["val/psnr"]]
    assert score == pytest.approx(max(validations), abs=1e-4)


@pytest.mark.medium
def test_training_needs_both_seeds_and_nothing_else_to_repeat(tmp_path):
    """The same seed gives the same weights, another seed others."""
    states = []
    for index, seed in enumerate((1, 1, 2)):
        run_train(f"output_dir={tmp_path}/{index}", f"data_dir={tmp_path}/data", f"seed={seed}", "trainer.max_steps=2")
        states.append(torch.load(tmp_path / str(index) / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])
    first, again, other = states
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first if key.endswith("0.weight"))


def test_nothing_to_train_goes_straight_to_the_test(tmp_path):
    words = [f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "logger=csv", "trainer.accelerator=cpu"]
    assert train(compose("train", "model=bicubic", *words)) is None
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["sample"]
    assert scores["psnr"] == pytest.approx(scores["bicubic"]["psnr"], abs=0.01)  # whose first pass is rounded to uint8


def test_a_run_without_callbacks_and_loggers(tmp_path):
    assert run_train("callback=[]", "logger=[]", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data") is None
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"metrics.json", "table.md", "run.json"}
    assert not (tmp_path / "run" / "checkpoints").exists() and not (tmp_path / "run" / "metrics.csv").exists()


@pytest.mark.medium
def test_another_runs_checkpoint_in_the_folder_is_not_tested(tmp_path):
    words = [f"data_dir={tmp_path}/data", "callback=[checkpoint]", "logger=none"]
    run_train(*words, f"output_dir={tmp_path}/run", "optimizer.lr=1e-2")
    run_train(*words, f"output_dir={tmp_path}/run", "trainer.max_steps=0")
    run_train(*words, f"output_dir={tmp_path}/new", "trainer.max_steps=0")
    again, new = (json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("run", "new"))
    assert again == new


@pytest.mark.slow  # tests/test_sweep.py has fast ones
def test_a_multirun_gives_every_job_its_folder_and_its_wandb_run(tmp_path):
    small = [word for word in SMALL if not word.startswith(("trainer.max_steps", "logger", "network"))]
    words = ["-m", "model=espcn,fsrcnn", "seed=1", "scale=2", "trainer.max_steps=2", "logger=wandb", "output_dir=sweep"]
    small += ONE_PHOTO
    done = run_script("train.py", *words, *small, "data_dir=data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    jobs = sorted(path for path in (tmp_path / "sweep").iterdir() if path.is_dir())
    assert [job.name for job in jobs] == ["0_model-espcn", "1_model-fsrcnn"]
    for job, name in zip(jobs, ["espcn", "fsrcnn"], strict=True):
        assert json.loads((job / "metrics.json").read_text())["sample"]["images"].keys() == {"astronaut"}
        target = yaml.safe_load((job / "config.yaml").read_text())["network"]["_target_"]
        assert target.rsplit(".")[-2] == name
        assert len(list(job.glob("wandb/offline-run-*/run-*.wandb"))) == 1


# -- two processes -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_processes_train_the_same_weights_as_one(tmp_path):
    """A real command line without output_dir: both processes must find the same folder."""
    words = ["trainer.max_steps=20", "trainer.val_check_interval=20", "model.ema=0.9", f"data_dir={tmp_path}/data"]
    words += ["trainer.log_every_n_steps=3"]
    run_train(*words, f"output_dir={tmp_path}/one")
    two = call("train.py", *SMALL, *words, "trainer.devices=2", "data.n_workers=1", cwd=tmp_path)
    assert two.returncode == 0 and str(tmp_path / "outputs" / "compact") in two.stdout, two.stderr
    (folder,) = (tmp_path / "outputs" / "compact").iterdir()
    runs = (tmp_path / "one", folder)
    checkpoints = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in runs]
    a, b = (torch.cat([value.flatten() for value in content["state_dict"].values()]) for content in checkpoints)
    assert float((a - b).norm() / a.norm()) < 1e-5
    curves = [[row["train/loss"] for row in csv.DictReader((run / "metrics.csv").open()) if row["train/loss"]] for run in runs]
    logs = [content["callbacks"]["Log"] for content in checkpoints]  # of the last two steps, which no row has yet
    curves = [[*map(float, curve), log["sums"]["loss"]] for curve, log in zip(curves, logs, strict=True)]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4) and len(curves[0]) == 7  # of all samples, not of one process's
    assert two.stdout.count("| benchmark") == 1
    assert len(json.loads((folder / "metrics.json").read_text())["sample"]["images"]) == 3


@pytest.mark.slow
def test_torchrun_starts_the_processes(tmp_path):
    """As on several machines, with one."""
    words = [*SMALL, *ONE_PHOTO, "trainer.devices=2", "trainer.num_nodes=1", "data_dir=data", "output_dir=run"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nnodes=1", "--nproc_per_node=2"]
    line = [*launcher, *command("train.py", *words)[1:]]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path), timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| benchmark") == 1
    assert len(json.loads((tmp_path / "run" / "metrics.json").read_text())["sample"]["images"]) == 1  # ONE_PHOTO


def test_torchrun_with_other_processes_than_the_trainers_is_refused(tmp_path, monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    message = "^torchrun started 8 processes, the trainer expects 1: pass trainer.devices=4 trainer.num_nodes=2$"
    with pytest.raises(ValueError, match=message):
        run_train("logger=none", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")


def test_several_machines_without_a_launcher_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="^trainer.num_nodes=2: start the command with torchrun on each machine, or with srun$"
    ):
        run_train("trainer.num_nodes=2", "logger=none", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")


@pytest.mark.slow
def test_two_processes_score_a_checkpoint_as_one_does(main_job, best, tmp_path):
    """Three photos over two processes: each is scored once."""
    done = call("test.py", f"ckpt={best}", "trainer.accelerator=cpu", "trainer.devices=2", "output_dir=out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    alone, together = (json.loads((folder / "metrics.json").read_text()) for folder in (main_job[0], tmp_path / "out"))
    assert alone == together


@pytest.mark.slow
def test_a_sweep_of_two_processes(tmp_path):
    words = ["-m", "seed=1,2", *SMALL, "trainer.max_steps=4", "trainer.devices=2", "data_dir=data"]
    done = call("train.py", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (sweep,) = (tmp_path / "outputs" / "multirun").iterdir()
    assert len([path for path in sweep.iterdir() if (path / "metrics.json").is_file()]) == 2


@pytest.mark.slow
def test_an_error_of_one_of_two_processes_is_one_line(tmp_path):
    done = call("train.py", *SMALL, "trainer.devices=2", "data=folder", "data.train=/nope", "data_dir=data", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: no such folder: /nope"]


def test_an_adversarial_run_without_callbacks(tmp_path):
    """Its recipe has an option for one of them."""
    cfg = compose("train", "model=esrgan", "callback=[]", "logger=none", f"output_dir={tmp_path}")
    assert not [callback for callback in build.trainer(cfg).callbacks if type(callback).__module__.startswith("sr.")]
