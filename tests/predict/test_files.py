"""sr/predict/files.py and predict.py: whole jobs on real files."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage
import torch
from torch import nn

from predict import predict
from sr.errors import UserError
from sr.functional.resize import imresize
from sr.image.file import Image, read, read_rgb8, to_pixels, to_tensor, write
from sr.infer.upscaler import upscale
from sr.network.compact import Compact
from sr.network.interpolation import Interpolation
from sr.predict.files import pick_device, predict_files
from sr.predict.plan import plan
from sr.weights import checkpoint
from tests.enlarge import enlarge
from tests.jobs import compose, small_files

ROOT = Path(__file__).resolve().parent.parent.parent
SKIMAGE = Path(skimage.__file__).parent / "data"
BICUBIC = Interpolation(scale=2)


class Tinted(nn.Module):
    """Bicubic x2 with a red tint: tells a gray result that is kept gray from one that happens to be."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        return imresize(lr, 2) * torch.tensor([1.2, 1.0, 0.8]).view(1, 3, 1, 1)


class SmallMemory(nn.Module):
    """A device on which only 100 x 100 pixels fit."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        if lr.shape[-2] * lr.shape[-1] > 100 * 100:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return imresize(lr, 2)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Three good files, one in a sub-folder, two broken ones."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "trip").mkdir(parents=True)
    chelsea = PIL.Image.open(SKIMAGE / "chelsea.png").crop((100, 50, 163, 91))
    chelsea.save("photos/a.png")
    chelsea.save("photos/b.jpg")
    chelsea.convert("L").save("photos/trip/c.png")
    Path("photos/cut.png").write_bytes(Path("photos/a.png").read_bytes()[:2000])
    Path("photos/text.jpg").write_text("no image")
    return Path("photos")


def result_names():
    return sorted(str(file.relative_to("out")) for file in Path("out").rglob("*") if file.is_file())


def test_a_folder_with_broken_files(photos, capsys):
    result = predict_files(BICUBIC, plan("photos", "out"))
    assert (result.written, result.skipped, result.failed) == (3, 0, 2)
    assert result_names() == ["a.png", "b.jpg", "trip/c.png"]
    expected = to_pixels(imresize(to_tensor(read_rgb8("photos/a.png")), 2))
    np.testing.assert_array_equal(read("out/a.png").pixels, expected)
    out, err = capsys.readouterr()
    assert out.splitlines() == ["3 written, 0 skipped (there already), 2 failed"]
    reasons = [line for line in re.split(r"[\r\n]+", err) if "cannot be read" in line]
    assert [reason.split(":")[0].strip() for reason in reasons] == ["photos/cut.png", "photos/text.jpg"]


def test_a_stopped_job_goes_on(photos):
    files = plan("photos", "out")

    class Stopped(nn.Module):
        scale, multiple_of, calls = 2, 1, 0

        def forward(self, lr):
            Stopped.calls += 1
            if Stopped.calls == 2:
                raise KeyboardInterrupt
            return imresize(lr, 2)

    with pytest.raises(KeyboardInterrupt):
        predict_files(Stopped(), files)
    assert result_names() == ["a.png"]
    before = os.stat("out/a.png")
    result = predict_files(BICUBIC, files)
    assert (result.written, result.skipped, result.failed) == (2, 1, 2)
    assert os.stat("out/a.png").st_mtime_ns == before.st_mtime_ns
    result = predict_files(BICUBIC, files, overwrite=True)
    assert (result.written, result.skipped, result.failed) == (3, 0, 2)
    assert os.stat("out/a.png").st_ino != before.st_ino


def test_what_is_kept(sr_data, tmp_path):
    samples = sr_data / "samples"
    tree = enlarge(BICUBIC, read(samples / "photos" / "tree_alpha_16bit.png"), 128)
    write(tmp_path / "tree.png", tree)
    again = read(tmp_path / "tree.png")
    assert again.pixels.shape == (512, 684, 3) and again.pixels.dtype == again.alpha.dtype == np.uint16
    assert again.icc_profile == read(samples / "photos" / "tree_alpha_16bit.png").icc_profile is not None
    alpha = read(samples / "photos" / "tree_alpha_16bit.png").alpha
    expected = imresize(torch.from_numpy(alpha.astype(np.float64))[None, None], 2).clamp(0, 65535)
    assert np.abs(again.alpha - expected[0, 0].numpy()).max() <= 0.55  # rounded; float32 against float64

    write(tmp_path / "wolf.jpg", enlarge(Tinted(), read(samples / "photos" / "wolf_gray.jpg"), None))
    assert PIL.Image.open(tmp_path / "wolf.jpg").mode == "L"
    turned = enlarge(BICUBIC, read(samples / "formats" / "hopper_orientation_6.jpg"), None)
    upright = imresize(to_tensor(read_rgb8(samples / "formats" / "hopper.png")), 2)
    assert np.abs(turned.pixels - to_pixels(upright).astype(float)).mean() < 8


def test_gray_is_the_mean_of_the_channels():
    gray = np.repeat(read_rgb8(SKIMAGE / "chelsea.png")[:20, :30, :1], 3, axis=2)
    sr = enlarge(Tinted(), Image(gray, was_gray=True), None)
    expected = to_pixels(imresize(to_tensor(gray), 2))
    assert np.abs(sr.pixels.astype(int) - expected).max() <= 1
    assert enlarge(Tinted(), Image(gray), None).pixels[..., 0].mean() > expected.mean() * 1.1


@pytest.mark.parametrize("tile", ["auto", 128, None])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("alpha_upscale", ["bicubic", "network"])
def test_tiles_shrink_until_they_fit(tmp_path, tile, batch, alpha_upscale):
    pixels = read_rgb8(SKIMAGE / "chelsea.png")
    image = Image(pixels, alpha=pixels[::-1, :, 0])
    write(tmp_path / "a.png", image)
    network, files = SmallMemory(), plan(tmp_path / "a.png", tmp_path / "out")
    assert predict_files(network, files, tile=tile, batch=batch, alpha_upscale=alpha_upscale).written == 1
    again = read(tmp_path / "out" / "a.png")
    expected = to_pixels(imresize(to_tensor(image.pixels), 2)).astype(int)
    assert np.abs(again.pixels - expected).max() <= 1
    expected = to_pixels(imresize(to_tensor(image.alpha), 2)).astype(int)
    assert np.abs(again.alpha - expected[..., 0]).max() <= 1


def test_memory_that_not_even_small_tiles_fit_into_costs_a_line(photos, capsys):
    assert predict_files(SmallMemory(), plan("photos/a.png", "out"), tile=300, overlap=80).written == 1  # 63x41 fits as it is
    write("photos/a.png", Image(read_rgb8(SKIMAGE / "chelsea.png")))
    result = predict_files(SmallMemory(), plan("photos/[ab].*", "out2"), tile=300, overlap=80)
    assert (result.written, result.failed) == (1, 1)
    assert re.search(r"photos/a\.png: out of memory, even with tiles of \d+x\d+ pixels", capsys.readouterr().err)
    assert not list(Path("out2").glob(".*"))


def test_memory_that_is_short_beside_the_network_plans_the_file_again(photos, monkeypatch, capsys):
    write("photos/a.png", Image(read_rgb8(SKIMAGE / "chelsea.png")))
    asked = []

    def empty(shape, dtype):
        asked.append(shape)
        if len(asked) == 10:
            raise MemoryError("no room for the last strip of a result that is planned whole")
        return np.empty(shape, dtype)

    monkeypatch.setattr("sr.infer.strips._empty", empty)
    result = predict_files(SmallMemory(), [(photos / "a.png", Path("a.png"))], tile=None)
    assert (result.written, result.failed) == (1, 0) and len(asked) > 10
    expected = to_pixels(imresize(to_tensor(read("photos/a.png").pixels), 2)).astype(int)
    assert np.abs(read("a.png").pixels - expected).max() <= 1


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import torch
from sr.network.compact import Compact
from sr.predict.files import predict_files
torch.set_num_threads(1)
network = Compact(scale=2, n_feats=64, n_blocks=1).eval()
network(torch.rand(1, 3, 64, 64))  # the libraries' own memory
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 600 * 2**20,) * 2)
try:
    network(torch.rand(1, 3, 1600, 1600))  # 655 MB for each layer
except RuntimeError as error:
    print(error)
print(predict_files(network, [(Path(sys.argv[1]), Path(sys.argv[2]))], tile=None).written)
"""


