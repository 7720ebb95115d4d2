"""What a run leaves for W&B, read in W&B's own format; when it is online."""

import csv
import glob
import json
import socket
import time
from pathlib import Path

import pytest
from PIL import Image
from wandb.proto import wandb_internal_pb2

from sr.build import logger as built
from sr.logger.wandb import finish_wandb, possible, wandb_logger
from tests.jobs import SMALL, call, compose
from tests.logger.records import TRAIN, VAL, artifacts, nested, wandb_records


@pytest.fixture(scope="module")
def wandb_run(main_job) -> tuple[Path, list[wandb_internal_pb2.Record]]:
    (file,) = main_job[0].glob("wandb/offline-run-*/run-*.wandb")
    return file.parent, list(wandb_records(file))


@pytest.fixture(scope="module")
def history(wandb_run) -> list[dict]:
    """What was logged, one dict a row."""
    return [nested(record.history.item) for record in wandb_run[1] if record.WhichOneof("record_type") == "history"]


def test_wandb_has_losses_rates_throughput_and_validations(history):
    logged = {key for row in history for key in row}
    assert logged >= TRAIN | VAL | {f"test/sample/{metric}" for metric in ("psnr", "ssim")}
    losses = {row["trainer/global_step"]: row["train/l1"] for row in history if "train/l1" in row}
    assert list(losses) == [2, 4, 6, 8]


def test_wandb_and_csv_say_the_same(history, main_job):
    with open(main_job[0] / "metrics.csv", newline="") as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    for row in history:
        for key in row.keys() & (TRAIN | VAL):
            assert float(rows[row["trainer/global_step"]][key]) == pytest.approx(row[key], rel=1e-9)


def test_jobs_of_a_sweep_are_a_group_named_by_its_folder(tmp_path, monkeypatch):
    def group(*words: str) -> str | None:
        cfg = compose("train", "logger=wandb", "logger.wandb.mode=disabled", *words)
        return built.loggers(cfg)[0]._wandb_init["group"]

    words = [f"output_dir={tmp_path}/three/0_seed-0"]
    assert group(*words) is None
    monkeypatch.setattr(built, "job_number", lambda: 0)
    assert (
        group(*words) == "three" and group(*words, "study=losses") == "losses" and group(*words, "logger.wandb.group=a") == "a"
    )


def test_wandb_has_the_config(wandb_run):
    config = nested(item for record in wandb_run[1] for item in (*record.run.config.update, *record.config.update))
    assert config["network"]["n_feats"] == 8
    assert config["trainer"]["max_steps"] == 8


def test_wandb_has_the_panels_at_every_validation(wandb_run, history):
    folder = wandb_run[0] / "files"
    validated, reported = ["split_moon", "split_motorcycle_right"], ["sample_astronaut", "sample_coffee", "sample_rocket"]
    for key, steps, captions in (("val/panels", [4, 8], validated), ("test/panels", [8], reported)):
        panels = {row["trainer/global_step"]: row[key] for row in history if key in row}
        assert list(panels) == steps
        for panel in panels.values():
            assert panel["captions"] == captions
            for name in panel["filenames"]:
                assert Image.open(folder / name).size == (4 * 192 + 3 * 4, 192 + 18)


def test_wandb_has_the_best_scores_in_the_summary(wandb_run, history):
    metrics = [record.metric for record in wandb_run[1] if record.WhichOneof("record_type") == "metric"]
    best = {metric.name: metric.summary for metric in metrics}
    assert all(best[name].max and best[name].last and not best[name].min for name in (*VAL, "val/psnr"))
    summary = nested(item for record in wandb_run[1] for item in record.summary.update)
    results = json.loads((wandb_run[0].parents[1] / "metrics.json").read_text())
    for metric in ("psnr", "ssim"):
        assert summary[f"best/sample/{metric}"] == pytest.approx(results["sample"][metric], rel=1e-9)
        assert summary[f"bicubic/sample/{metric}"] == pytest.approx(results["sample"]["bicubic"][metric], rel=1e-9)


def test_wandb_has_a_table_with_a_row_for_each_test_image(wandb_run):
    (artifact,) = [artifact for artifact in artifacts(wandb_run[1]) if artifact.type == "run_table"]
    files = {entry.path: Path(entry.local_path) for entry in artifact.manifest.contents}
    table = json.loads(files["test/images.table.json"].read_text())
    assert table["columns"] == ["set", "image", "LR", "SR", "HR", "error x4", "psnr", "ssim", "psnr_rgb", "ssim_rgb"]
    scores = json.loads((wandb_run[0].parents[1] / "metrics.json").read_text())["sample"]["images"]
    assert [row[:2] for row in table["data"]] == [["sample", name] for name in scores]
    for row in table["data"]:
        assert row[6] == pytest.approx(scores[row[1]]["psnr"], rel=1e-6)
        sizes = [Image.open(files[picture["path"]]).size for picture in row[2:6]]
        assert sizes == [(64, 64), (128, 128), (128, 128), (128, 128)]
    # What a later sync needs moves with the run.
    assert all(file.is_relative_to(wandb_run[0].parent) for file in files.values())


