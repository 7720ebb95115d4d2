"""experiment=ct_slices and mri_slices on their real series, shrunk; nothing of a patient is in what a run writes."""

import json
import os
import re
import zlib

import numpy as np
import pydicom
import pytest
import torch

from sr.cli.predict import predict
from sr.errors import InputError
from sr.image.kind import of
from sr.report.make import report
from tests.image.dicoms import NAME, PATIENT, ROOT, series
from tests.jobs import compose, run_train

pytestmark = pytest.mark.medium
STEPS = ("trainer.max_steps=2", "trainer.val_check_interval=2", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1")


@pytest.fixture(scope="module", params=["ct_slices", "mri_slices"])
def run(request, sr_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if not (sr_data / "domains" / "medical" / "ct_head_dicom").is_dir():
        pytest.skip(f"no series in {sr_data}")
    (folder / "domains").mkdir()
    (folder / "domains" / "medical").symlink_to(sr_data / "domains" / "medical")
    run_train(f"experiment={request.param}", f"data_dir={folder}", *STEPS, f"output_dir={folder}/run")
    return request.param, folder


def test_recipes(run, tmp_path):
    name, folder = run
    results = json.loads((folder / "run" / "metrics.json").read_text())["slices"]
    assert 25 < results["bicubic"]["psnr"] < 60 and list(results["images"])[0].startswith("series1_slice0")
    ckpt = folder / "run" / "checkpoints" / "best.ckpt"
    kind = of(torch.load(ckpt, weights_only=True)["sr"]["config"]["image"], ckpt)
    assert kind.private and kind.window == ((-160, 240) if name == "ct_slices" else None)
    source = next((folder / "domains" / "medical" / ("ct_head_dicom" if name == "ct_slices" else "mri_t1_dicom")).iterdir())
    words = [f"image={kind.name}", "image.private=false"]  # which does not contradict the checkpoint
    predict(compose("predict", f"ckpt={ckpt}", f"input={source}", f"output={tmp_path}/sr.dcm", "device=cpu", *words))
    before, after = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "sr.dcm")
    assert (after.Rows, after.Columns) == (2 * before.Rows, 2 * before.Columns) and after.PatientID == before.PatientID
    lr, sr = before.pixel_array.astype(float), after.pixel_array.astype(float)
    assert np.corrcoef(lr.ravel(), sr.reshape(len(lr), 2, -1, 2).mean((1, 3)).ravel())[0, 1] > 0.98
    with pytest.raises(InputError, match="image=xray, but .* was trained with image="):
        predict(compose("predict", f"ckpt={ckpt}", f"input={source}", f"output={tmp_path}/b.dcm", "image=xray"))


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """A run with all loggers on invented patients: (folder of the run, its files)."""
    folder = tmp_path_factory.mktemp("private")
    for n in range(3):
        series(folder / "in" / str(n), 4, PatientID=f"{PATIENT}-{n}", SeriesInstanceUID=f"{ROOT}.8.{n}", spacing=3.0)
    words = ["image=ct", "data=slices", "benchmark=[slices]", "logger=[wandb,tensorboard]", *STEPS[:2], "data.patch_size=8"]
    paths = [f"data.train.path={folder}/in", f"benchmark.slices.path={folder}/in", f"data.cache_dir={folder}/cache"]
    before = {key: os.environ.pop(key, None) for key in ("WANDB_MODE", "WANDB_API_KEY")}
    try:
        run_train(*words, *paths, f"output_dir={folder}/run")
    finally:
        os.environ.update({key: value for key, value in before.items() if value is not None})
    report([str(folder / "run")], folder / "run" / "report", latency=None)
    return folder, [file for file in (folder / "run").rglob("*") if file.is_file() and not file.is_symlink()]


def test_nothing_of_headers_is_in_a_run(patients):
    """Names, IDs and UIDs, in any file, also inside compressed parts of PNG and zip."""
    folder, files = patients
    secrets = [NAME, NAME.split("^")[0], PATIENT, ROOT]
    assert len(files) > 10 and any("wandb" in str(file) for file in files)
    assert (folder / "in" / "0" / "s001.dcm").read_bytes().count(PATIENT.encode()) == 1  # so that searching finds it
    for file in files:
        data = file.read_bytes()
        starts = [found.start() for found in re.finditer(rb"\x78[\x01\x9c\xda\x5e]", data)]  # of zlib
        data += b"".join(filter(None, (_inflated(data[start:]) for start in starts)))
        for secret in secrets:
            assert secret.encode() not in data and secret.encode("utf-16-le") not in data, (file, secret)


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data[:100_000])
    except zlib.error:
        return None


def test_no_pixels_are_in_logs_and_reports(patients):
    """Pictures stay in images/ of the run: none is in W&B's folder, the events of TensorBoard or the report."""
    folder, files = patients
    assert [file for file in files if file.suffix == ".png" and "images" in file.parts]
    images, plots = folder / "run" / "images", folder / "run" / "report"  # plots are of scores
    png = [file for file in files if b"\x89PNG" in file.read_bytes()]
    assert [file for file in png if not {images, plots} & {*file.parents}] == []
    assert json.loads((plots / "report.json").read_text())["strips"] == []
    assert "data:image" not in (plots / "report.html").read_text()
    assert "Pictures of slices are of patients" in (plots / "table.md").read_text()
    assert any(file.name.startswith("run-") and "offline" in str(file) for file in files)  # W&B was offline


def test_pictures_reach_wandb_if_asked(patients, tmp_path, monkeypatch):
    folder, _ = patients
    monkeypatch.setenv("WANDB_MODE", "offline")
    words = ["image=ct", "data=slices", "benchmark=[slices]", "logger=[wandb]", "logger.wandb.pictures=true", *STEPS]
    paths = [f"data.train.path={folder}/in", f"benchmark.slices.path={folder}/in", f"data.cache_dir={folder}/cache"]
    run_train(*words, *paths, "data.patch_size=8", f"output_dir={tmp_path}/run")
    assert [file for file in (tmp_path / "run" / "wandb").rglob("*.png") if "media" in file.parts]
    report([str(tmp_path / "run")], tmp_path / "report", latency=None)
    assert json.loads((tmp_path / "report" / "report.json").read_text())["strips"]
    assert "data:image" in (tmp_path / "report" / "report.html").read_text()