@pytest.mark.parametrize("instructions", ["AVX2", "DEFAULT"])  # oneDNN's, which change what its kernels take
def test_the_systems_own_out_of_memory(tmp_path, instructions):
    chelsea = read_rgb8(SKIMAGE / "chelsea.png")
    image = Image(np.tile(chelsea, (6, 4, 1))[:1600, :1600])
    write(tmp_path / "a.bmp", image)
    words = [sys.executable, "-c", LITTLE_MEMORY, tmp_path / "a.bmp", tmp_path / "b.png"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": instructions}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "can't allocate memory" in done.stdout  # it really was short
    assert done.stdout.splitlines()[-1] == "1" and read(tmp_path / "b.png").pixels.shape == (3200, 3200, 3)


def test_files_are_read_and_written_while_the_network_works(photos):
    for name in "defg":
        write(f"photos/{name}.png", read("photos/a.png"))
    threads = set()

    class Watched(nn.Module):
        scale, multiple_of = 2, 1

        def forward(self, lr):
            threads.update(thread.name.split("-")[0] for thread in threading.enumerate() if thread.is_alive())
            time.sleep(0.2)
            if len(threads) > 2 and Path("out/a.png").exists():
                threads.add("a.png was there before the last was computed")
            return imresize(lr, 2)

    result = predict_files(Watched(), plan("photos", "out"))
    assert (result.written, result.failed) == (7, 2)
    assert "a.png was there before the last was computed" in threads and "ThreadPoolExecutor" in threads
    for name in "defg":  # each under its own name
        np.testing.assert_array_equal(read(f"out/{name}.png").pixels, read("out/a.png").pixels)


def test_a_full_disk_ends_the_job_and_leaves_no_half_file(photos):
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), dtype=np.uint8)
    write("photos/c.png", Image(noise))
    with small_files(100_000), pytest.raises(OSError, match=r"out/c\.png"):
        predict_files(BICUBIC, plan("photos", "out"), tile=64)
    assert set(result_names()) <= {"a.png", "b.jpg", "trip/c.png"} and (Path("out") / "b.jpg").exists()


