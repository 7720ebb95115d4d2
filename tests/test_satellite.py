"""experiment=sentinel2 and landsat8_pan on their real tiles, shrunk: training, test, pictures, and then predict.py."""

import json

import numpy as np
import pytest
import rasterio
import torch

from sr.cli.predict import predict
from tests.image.geotiffs import SENTINEL2
from tests.jobs import compose, run_train

pytestmark = pytest.mark.medium


@pytest.fixture(scope="module", params=["sentinel2", "landsat8_pan"])
def run(request, sr_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if not (sr_data / "domains" / "satellite").is_dir():
        pytest.skip(f"no satellite tiles in {sr_data}")
    (folder / "domains").mkdir()
    (folder / "domains" / "satellite").symlink_to(sr_data / "domains" / "satellite")
    words = [f"experiment={request.param}", f"data_dir={folder}", f"data.cache_dir={folder}/cache", f"output_dir={folder}/run"]
    metrics = ["psnr", "consistency"] if request.param == "landsat8_pan" else ["psnr", "sam", "ergas", "consistency"]
    run_train(*words, f"metric=[{','.join(metrics)}]", "trainer.max_steps=2", "trainer.val_check_interval=2")
    return request.param, metrics, folder / "run"


def test_trained_and_tested_on_another_block(run):
    name, metrics, folder = run
    results = json.loads((folder / "metrics.json").read_text())[name]
    assert set(metrics) <= results.keys() and 35 < results["bicubic"]["psnr"] < 50
    assert results["bicubic"]["consistency"] < 0.5
    assert list((folder / "images").rglob("*/*.png"))
    records = json.loads((folder / "metric_records.json").read_text()) if (folder / "metric_records.json").exists() else {}
    assert all(record["higher_is_better"] == (key == "psnr") for key, record in records.items())


def test_predict_takes_the_kind_from_the_checkpoint(run, tmp_path):
    name, _, folder = run
    ckpt = folder / "checkpoints" / "best.ckpt"
    bands = {"sentinel2": 6, "landsat8_pan": 1}[name]
    assert torch.load(ckpt, weights_only=True)["sr"]["config"]["image"]["bands"] == bands
    words = [f"ckpt={ckpt}", f"input={SENTINEL2}", f"output={tmp_path}/sr.tif", "device=cpu"]
    if name == "landsat8_pan":
        with pytest.raises(SystemExit):
            predict(compose("predict", *words))
        return
    predict(compose("predict", *words))
    with rasterio.open(SENTINEL2) as lr, rasterio.open(tmp_path / "sr.tif") as sr:
        assert (sr.crs, sr.bounds, sr.descriptions, sr.dtypes) == (lr.crs, lr.bounds, lr.descriptions, lr.dtypes)
        assert sr.shape == (128, 128) and np.isfinite(sr.read()).all()
