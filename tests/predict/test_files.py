"""sr/predict/files.py: whole jobs on real files."""

import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from sr.errors import UserError
from sr.functional.resize import imresize
from sr.image.file import Image, read, read_rgb8, to_pixels, to_tensor, write
from sr.predict.files import pick_device, predict_files
from sr.predict.plan import plan
from tests.enlarge import enlarge
from tests.jobs import small_files
from tests.predict.jobs import BICUBIC, SKIMAGE, Tinted, result_names


def test_a_folder_with_broken_files(photos, capsys):
    result = predict_files(BICUBIC, plan("photos", "out"))
    assert (result.written, result.skipped, result.failed) == (3, 0, 2)
    assert result_names() == ["a.png", "b.jpg", "trip/c.png"]
    expected = to_pixels(imresize(to_tensor(read_rgb8("photos/a.png")), 2))
    np.testing.assert_array_equal(read("out/a.png").pixels, expected)
    out, err = capsys.readouterr()
    assert out.splitlines() == ["3 written, 0 skipped (existing), 2 failed"]
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


@pytest.mark.medium
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


@pytest.mark.medium
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