def test_remaining_time_goes_by_tiles_and_images(photos, capsys):
    write("photos/b.jpg", Image(read_rgb8(SKIMAGE / "chelsea.png")))

    class Slow(nn.Module):
        scale, multiple_of = 2, 1

        def forward(self, lr):
            time.sleep(0.12)
            return imresize(lr, 2)

    predict_files(Slow(), plan("photos/[ab].*", "out"), tile=128)
    shown = re.findall(r"(\d of 2), (\S+):\s+(\d+)%.*?(\d\d:\d\d)<(\d\d:\d\d|\?)", capsys.readouterr().err)
    within_the_second = [int(percent) for number, name, percent, _, _ in shown if (number, name) == ("2 of 2", "b.jpg")]
    assert len({p for p in within_the_second if 50 < p < 100}) > 5 and within_the_second[-1] == 100


def test_nan_is_refused(photos, capsys):
    class Broken(nn.Module):
        scale, multiple_of = 2, 1

        def forward(self, lr):
            return imresize(lr, 2) / 0

    assert predict_files(Broken(), plan("photos/a.png", "out")).failed == 1
    assert "photos/a.png: the network's output is NaN or infinite" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_defect_shows_its_traceback(photos):
    """What a network's own code raises is not the fault of the file."""

    class Defect(nn.Module):
        scale, multiple_of = 2, 1

        def forward(self, lr):
            a, b = lr.shape  # ValueError: too many values to unpack
            return a, b

    with pytest.raises(ValueError, match="unpack") as caught:
        predict_files(Defect(), plan("photos", "out"))
    assert not isinstance(caught.value, UserError) and result_names() == []


def test_alpha_in_jpeg_fails_for_that_file_alone(photos, capsys):
    PIL.Image.open("photos/a.png").convert("RGBA").save("photos/d.png")
    os.remove("photos/b.jpg")
    result = predict_files(BICUBIC, plan("photos/[ad].png", "out", format="jpg"))
    assert (result.written, result.failed) == (1, 1)
    assert "d.jpg: cannot be written (.jpg files have no alpha" in capsys.readouterr().err


