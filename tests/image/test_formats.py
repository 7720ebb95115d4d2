"""sr/image/formats.py: which files are images, and what is said of those that are none."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage

from sr.errors import InputError, MissingError
from sr.image.file import list_images, read, read_rgb8, scan, size
from sr.image.formats import EXTENSIONS, extension, other
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan

CHELSEA = PIL.Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png").crop((0, 0, 60, 40))
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".avif", ".gif", ".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc")
REASONS = {
    "samples/medical/anatomical.nii": "a volume: data=slices and benchmark=[slices] take the slices",
    "domains/medical/volumes/S0_10slices.nii.gz": "a volume: data=slices and benchmark=[slices] take the slices",
    "samples/video/onepiece_demo.mp4": "a video: predict.py reads it, if its name ends in .mp4",
}


@pytest.mark.parametrize("kind", [e for e in EXTENSIONS if e not in (".bw", ".pgm", ".pbm", ".rgba")])
def test_each_extension_is_read_and_enlarged(tmp_path, kind):
    file = tmp_path / f"a{kind}"
    CHELSEA.save(file, **({"lossless": True} if kind == ".webp" else {}))
    assert list_images(tmp_path) == [file] and size(file) == (40, 60)
    expected = np.asarray(CHELSEA).astype(int)
    assert np.abs(read_rgb8(file) - expected).mean() < (9 if kind in LOSSY else 1e-9)
    result = predict_files(Interpolation(scale=2), plan(tmp_path, tmp_path / "out"))
    assert (result.written, result.failed) == (1, 0)
    (written,) = (tmp_path / "out").iterdir()
    assert written.stem == "a" and size(written) == (80, 120)


def test_gray_of_16_bits_in_pgm_and_jpeg_2000(tmp_path, sr_data):
    gray = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21
    (tmp_path / "a.pgm").write_bytes(b"P5\n# made here\n64 48\n65535\n" + gray.astype(">u2").tobytes())
    PIL.Image.fromarray(gray).save(tmp_path / "a.jp2")
    for name in ("a.pgm", "a.jp2"):
        image = read(tmp_path / name)
        assert image.was_gray and image.facts.bits == 16 and image.facts.not_kept() == {}
        np.testing.assert_array_equal(image.pixels[..., 0], gray)
    signed = next((sr_data / "domains" / "satellite" / "modis_ndvi_series").glob("*.jp2"))
    with pytest.raises(InputError, match="signed samples"):
        read(signed)


@pytest.mark.parametrize("name", REASONS)
def test_what_is_no_image_is_said_in_a_true_line(sr_data, tmp_path, name):
    """By its name before anything is built, and under the name of an image by its content."""
    if ".nii" not in name:  # whose slices are images
        with pytest.raises(InputError) as caught:
            plan(sr_data / name, tmp_path / "out", format="png")
        assert str(caught.value).startswith(f"{sr_data / name}: cannot be read as an image ({REASONS[name]}")
    (tmp_path / "a.png").write_bytes((sr_data / name).read_bytes())
    if not name.endswith(".gz"):
        with pytest.raises(InputError) as caught:
            read(tmp_path / "a.png")
        assert REASONS[name] in str(caught.value) and "\n" not in str(caught.value)


def test_names():
    assert extension("a/b.NII.gz") == ".nii.gz" and extension("a.b/c") == "" and extension("x.PNG") == ".png"
    assert other("photo.HEIC") == "a HEIC photo: convert it to PNG or TIFF first"
    assert not set(EXTENSIONS) & {".heic", ".mp4", ".txt"}


def test_a_folder_lists_what_is_left_out(tmp_path):
    for name in ("a.png", "b/c.heic", "b/d.HEIC", "clip.mp4", "b/brain.nii.gz", "LICENSE", ".hidden.mp4", "b/Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    CHELSEA.save(tmp_path / "a.png")
    assert scan(tmp_path)[1] == {".heic": 2, ".mp4": 1, ".nii.gz": 1, "LICENSE": 1}
    with pytest.warns(UserWarning) as warned:
        assert [file.name for file, _ in plan(tmp_path, tmp_path / "out")] == ["a.png", "brain.nii.gz"]  # its slices
    text = f"{tmp_path}: skipped files that are not readable images: 2 .heic, 1 "
    assert len(warned) == 1 and str(warned[0].message).startswith(text)
    with pytest.raises(MissingError, match=r"no readable images \(found 1 \.mp4\)"):
        plan(tmp_path / "*.mp4", tmp_path / "out")


def broken(folder: Path) -> dict[str, str]:
    """Names of images that are none, with what is to be said of each."""
    (folder / "link.png").symlink_to("/nowhere/a.png")
    (folder / "round.png").symlink_to("round.png")
    (folder / "folder.png").mkdir()
    (folder / "empty.png").touch()
    socket.socket(socket.AF_UNIX).bind(str(folder / "socket.png"))
    return {
        "link.png": "a broken link to /nowhere/a.png",
        "round.png": "a broken link to",
        "folder.png": "a folder, not a file",
        "empty.png": "an empty file",
        "socket.png": "a socket, not a file",
    }


def test_what_is_called_an_image_and_is_none_costs_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    CHELSEA.save("in/a.png")
    reasons = broken(Path("in"))
    for name, reason in reasons.items():
        for function in (read, size):
            with pytest.raises(InputError) as caught:
                function(Path("in", name))
            assert str(caught.value).startswith(f"in/{name}: cannot be read as an image ({reason}")
    result = predict_files(Interpolation(scale=2), plan("in", "out"))
    assert (result.written, result.failed) == (1, len(reasons))
    said = capsys.readouterr().err
    assert all(f"in/{name}: cannot be read as an image ({reason}" in said for name, reason in reasons.items())


def test_a_folder_with_an_images_name_and_images_in_it_is_a_folder(tmp_path):
    (tmp_path / "clip.gif").mkdir()
    CHELSEA.save(tmp_path / "clip.gif" / "0001.png")
    assert list_images(tmp_path) == [tmp_path / "clip.gif" / "0001.png"]


UNREADABLE = """
import os
from sr.image.file import read
read("good.png")  # imports what reading needs
if not os.getuid():
    os.setuid(65534)  # root may read everything
try:
    read("a.png")
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_file_that_may_not_be_read(tmp_path):
    for name in ("good.png", "a.png"):
        CHELSEA.save(tmp_path / name)
    (tmp_path / "a.png").chmod(0)
    tmp_path.chmod(0o755)
    words, root = [sys.executable, "-c", UNREADABLE], Path(__file__).resolve().parent.parent.parent
    done = subprocess.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.stdout == "a.png: cannot be read as an image (Permission denied)\n", done.stderr