def test_wandb_has_the_checkpoints_as_artifacts(wandb_run):
    models = [artifact for artifact in artifacts(wandb_run[1]) if artifact.type == "model"]
    assert ["best" in artifact.aliases for artifact in models] == [True, False] and "latest" in models[1].aliases
    folder = wandb_run[0].parents[1] / "checkpoints"
    for artifact, stem in zip(models, ("best", "last"), strict=True):
        (entry,) = artifact.manifest.contents
        assert entry.path == f"{stem}.ckpt" and entry.size == (folder / entry.path).stat().st_size


@pytest.mark.slow
def test_wandb_knows_from_which_artifact_a_run_started(main_job, wandb_run, tmp_path):
    words = [*SMALL[:-1], "trainer.max_steps=2", "logger=wandb", "data_dir=data", "output_dir=tuned"]
    assert call("train.py", *words, f"init_from={main_job[0]}/checkpoints/best.ckpt", cwd=tmp_path).returncode == 0
    (file,) = (tmp_path / "tuned").glob("wandb/offline-run-*/run-*.wandb")
    environments = [record.environment for record in wandb_records(file) if record.WhichOneof("record_type") == "environment"]
    assert any(environment.program.endswith("train.py") for environment in environments)
    (parent,) = [artifact for artifact in artifacts(wandb_run[1]) if "best" in artifact.aliases]
    for artifact in artifacts(wandb_records(file)):
        if artifact.type == "model":
            assert json.loads(artifact.metadata)["parent"] == f"{parent.name}:best"


def test_wandb_knows_the_command_the_code_and_the_recipe(wandb_run, main_job):
    (about,) = [r.environment for r in wandb_run[1] if r.WhichOneof("record_type") == "environment" and r.environment.args]
    assert "trainer.max_steps=8" in about.args
    (run,) = [record.run for record in wandb_run[1] if record.WhichOneof("record_type") == "run"]
    assert {"compact", "x2"} <= set(run.tags)
    config = nested(item for record in wandb_run[1] for item in (*record.run.config.update, *record.config.update))
    record = json.loads((main_job[0] / "run.json").read_text())
    assert config["commit"] == record["commit"] and config["command"].split() == record["command"]


def test_the_run_says_in_one_line_how_to_sync(main_job, wandb_run):
    lines = [line for line in (main_job[1].stdout + main_job[1].stderr).splitlines() if "wandb" in line.lower()]
    assert len(lines) == 1 and lines[0].startswith("W&B is offline; upload this run later with: wandb sync ")
    assert glob.glob(lines[0].split("wandb sync ")[1]) == [str(wandb_run[0])]  # as the shell does


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="logger.wandb.mode=on: choose auto, online"):
        wandb_logger(folder=str(tmp_path), project="sr", mode="on")


@pytest.fixture
def silent_server(monkeypatch):
    """A server that takes connections and never answers, as behind some firewalls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


@pytest.mark.parametrize(
    "key, netrc, mode", [("", "", "offline"), ("k" * 40, "", "online"), ("", "machine 127.0.0.1", "online")]
)
def test_auto_is_online_where_the_user_is_logged_in(tmp_path, monkeypatch, silent_server, key, netrc, mode):
    (tmp_path / "netrc").write_text(netrc and f"{netrc} login user password {'k' * 40}\n")
    (tmp_path / "netrc").chmod(0o600)
    for name, value in {"NETRC": tmp_path / "netrc", "WANDB_API_KEY": key, "WANDB_MODE": ""}.items():
        monkeypatch.setenv(name, str(value))
    assert possible("auto") == mode
    assert possible("auto", private=True) == "offline"
    assert possible("online", private=True) == "online"  # asked for
    monkeypatch.setenv("WANDB_MODE", "online")  # for all runs of a user
    assert (possible("auto"), possible("auto", private=True)) == ("online", "offline")


def test_online_becomes_offline_where_no_server_answers(monkeypatch, silent_server):
    assert possible("online") == "online"
    silent_server.close()
    assert possible("online") == "offline"


@pytest.mark.slow
def test_a_silent_server_costs_half_a_minute_and_no_run(tmp_path, monkeypatch, silent_server, capsys):
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    start = time.monotonic()
    logger = wandb_logger(folder=str(tmp_path), project="sr", mode="online")
    logger.log_metrics({"loss": 1.0}, 1)
    finish_wandb()
    assert time.monotonic() - start < 60
    assert "is unreachable or refused the run" in capsys.readouterr().out
    assert len(glob.glob(f"{tmp_path}/wandb/offline-run-*/run-*.wandb")) == 1
