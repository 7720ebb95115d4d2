"""predict.py with a network for bursts."""

import numpy as np
import pytest
from PIL import Image

from sr.errors import InputError
from sr.image.file import to_pixels
from sr.network.shift_and_add import ShiftAndAdd
from sr.predict.bursts import plan_bursts, predict_bursts
from tests.bursts import burst, photo
from tests.jobs import run_script


@pytest.fixture
def folder(tmp_path):
    """Two bursts: `a` with four frames, the last of another scene, and `b` with one."""
    frames = [*burst(64, frames=3)[0][0][:, None], photo(32, 300, 20)]
    for name, count in (("a", 4), ("b", 1)):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number, frame in enumerate(frames[:count]):
            Image.fromarray(to_pixels(frame)).save(tmp_path / "in" / name / f"{number:02}.png")
    return tmp_path


def test_a_folder_of_frames_is_one_burst_and_a_folder_of_folders_many(folder):
    a, b = folder / "in" / "a", folder / "in" / "b"
    assert plan_bursts(a, folder / "one.png") == [(a, folder / "one.png")]
    assert plan_bursts(a, folder / "out", suffix="_x2") == [(a, folder / "out" / "a_x2.png")]
    many = [(a, folder / "out" / "a.tif"), (b, folder / "out" / "b.tif")]
    assert plan_bursts(folder / "in", folder / "out", format="tif") == many
    assert plan_bursts([str(a), str(b)], folder / "out", format="tif") == many
    assert plan_bursts(a / "00.png", folder / "out") == [(a / "00.png", folder / "out" / "00.png")]
    for source, target, says in (
        (folder / "in", folder / "one.png", "one.png is a file, but there are 2 bursts: pass a folder"),
        (folder / "in", folder / "in" / "a", "lies in the input .*in, whose folders are bursts: choose another one"),
        (
            "film.mp4",
            folder / "out",
            "^film.mp4 is a video, but the network is for bursts: pass a folder of frames of one scene",
        ),
        (folder / "in" / "a", folder / "one.mp4", "one.mp4 names a video, but the results of pictures are pictures"),
        ([a, a], folder / "out", "several bursts would become .*a.png: choose another input"),
    ):
        with pytest.raises(InputError, match=says):
            plan_bursts(source, target)


def test_what_is_written_and_said(folder, capsys):
    bursts = plan_bursts(folder / "in", folder / "out")
    with pytest.warns(UserWarning, match="1 of 4 frames cannot be registered"):
        result = predict_bursts(ShiftAndAdd(), bursts)
    said = capsys.readouterr().err
    assert (result.written, result.failed) == (2, 0) and Image.open(folder / "out" / "a.png").size == (64, 64)
    assert "4 frames, shifts of up to 0." in said and "cannot be registered with 00.png: 03.png" in said
    assert "b: one frame: single-frame SR" in said
    off = np.asarray(Image.open(folder / "out" / "a.png"), float) - to_pixels(photo(64))
    assert np.abs(off).mean() < 8
    assert predict_bursts(ShiftAndAdd(), bursts).skipped == 2
    Image.new("RGB", (30, 32)).save(folder / "in" / "b" / "01.png")
    result = predict_bursts(ShiftAndAdd(), bursts, overwrite=True)
    assert (result.written, result.failed) == (1, 1)
    assert "01.png: 30x32 pixels, but the first frame has 32x32" in capsys.readouterr().err


def test_the_command_line(folder):
    words = ["network=shift_and_add", "scale=2", f"input={folder}/in/a", f"output={folder}/one.png"]
    done = run_script("predict.py", *words, cwd=folder)
    assert done.returncode == 0 and "1 written" in done.stdout and Image.open(folder / "one.png").size == (64, 64)
    done = run_script("predict.py", *words, "outscale=3", cwd=folder)
    assert done.returncode and "outscale=3 is for pictures, but the network is for bursts: remove it" in done.stderr
