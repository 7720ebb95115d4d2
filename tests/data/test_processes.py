"""Real processes over gloo: neither results nor batches depend on their number."""

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.jobs import SMALL, call
from tests.logger.records import artifacts, wandb_records


@pytest.mark.slow
def test_results_are_the_same_on_1_2_and_4_processes(tmp_path):
    """Three photos: on two processes the shares differ in size, on four there is one image too few."""
    words = ("network=interpolation_bicubic", "scale=2", "ckpt=null", "benchmark=[sample]", "trainer.accelerator=cpu")
    results = []
    for processes in (1, 2, 4):
        done = call("test.py", *words, f"trainer.devices={processes}", f"output_dir=on{processes}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        results.append(json.loads((tmp_path / f"on{processes}" / "metrics.json").read_text()))
    assert results[0] == results[1] == results[2]
    assert len(results[0]["sample"]["images"]) == 3


def scores(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def table_of(folder: Path) -> list[list]:
    """Rows of W&B's table of test images."""
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    (table,) = [artifact for artifact in artifacts(wandb_records(file)) if artifact.type == "run_table"]
    files = {entry.path: Path(entry.local_path) for entry in table.manifest.contents}
    return json.loads(files["test/images.table.json"].read_text())["data"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("limit", ["2", "0.7"])
def test_limits_and_pictures_are_of_the_sets_not_of_each_process(tmp_path, limit):
    """Two of three photos: validated, tested and shown, on one process and on two."""
    words = [*SMALL, "trainer.max_steps=4", f"trainer.limit_val_batches={limit}", f"trainer.limit_test_batches={limit}"]
    words += ["data_dir=data", "logger=[tensorboard,wandb]"]
    found = []
    for processes in (1, 2):
        done = call("train.py", *words, f"trainer.devices={processes}", f"output_dir=on{processes}", cwd=tmp_path, timeout=280)
        assert done.returncode == 0, done.stderr
        assert "/2 [" in done.stderr and "/3 [" not in done.stderr  # the bars of images count them too
        folder = tmp_path / f"on{processes}"
        events = EventAccumulator(str(folder / "tensorboard"))
        events.Reload()
        pictures = {file.relative_to(folder).as_posix() for file in (folder / "images").rglob("*.png")}
        found.append((scores(folder)["sample"], pictures, set(events.Tags()["images"])))
        assert all(None not in row for row in table_of(folder)) and len(table_of(folder)) == 2  # W&B's table has all pictures
    (one, pictures, events), (two, others, their_events) = found
    assert one["images"].keys() == two["images"].keys() == {"astronaut", "coffee"}
    assert two["psnr"] == pytest.approx(one["psnr"], abs=1e-3)  # gradients are summed in another order
    validated = {f"images/step_000004/split_{name}.png" for name in ("moon", "motorcycle_right")}
    assert pictures == others == validated | {f"images/test/sample_{name}.png" for name in one["images"]}
    assert events == their_events


@pytest.mark.slow
def test_three_processes_and_two_images(tmp_path):
    """The third process has no image of its own; nothing waits for it for ever, and none counts twice."""
    words = (*SMALL, "trainer.max_steps=3", "trainer.devices=3", "data.batch_size=3", "model.ema=0.5", "data_dir=data")
    limits = ("trainer.limit_val_batches=2", "trainer.limit_test_batches=2", "trainer.val_check_interval=1")
    done = call("train.py", *words, *limits, "output_dir=run", cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stderr
    found = scores(tmp_path / "run")["sample"]
    assert found["images"].keys() == {"astronaut", "coffee"}
    assert found["psnr"] == pytest.approx(sum(image["psnr"] for image in found["images"].values()) / 2, abs=1e-9)
