"""A run on bursts: trained, validated, tested, resumed bit for bit, and measured over numbers of frames."""

import json
import warnings

import pytest
import torch
from PIL import Image

from sr import build
from sr.cli.test import test as run_test
from sr.errors import InputError
from sr.image.file import to_pixels
from tests.bursts import photo
from tests.jobs import compose, run_script, run_train

pytestmark = pytest.mark.medium  # a run of seconds is behind each
WORDS = (
    "model=burst_fusion",
    "schedule=constant",
    "degradation.burst.frames=[1,3]",
    "data.batch_size=2",
    "trainer.val_check_interval=2",
    "validation=[bursts]",
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """(words, folder) of a run of 4 steps, in folder/run."""
    folder = tmp_path_factory.mktemp("bursts")
    (folder / "hr").mkdir()
    Image.fromarray(to_pixels(photo(64))).save(folder / "hr" / "face.png")
    words = [*WORDS, f"benchmark.bursts.hr={folder}/hr", f"validation.bursts.hr={folder}/hr"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_train(*words, "trainer.max_steps=4", f"output_dir={folder}/run")
    return words, folder


def test_trained_and_measured_beside_classical_fusion(job):
    _, folder = job
    results = json.loads((folder / "run" / "metrics.json").read_text())["bursts"]
    assert list(results) == ["psnr", "bicubic", "shift_and_add", "back_projection", "images", "degraded"]
    assert results["bicubic"]["psnr"] < results["shift_and_add"]["psnr"] < results["back_projection"]["psnr"]
    assert results["degraded"]["target"] == "HR as in the file, from 3 frames"
    pictures = {file.relative_to(folder / "run" / "images").as_posix() for file in (folder / "run").rglob("*.png")}
    assert {"degradation.png", "test/bursts_face.png", "step_000002/bursts_face.png"} <= pictures


def test_resume_equals_never_having_stopped(job):
    words, folder = job
    run_train(*words, "trainer.max_steps=2", f"output_dir={folder}/half")
    done = run_script("train.py", f"resume={folder}/half/checkpoints/last.ckpt", "trainer.max_steps=4", cwd=folder)
    assert done.returncode == 0, done.stderr
    one, other = (
        torch.load(folder / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for name in ("run", "half")
    )
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_quality_over_numbers_of_frames_in_one_table(job, capsys):
    _, folder = job
    words = [f"ckpt={folder}/run/checkpoints/last.ckpt", "benchmark=[bursts]", f"benchmark.bursts.hr={folder}/hr"]
    words += ["benchmark.bursts.frames=[1,2,5]", "degradation=[burst,bicubic]", "metric=[psnr]", f"output_dir={folder}/test"]
    run_test(compose("test", *words))
    results = json.loads((folder / "test" / "metrics.json").read_text())
    assert list(results) == ["bursts_1", "bursts_2", "bursts_5"] and "bursts_5 (1)" in capsys.readouterr().out
    added = [scores["shift_and_add"]["psnr"] for scores in results.values()]
    assert added == sorted(added) and added[0] == pytest.approx(results["bursts_1"]["bicubic"]["psnr"], abs=0.05)


def test_a_network_for_pictures_gets_the_first_frame(job):
    words, folder = job
    run_train("model=compact", "degradation=[burst,bicubic]", "benchmark=[bursts]", *words[1:], f"output_dir={folder}/single",
              "trainer.max_steps=2")  # fmt: skip
    assert json.loads((folder / "single" / "metrics.json").read_text())["bursts"]["shift_and_add"]["psnr"] > 0
    with pytest.raises(InputError, match=r"^BurstFusion is for bursts, but data=.* has clips: pass data=folder"):
        build.network(compose("train", "model=burst_fusion", "data=clips", "data.train=x"))
    with pytest.raises(InputError, match=r"augmentation=mixup is for pictures: .* pass augmentation=\[flip,turn\]"):
        run_train(*words, "augmentation=[mixup]", f"output_dir={folder}/mixed")