def test_a_result_that_cannot_be_stored_ends_the_job(photos):
    Path("out").mkdir()
    Path("out/trip").touch()  # a file where a folder is needed
    with pytest.raises(OSError, match=r"out/trip/c\.png"):
        predict_files(BICUBIC, plan("photos", "out"))
    assert result_names() == ["a.png", "b.jpg", "trip"]


@pytest.mark.parametrize("tile, overlap", [("all", 16), (0, 0), (1.5, 0), (64, 64), ("auto", 300)])
def test_tiles_are_refused_before_the_first_file(photos, tile, overlap):
    with pytest.raises(ValueError, match="tile="):
        predict_files(BICUBIC, plan("photos", "out"), tile=tile, overlap=overlap)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "setting",
    [{"batch": 0}, {"precision": "half"}, {"outscale": 0}, {"outscale": float("nan")}, {"alpha_upscale": "no"}],
    ids=lambda setting: next(iter(setting)),
)
def test_settings_are_refused_before_the_first_file(photos, setting):
    with pytest.raises(ValueError, match=f"^{next(iter(setting))}="):
        predict_files(BICUBIC, plan("photos", "out"), **setting)
    assert not Path("out").exists()


def test_devices():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("cuda:99", "gpu9"):
        with pytest.raises(ValueError, match=f"device={name} is not available"):
            pick_device(name)


# -- the command -------------------------------------------------------------------------------------------------------


def command(*overrides, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, ROOT / "predict.py"]
    words += ["network=interpolation_bicubic", "scale=2", "ckpt=null", "device=cpu", *overrides]
    return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120, **options)


def test_command(photos):
    done = command("input=photos", "output=out", "suffix=_x2")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "2 failed" in done.stdout.splitlines()[-1] and Path("out/trip/c_x2.png").is_file()

    half = command(
        "input=photos/a.png", "output=half.tif", "outscale=1.5", "precision=bf16", "batch=2", "alpha_upscale=network"
    )
    assert half.returncode == 0, half.stderr
    assert half.stdout.splitlines() == ["1 written, 0 skipped (there already), 0 failed"]
    assert read("half.tif").pixels.shape == (62, 94, 3)


@pytest.mark.parametrize(
    "words, line",
    [
        (["outscale=abc"], "outscale=abc: .* wants float or null there"),
        (["overlap=null"], "overlap=None: .* wants int there"),
        (["overlap=1.5"], "overlap=1.5: .* wants int there"),
        (["ensemble=maybe"], "ensemble=maybe: .* wants bool there"),
        (["overwrite=flase"], "overwrite=flase: .* wants bool there"),  # a file is at stake
        (["compare=yess"], "compare=yess: choose true or false"),
        (["compare=true", "degrade=treu"], "degrade=treu: .* wants bool there"),
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
    words = ["network=interpolation_bicubic", "scale=2", "ckpt=null", "input=photos/a.png", "output=out", *words]
    words = [word for word in words[1:] if word != "~network"] if "~network" in words else words
    with pytest.raises((ValueError, FileNotFoundError), match=line):
        predict(compose("predict", *words))
    assert [file.name for file in Path("out").iterdir()] == ["a.png"] and Path("out/a.png").read_bytes() == b"mine"


def test_command_with_a_checkpoint_of_ours(photos):
    network = Compact(scale=3, n_feats=4, n_blocks=1).eval()
    spec = {"_target_": "sr.network.compact.Compact", "scale": 3, "n_feats": 4, "n_blocks": 1}
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    checkpoint.write({"sr": {"network": spec}, "state_dict": state}, "best.ckpt")
    words = [sys.executable, ROOT / "predict.py", "ckpt=best.ckpt", "input=photos/a.png", "output=large.png", "device=cpu"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = to_pixels(upscale(network, to_tensor(read_rgb8("photos/a.png")))).astype(int)
    assert np.abs(read("large.png").pixels - expected).max() <= 1  # one thread or two


def test_ctrl_c_leaves_whole_files_only(photos):
    for i in range(40):
        PIL.Image.open(SKIMAGE / "chelsea.png").save(f"photos/x{i}.png")
    words = [sys.executable, ROOT / "predict.py", "network=interpolation_bicubic", "scale=2", "ckpt=null", "device=cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    job = subprocess.Popen([*words, "input=photos", "output=out"], stderr=subprocess.PIPE, text=True, env=environment)
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
