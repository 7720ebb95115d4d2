"""A run on clips: trained frame by frame, validated, tested, resumed bit for bit, tested again by test.py."""

import json
import warnings

import pytest
import torch
from PIL import Image

from sr.cli.test import test as run_test
from sr.cli.train import train
from sr.errors import InputError
from tests.clips import moving, write_frames
from tests.jobs import compose, run_script
from tests.run.test_resume import assert_equal

pytestmark = pytest.mark.medium  # a run of seconds is behind each
SHORT = (
    "data=clips",
    "data.frames=3",
    "data.patch_size=8",
    "data.batch_size=2",
    "network.n_feats=4",
    "network.n_blocks=1",
    "augmentation=[flip,turn,reverse]",
    "benchmark=[clips]",
    "metric=[psnr,ssim]",
    "schedule=constant",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.val_check_interval=2",
    "trainer.log_every_n_steps=2",
    "logger=csv",
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """(words, folder) of a run of 4 steps on two clips, in folder/run."""
    folder = tmp_path_factory.mktemp("video")
    for name, photo in (("a", "chelsea"), ("b", "ihc"), ("c", "brick")):
        write_frames(folder / "train" / name, moving(photo, 5))
    write_frames(folder / "hr" / "d", moving("motorcycle_left", 4))
    words = [*SHORT, f"data.train={folder}/train", f"benchmark.clips.hr={folder}/hr", f"data_dir={folder}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(compose("train", *words, "trainer.max_steps=4", f"output_dir={folder}/run"))
    return words, folder


def test_trained_validated_and_tested(job):
    _, folder = job
    results = json.loads((folder / "run" / "metrics.json").read_text())["clips"]
    assert list(results) == ["psnr", "ssim", "bicubic", "images", "frames", "degraded"]
    each = results["frames"]["d"]["psnr"]
    assert len(each) == 4 and results["psnr"] == results["images"]["d"]["psnr"] == pytest.approx(sum(each) / 4)
    assert results["bicubic"]["psnr"] > 20 and results["degraded"]["target"] == "all frames"
    table = (folder / "run" / "table.md").read_text()
    assert "clips (1 clip)" in table and "border 0" in table and "frames" not in table.splitlines()[0]


def test_pictures_are_strips_that_play_and_slices_through_time(job):
    images = job[1] / "run" / "images"
    with Image.open(images / "test" / "clips_d.webp") as strip:
        assert strip.n_frames == 4
    with Image.open(images / "test" / "clips_d_xt.png") as slices:
        assert slices.width == strip.width
    assert (images / "degradation.png").is_file() and list(images.glob("step_000004/split_*.webp"))


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


def test_test_py_measures_the_same_and_steadiness(job, tmp_path):
    _, folder = job
    ckpt = f"ckpt={folder}/run/checkpoints/best.ckpt"
    words = [ckpt, f"output_dir={tmp_path}", f"data_dir={folder}", "metric=[psnr,ssim,warping_error,tof]"]
    run_test(compose("test", *words))
    again, before = (json.loads((place / "metrics.json").read_text())["clips"] for place in (tmp_path, folder / "run"))
    assert again["psnr"] == before["psnr"] and again["frames"]["d"]["psnr"] == before["frames"]["d"]["psnr"]
    assert again["warping_error"] > 0 and again["tof"] > 0 and again["hr"]["warping_error"] > 0
    assert {"warping_error", "tof"} <= again["bicubic"].keys()
    with pytest.raises(InputError, match="^metric=tof is for clips, but sample has pictures: remove it"):
        run_test(compose("test", ckpt, f"output_dir={tmp_path}/b", "benchmark=[sample]", "metric=[tof]", f"data_dir={folder}"))


@pytest.mark.slow
def test_a_report_of_runs_on_clips(job, tmp_path):
    done = run_script("report.py", f"runs={job[1]}/run", f"output={tmp_path}/report", "latency=16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| bicubic" in done.stdout and "No pictures" not in done.stdout
    assert "data:image" in (tmp_path / "report" / "report.html").read_text()
