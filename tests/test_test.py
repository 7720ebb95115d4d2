"""test.py from the command line: a checkpoint needs nothing else."""

import json
import os
import signal
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

import sr
from sr.cli.test import test as run_test
from sr.weights import checkpoint
from tests.jobs import call, command, compose, environment, run_script

ONE = ("trainer.limit_test_batches=1", "metric=[psnr]")


def evaluate(*words):
    run_test(compose("test", "trainer.accelerator=cpu", *words))


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_a_checkpoint_alone_gives_the_numbers_of_its_run(main_job, best, tmp_path):
    done = run_script("test.py", f"ckpt={best}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs" / "test").iterdir()
    assert metrics(folder) == metrics(main_job[0])
    assert done.stdout.startswith((main_job[0] / "table.md").read_text())
    assert len(list((folder / "images" / "test").iterdir())) == 3
    assert "Traceback" not in done.stderr


def test_a_moved_checkpoint_needs_nothing_of_its_run(best, tmp_path):
    moved = tmp_path / "moved = here.ckpt"
    moved.write_bytes(best.read_bytes())
    evaluate(f"ckpt='{moved}'", *ONE, f"output_dir={tmp_path}/out", f"data_dir={tmp_path}")
    assert metrics(tmp_path / "out")["sample"]["psnr"] > 10
    assert json.loads((tmp_path / "out" / "metric_records.json").read_text())["psnr"]["channel"] == "y"


def test_another_benchmark(best, sr_data, tmp_path):
    evaluate(f"ckpt={best}", "benchmark=[set5]", f"data_dir={sr_data}", f"output_dir={tmp_path}")
    scores = metrics(tmp_path)["set5"]
    assert scores["images"].keys() == {"baby", "bird", "butterfly", "head", "woman"}
    assert scores["bicubic"]["psnr"] == pytest.approx(33.67, abs=0.01)  # design.md: bicubic on Set5 x2
    assert scores["bicubic"]["ssim"] == pytest.approx(0.9303, abs=0.0005)


def test_a_folder_of_ones_own(best, tmp_path):
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (31, 45, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "noise.png")
    words = ["benchmark=folder", f"benchmark.folder.hr={tmp_path}/photos", f"output_dir={tmp_path}/out"]
    evaluate(f"ckpt={best}", *words)
    assert metrics(tmp_path / "out")["folder"]["images"].keys() == {"noise"}


def test_a_classical_method_without_a_checkpoint(tmp_path):
    evaluate("network=interpolation_bicubic", "scale=2", "ckpt=null", "benchmark=[sample]", *ONE, f"output_dir={tmp_path}")
    scores = metrics(tmp_path)["sample"]
    assert scores["psnr"] == pytest.approx(scores["bicubic"]["psnr"], abs=0.01)  # whose first pass is rounded to uint8


def test_a_released_file_is_called_by_its_name(best, sr_data, tmp_path, capsys):
    words = [f"output_dir={tmp_path}", "benchmark=[sample]", *ONE]
    evaluate(f"ckpt={sr_data}/weights/fsrcnn_x2.pth", "scale=2", *words)
    assert " fsrcnn_x2 " in capsys.readouterr().out
    evaluate(f"ckpt=[{best},{best}]", "alpha=0.5", *words)
    assert " compact + compact " in capsys.readouterr().out


@pytest.mark.slow
def test_weights_without_a_config(best, tmp_path, main_job):
    """A release's .pth holds tensors alone; network=... and scale=... say what they belong to."""
    torch.save({"params": sr.load(best).state_dict()}, tmp_path / "weights.pth")
    words = ["network=compact_light", "network.n_feats=8", "network.n_blocks=1", "scale=2", "benchmark=[sample]"]
    evaluate(f"ckpt={tmp_path}/weights.pth", *words, f"output_dir={tmp_path}/out")
    assert metrics(tmp_path / "out") == metrics(main_job[0])


@pytest.mark.parametrize(
    "words, message",
    [
        (["scale=3"], "is for scale 2"),
        (["ckpt=null", "benchmark=[sample]"], "pass ckpt=FILE"),
        (["network=compact_light"], "pass scale=N together with network=NAME"),
        (["network=edsr_baseline", "scale=2", "benchmark=[sample]"], "does not fit EDSR"),
        (["trainer.limit_test_batches=0"], "no images to measure: trainer.limit_test_batches=0"),
    ],
)
def test_what_does_not_fit_is_refused(best, tmp_path, words, message):
    with pytest.raises(ValueError, match=message):
        evaluate(f"ckpt={best}", *words, f"output_dir={tmp_path}/out")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_have_no_score(best, tmp_path):
    """Of a release they are refused when they are loaded; our own are loaded as they are."""
    content = torch.load(best)
    for tensor in content["state_dict"].values():
        tensor.fill_(torch.nan)
    torch.save(content, tmp_path / "broken.ckpt")
    torch.save({"params": checkpoint.weights(content)}, tmp_path / "broken.pth")
    with pytest.raises(FloatingPointError, match=r"^sample/\w+: the network returns NaN or infinite pixels"):
        evaluate(f"ckpt={tmp_path}/broken.ckpt", "benchmark=[sample]", f"output_dir={tmp_path}/out")
    words = ["network=compact_light", "network.n_feats=8", "network.n_blocks=1", "scale=2", "benchmark=[sample]"]
    for named in ([], words):
        with pytest.raises(
            FloatingPointError, match=r"broken.pth: the network returns NaN or infinite pixels for a photograph"
        ):
            evaluate(f"ckpt={tmp_path}/broken.pth", *named, f"output_dir={tmp_path}/out")


def left_in(home):
    """What a run left, apart from the caches of libraries: the folder is HOME too."""
    return [path for path in home.iterdir() if path.name not in (".cache", ".config")]


@pytest.mark.slow
def test_a_failure_leaves_no_folder(tmp_path):
    done = call("test.py", "ckpt=nowhere.ckpt", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == "error: nowhere.ckpt: no such checkpoint\n"
    assert not left_in(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_one_line(number, tmp_path):
    words = ("network=edsr", "scale=4", "ckpt=null", "benchmark=[sample]", "trainer.accelerator=cpu", f"data_dir={tmp_path}")
    options = {"cwd": tmp_path, "env": environment(tmp_path), "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command("test.py", *words), start_new_session=True, **options) as job:
        said = ""
        while "test:" not in said and job.poll() is None:
            said += job.stderr.read(1)
        os.killpg(job.pid, number)  # as a terminal and SLURM do: the DataLoader's workers get it too
        said = job.stderr.read()
    assert job.returncode == 128 + number
    assert said.splitlines()[-1] == "stopped" and "Traceback" not in said
    assert not left_in(tmp_path)


def test_predict_upscales_a_photo_with_it(best, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 33, 3), np.uint8)).save(tmp_path / "photo.png")
    done = run_script("predict.py", f"ckpt={best}", "input=photo.png", "output=large", "device=cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "large" / "photo.png").size == (66, 40)


def test_load_gives_a_notebook_the_network(best):
    network = sr.load(best)
    assert not network.training and network.scale == 2
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 8, 9)).shape == (1, 3, 16, 18)
    stored = checkpoint.read(best)["state_dict"]
    assert all(torch.equal(value, stored[f"network.{key}"]) for key, value in network.state_dict().items())
