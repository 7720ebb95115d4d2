"""predict.py: its words, exit codes and Ctrl-C."""

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from sr.cli.predict import predict
from sr.image.file import read, read_rgb8, to_pixels, to_tensor
from sr.infer.upscaler import upscale
from sr.network.compact import Compact
from sr.weights import checkpoint
from tests.jobs import call, command, compose, environment
from tests.predict.jobs import SKIMAGE

WORDS = ["network=interpolation_bicubic", "scale=2", "ckpt=null", "device=cpu"]


@pytest.mark.slow
def test_the_exit_code_tells_that_files_failed(photos):
    done = call("predict.py", *WORDS, "input=photos", "output=out", "suffix=_x2", cwd=Path.cwd())
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "2 failed" in done.stdout.splitlines()[-1] and Path("out/trip/c_x2.png").is_file()


def test_options(photos, capsys):
    words = ["input=photos/a.png", "output=half.tif", "outscale=1.5", "precision=bf16", "batch=2", "alpha_upscale=network"]
    predict(compose("predict", *WORDS, *words))
    assert capsys.readouterr().out.splitlines() == ["1 written, 0 skipped (existing), 0 failed"]
    assert read("half.tif").pixels.shape == (62, 94, 3)


@pytest.mark.parametrize(
    "words, line",
    [
        (["outscale=abc"], "outscale=abc: .* expects float or null"),
        (["overlap=null"], "overlap=None: .* expects int"),
        (["overlap=1.5"], "overlap=1.5: .* expects int"),
        (["ensemble=maybe"], "ensemble=maybe: .* expects bool"),
        (["overwrite=flase"], "overwrite=flase: .* expects bool"),  # a file is at stake
        (["compare=yess"], "compare=yess: choose true or false"),
        (["compare=true", "degrade=treu"], "degrade=treu: .* expects bool"),
        (["degrade=true"], "degrade=... needs compare=true"),
        (["reference=photos/a.png"], "reference=... needs compare=true"),
        (["scale=null"], "pass scale=N together with network=NAME"),
        (["~network"], "pass ckpt=FILE"),
        (["~network", "ckpt=[a.pth,b.pth]", "alpha=half"], "a.pth: no such checkpoint"),
    ],
)
def test_words_that_make_no_sense_are_named(photos, words, line):
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"mine")
    words = [*WORDS, "input=photos/a.png", "output=out", *words]
    words = [word for word in words[1:] if word != "~network"] if "~network" in words else words
    with pytest.raises((ValueError, FileNotFoundError), match=line):
        predict(compose("predict", *words))
    assert [file.name for file in Path("out").iterdir()] == ["a.png"] and Path("out/a.png").read_bytes() == b"mine"


def test_a_checkpoint_of_ours(photos):
    network = Compact(scale=3, n_feats=4, n_blocks=1).eval()
    spec = {"_target_": "sr.network.compact.Compact", "scale": 3, "n_feats": 4, "n_blocks": 1}
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    checkpoint.write({"sr": {"network": spec}, "state_dict": state}, "best.ckpt")
    predict(compose("predict", "ckpt=best.ckpt", "input=photos/a.png", "output=large.png", "device=cpu"))
    expected = to_pixels(upscale(network, to_tensor(read_rgb8("photos/a.png")))).astype(int)
    assert np.abs(read("large.png").pixels - expected).max() <= 1  # one thread or two


@pytest.mark.slow
def test_ctrl_c_leaves_whole_files_only(photos):
    for i in range(40):
        PIL.Image.open(SKIMAGE / "chelsea.png").save(f"photos/x{i}.png")
    words = command("predict.py", *WORDS, "input=photos", "output=out")
    job = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment(Path.cwd()))
    while job.poll() is None and not list(Path("out").glob("x*.png")):
        time.sleep(0.01)
    job.send_signal(signal.SIGINT)
    _, err = job.communicate(timeout=60)
    assert job.returncode == 130 and "Traceback" not in err
    written = list(Path("out").rglob("*"))
    assert 0 < len(written) < 40
    for file in written:
        assert not file.name.startswith(".")
        if file.is_file():
            read(file)
