"""A run on volumes: trained, validated, tested, resumed bit for bit, tested again by test.py, and used by predict.py."""

import json
import re
import warnings

import numpy as np
import pytest
import torch

import sr
from sr import build
from sr.cli.predict import predict
from sr.cli.test import test as run_test
from sr.cli.train import train
from sr.errors import InputError
from sr.functional.volume import interpolated
from sr.infer.volume import upscale_volume
from tests.jobs import compose, run_script
from tests.run.test_resume import assert_equal
from tests.volumes import write_brain

nibabel = pytest.importorskip("nibabel")
pytestmark = pytest.mark.medium  # a run of seconds is behind each
SHORT = (
    "network.n_feats=4",
    "network.n_blocks=1",
    "data.batch_size=2",
    "data.patch_size=[4,8,8]",
    "schedule=constant",
    "trainer.accelerator=cpu",
    "trainer.val_check_interval=2",
    "trainer.log_every_n_steps=2",
    "logger=csv",
)


@pytest.fixture(scope="module")
def job(sr_data, tmp_path_factory):
    """(words, folder) of a run of 4 steps on two volumes, in folder/run."""
    folder = tmp_path_factory.mktemp("mri")
    write_brain(sr_data, folder / "train" / "a.nii.gz", (24, 24, 20))
    write_brain(sr_data, folder / "train" / "b.nii.gz", (22, 20, 24))
    write_brain(sr_data, folder / "hr" / "c.nii.gz", (26, 22, 24))
    words = ["model=edsr3d", *SHORT, f"data.train={folder}/train", f"benchmark.volumes.hr={folder}/hr", f"data_dir={folder}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(compose("train", *words, "trainer.max_steps=4", f"output_dir={folder}/run"))
    return words, folder


def test_trained_validated_and_tested(job):
    _, folder = job
    results = json.loads((folder / "run" / "metrics.json").read_text())["volumes"]
    assert list(results) == ["psnr_volume", "ssim_volume", "trilinear", "bspline", "images", "degraded"]
    assert results["psnr_volume"] > 20 and results["bspline"]["psnr_volume"] > results["trilinear"]["psnr_volume"] > 20
    assert results["degraded"]["pipeline"] == "slice_profile" and results["degraded"]["stages"] == "gaussian, thickness 1"
    table = (folder / "run" / "table.md").read_text()
    assert all(word in table for word in ("| trilinear", "| bspline", "| difference", "psnr_volume"))
    pictures = sorted(file.relative_to(folder / "run" / "images").as_posix() for file in (folder / "run").rglob("*.png"))
    assert "degradation.png" in pictures and "test/volumes_c.png" in pictures and "step_000004/split_" in "".join(pictures)


def test_the_baseline_is_the_interpolation_of_the_slices(job):
    """Trilinear's PSNR once more by NumPy, from the file."""
    _, folder = job
    values = nibabel.load(folder / "hr" / "c.nii.gz").get_fdata(dtype=np.float32).transpose(2, 1, 0)
    hr = (values - values.min()) / (np.percentile(values, 99.9) - values.min())
    x = np.arange(-2, 4) - 0.5
    taps = np.exp(-((x * 2.354820045 / 2) ** 2) / 2)
    padded = np.pad(hr, ((2, 2), (0, 0), (0, 0)), "symmetric")
    lr = sum(tap * padded[k : k + 25 : 2] for k, tap in enumerate(taps / taps.sum()))
    made = interpolated(torch.from_numpy(lr)[None, None], (2, 1, 1))[0, 0].numpy()
    expected = -10 * np.log10(np.mean((made - hr) ** 2, dtype=np.float64))
    results = json.loads((folder / "run" / "metrics.json").read_text())["volumes"]
    assert results["trilinear"]["psnr_volume"] == pytest.approx(expected, abs=0.01)


def test_resume_equals_never_having_stopped(job):
    words, folder = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(compose("train", *words, "trainer.max_steps=2", f"output_dir={folder}/half"))
        done = run_script("train.py", f"resume={folder}/half/checkpoints/last.ckpt", "trainer.max_steps=4", cwd=folder)
    assert done.returncode == 0, done.stderr
    half, run = (torch.load(folder / name / "checkpoints" / "last.ckpt", weights_only=True) for name in ("half", "run"))
    assert_equal(half["state_dict"], run["state_dict"])
    assert_equal(half["optimizer_states"], run["optimizer_states"])


def test_test_py_measures_the_same(job, tmp_path, capsys):
    _, folder = job
    run_test(compose("test", f"ckpt={folder}/run/checkpoints/best.ckpt", f"output_dir={tmp_path}", f"data_dir={folder}"))
    again, before = (json.loads((place / "metrics.json").read_text())["volumes"] for place in (tmp_path, folder / "run"))
    assert again == before
    assert "volumes are measured by psnr_volume, ssim_volume, not by psnr" in capsys.readouterr().out


def test_predict_py_keeps_the_geometry(job, tmp_path, capsys):
    _, folder = job
    ckpt, source = folder / "run" / "checkpoints" / "best.ckpt", folder / "hr" / "c.nii.gz"
    with pytest.raises(SystemExit) as done:
        predict(compose("predict", f"ckpt={ckpt}", f"input={folder}/hr", f"output={tmp_path}/out"))
    said = capsys.readouterr()
    assert done.value.code == 0 and "1 written, 0 skipped" in said.out
    assert "26x22x24 -> 52x22x24 voxels (D, H, W), 1x1x1 -> 0.5x1x1 mm; D is the file's axis 2" in said.err
    before, after = nibabel.load(source), nibabel.load(tmp_path / "out" / "c.nii.gz")
    assert after.shape == (24, 22, 52) and after.get_data_dtype() == np.int16 and after.dataobj.slope == 0.5
    np.testing.assert_allclose(after.affine @ (3, 4, 2 * 5 + 0.5, 1), before.affine @ (3, 4, 5, 1), atol=1e-4)
    values = before.get_fdata(dtype=np.float32).transpose(2, 1, 0)
    low, high = values.min(), np.percentile(values, 99.9)
    expected = upscale_volume(sr.load(ckpt), torch.from_numpy((values - low) / (high - low))[None, None])
    expected = expected[0, 0].numpy() * (high - low) + low
    np.testing.assert_allclose(after.get_fdata().transpose(2, 1, 0), expected, atol=0.26)  # half a step of its int16


def test_a_picture_for_a_volume_network_and_keys_of_pictures_are_refused(job, tmp_path):
    ckpt = job[1] / "run" / "checkpoints" / "best.ckpt"
    with pytest.raises(InputError, match="^outscale=3 is for pictures, but the network of .* is for volumes: remove it"):
        predict(compose("predict", f"ckpt={ckpt}", "input=x.nii", f"output={tmp_path}", "outscale=3"))
    with pytest.raises(InputError, match="^bandwise=True is for pictures"):
        predict(compose("predict", f"ckpt={ckpt}", "input=x.nii", f"output={tmp_path}", "bandwise=true"))
    with pytest.raises(InputError, match="^compare=true is for pictures, but the network of .*best.ckpt is for volumes"):
        predict(compose("predict", f"ckpt={ckpt}", "input=x.nii", f"output={tmp_path}", "compare=true"))
    with pytest.raises(InputError, match="^scale=3, but .*best.ckpt is for scale 2"):
        predict(compose("predict", f"ckpt={ckpt}", f"input={job[1]}/hr", f"output={tmp_path}", "scale=3"))
    with pytest.raises(InputError, match="^axes=isotropic, but the network was trained with axes=through_plane: remove axes"):
        run_test(compose("test", f"ckpt={ckpt}", f"output_dir={tmp_path}/test", f"data_dir={job[1]}", "axes=isotropic"))
    (tmp_path / "x.png").write_bytes(b"no volume")
    with pytest.raises(SystemExit) as done:
        predict(compose("predict", f"ckpt={ckpt}", f"input={tmp_path}/x.png", f"output={tmp_path}/out"))
    assert done.value.code == 1


def test_the_network_of_a_checkpoint_is_built_again(job):
    network = sr.load(job[1] / "run" / "checkpoints" / "best.ckpt")
    assert network.factors == (2, 1, 1) and build.is_of_volumes(
        compose("predict", f"ckpt={job[1]}/run/checkpoints/best.ckpt", "input=x", "output=y")
    )


@pytest.mark.slow
def test_a_report_of_runs_on_volumes(job, tmp_path):
    done = run_script("report.py", f"runs={job[1]}/run", f"output={tmp_path}/report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Ranked by psnr_volume, the first metric of these runs: pass metric=... for another one." in done.stdout
    assert "LR made by slice_profile (gaussian, thickness 1), seed 0" in done.stdout
    assert "Pictures of volumes are in the folder images/test of each run" in done.stdout
    results = json.loads((job[1] / "run" / "metrics.json").read_text())["volumes"]
    own, plain = (means["psnr_volume"] for means in (results, results["trilinear"]))
    assert f"{own:.2f} dB (volumes); against trilinear {own - plain:+.2f}".replace("-", "−") in done.stdout
    assert re.search(rf"\| trilinear +\| +\| (\*\*)?{plain:.2f}", done.stdout) and "bicubic" not in done.stdout
    assert "Timed on" not in done.stdout
