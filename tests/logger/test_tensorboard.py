"""What a run leaves for TensorBoard, read by TensorBoard."""

import json

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.logger.records import TRAIN, VAL


@pytest.mark.slow
def test_tensorboard_has_the_same(main_job):
    events = EventAccumulator(str(main_job[0] / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) >= TRAIN | VAL
    assert [event.step for event in events.Scalars("train/l1")] == [2, 4, 6, 8]
    reported = {f"test/sample_{name}" for name in ("astronaut", "coffee", "rocket")}
    assert {"val/split_moon", "val/split_motorcycle_right", *reported} <= set(events.Tags()["images"])
    assert [event.step for event in events.Images("val/split_moon")] == [4, 8]
    results = json.loads((main_job[0] / "metrics.json").read_text())
    assert events.Scalars("test/sample/psnr")[-1].value == pytest.approx(results["sample"]["psnr"], rel=1e-6)


@pytest.mark.slow
def test_tensorboard_has_the_config(main_job):
    (file,) = (main_job[0] / "tensorboard").rglob("hparams.yaml")
    assert yaml.safe_load(file.read_text())["network"]["n_feats"] == 8
