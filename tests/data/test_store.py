import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sr.data.store import Store
from sr.errors import InputError, StorageError

BUILD = """
import sys; from pathlib import Path; from sr.data.store import Store
print(Store(sorted(Path(sys.argv[1]).glob('copy*')), Path(sys.argv[2])).build(progress=False))
"""


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Five photographs of scikit-image as files of different sizes."""
    from sr.data.source.sample import Sample

    folder = tmp_path / "photos"
    folder.mkdir()
    for index, (file, _) in enumerate(Sample().files()[:5]):
        Image.open(file).convert("RGB").crop((0, 0, 100 + 10 * index, 90)).save(folder / f"{index}.png")
    return sorted(folder.iterdir())


def test_holds_what_pillow_decodes(photos, tmp_path):
    store = Store(photos, tmp_path / "cache")
    store.build(progress=False)
    for index, file in enumerate(photos):
        np.testing.assert_array_equal(store[index], np.asarray(Image.open(file)))


def test_only_a_changed_image_is_redone_and_a_removed_one_goes(photos, tmp_path):
    cache = tmp_path / "cache"
    Store(photos, cache).build(progress=False)
    written = {file.name: file.stat().st_mtime_ns for file in cache.glob("*.npy")}
    Image.open(photos[1]).rotate(180).save(photos[1])
    os.utime(photos[1], ns=(1, 1))
    store = Store(photos[1:], cache)
    store.build(progress=False)
    now = {file.name: file.stat().st_mtime_ns for file in cache.glob("*.npy")}
    assert len(now) == 4
    assert len(now.items() & written.items()) == 3
    np.testing.assert_array_equal(store[0], np.asarray(Image.open(photos[1])))


@pytest.mark.slow
def test_a_killed_build_goes_on(photos, tmp_path):
    """A process that builds a store of many files is killed; what it had decoded is not decoded again."""
    many = []
    for index in range(300):
        many.append(tmp_path / "photos" / f"copy{index}.png")
        shutil.copy(photos[index % 5], many[-1])
    cache = tmp_path / "cache"
    words = [sys.executable, "-c", BUILD, str(tmp_path / "photos"), str(cache)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (not cache.is_dir() or len(list(cache.glob("*.npy"))) < 3):
        time.sleep(0.005)
    process.kill()
    process.wait()
    before = {file.name: file.stat().st_mtime_ns for file in cache.glob("*.npy")}
    assert before, "the build was killed before it wrote anything"
    store = Store(sorted((tmp_path / "photos").glob("copy*")), cache)
    store.build(progress=False)
    after = {file.name: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert before.items() <= after.items()
    assert len(list(cache.glob("*.npy"))) == 300
    assert not [name for name in after if name.endswith(".tmp")]
    np.testing.assert_array_equal(store[299], np.asarray(Image.open(store.files[299])))


def test_a_corrupt_image_is_named_and_nothing_of_it_stays(photos, tmp_path):
    photos[2].write_bytes(photos[2].read_bytes()[:200])
    with pytest.raises(ValueError, match="2.png"):
        Store(photos, tmp_path / "cache").build(progress=False)
    assert not list((tmp_path / "cache").glob("2-*"))


def test_a_corrupt_image_may_be_left_out(photos, tmp_path):
    photos[2].write_bytes(photos[2].read_bytes()[:200])
    for decoded in (5, 0):  # the second time it is not tried again, but said again
        store = Store(photos, tmp_path / "cache", corrupt="skip")
        with pytest.warns(UserWarning, match=r"left out of the training set .*2\.png") as warned:
            assert store.build(progress=False) == decoded
        assert len(warned) == 1 and "\n" not in str(warned[0].message)
    assert store.decoded() == [True, True, False, True, True]
    kept = store.keep(store.decoded())
    assert len(kept) == 4 and kept.files == [*photos[:2], *photos[3:]]
    np.testing.assert_array_equal(kept[2], np.asarray(Image.open(photos[3])))
    with pytest.raises(ValueError, match="2.png"):
        Store(photos, tmp_path / "cache").build(progress=False)


def test_a_corrupt_image_that_was_mended_comes_back(photos, tmp_path):
    whole = photos[2].read_bytes()
    photos[2].write_bytes(whole[:200])
    with pytest.warns(UserWarning):
        Store(photos, tmp_path / "cache", corrupt="skip").build(progress=False)
    photos[2].write_bytes(whole)
    store = Store(photos, tmp_path / "cache", corrupt="skip")
    assert store.build(progress=False) == 1 and all(store.decoded())
    assert not list((tmp_path / "cache").glob("*.corrupt"))


def test_corrupt_is_stop_or_skip():
    with pytest.raises(ValueError, match="data.corrupt=ignore: choose stop or skip"):
        Store([], Path("cache"), corrupt="ignore")


@pytest.mark.slow
def test_jobs_that_start_together_decode_once(photos, tmp_path):
    many = []
    for index in range(60):
        many.append(tmp_path / "photos" / f"copy{index}.png")
        shutil.copy(photos[index % 5], many[-1])
    words = [sys.executable, "-c", BUILD, str(tmp_path / "photos"), str(tmp_path / "cache")]
    jobs = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    decoded = [int(job.communicate(timeout=60)[0]) for job in jobs]
    assert sum(decoded) == 60 and [job.returncode for job in jobs] == [0] * 4


def test_says_what_it_costs_before_it_begins(tmp_path, capsys, monkeypatch):
    """A picture of 36 million pixels is announced with its size; the announcement comes before the decoding."""
    file = tmp_path / "large.png"
    Image.new("RGB", (6000, 6000)).save(file, compress_level=1)
    said = []
    monkeypatch.setattr("sr.data.store.Store._store", lambda *_: said.append(capsys.readouterr().out))
    Store([file], tmp_path / "cache").build(progress=False)
    assert "decoding 1 images once into" in said[0] and "0.1 GB of" in said[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_is_said_in_one_line(photos, tmp_path):
    """A real file system of 64 KB where we may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        with pytest.raises(OSError, match="data.cache_dir") as error:
            Store(photos, small / "cache").build(progress=False)
        assert "\n" not in str(error.value)
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("name", ["n" * 250, "\u5199" * 80, b"caf\xe9".decode("utf-8", "surrogateescape")])
def test_names_as_long_as_a_disk_takes_or_not_in_utf8(photos, tmp_path, name):
    file = photos[0].rename(photos[0].with_name(f"{name}.png"))
    store = Store([file], tmp_path / "cache")
    assert store.build(progress=False) == 1
    np.testing.assert_array_equal(store[0], np.asarray(Image.open(file)))


@pytest.mark.parametrize("kind", ["link", "round", "folder", "empty"])
def test_what_is_no_file_is_a_corrupt_image_like_others(photos, tmp_path, kind):
    photos[2].unlink()
    if kind in ("link", "round"):
        photos[2].symlink_to("/nowhere" if kind == "link" else photos[2])
    else:
        (photos[2].mkdir if kind == "folder" else photos[2].touch)()
    with pytest.raises(InputError, match=r"2\.png: cannot be read as an image"):
        Store(photos, tmp_path / "cache").build(progress=False)
    store = Store(photos, tmp_path / "cache", corrupt="skip")
    with pytest.warns(UserWarning, match=r"left out of the training set .*2\.png: cannot be read as an image"):
        store.build(progress=False)
    assert store.decoded() == [True, True, False, True, True]


def test_what_8_bit_rgb_leaves_out_is_said_each_time(photos, tmp_path, sr_data):
    for name in ("tree_alpha_16bit.png", "wolf_gray.jpg"):
        photos.append(Path(shutil.copy(sr_data / "samples" / "photos" / name, tmp_path / "photos")))
    frames = [Image.open(file).convert("RGB").crop((0, 0, 90, 90)) for file in photos[:3]]
    frames[0].save(tmp_path / "photos" / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    photos.append(tmp_path / "photos" / "moving.webp")
    Image.merge("RGBA", [*frames[0].split(), Image.new("L", (90, 90), 255)]).save(tmp_path / "photos" / "opaque.png")
    photos.append(tmp_path / "photos" / "opaque.png")  # nothing is lost of it
    for decoded in (9, 0):
        with pytest.warns(UserWarning) as warned:
            assert Store(photos, tmp_path / "cache").build(progress=False) == decoded
        said = sorted(str(warning.message).removeprefix(f"{tmp_path}/photos: 1 of 9 images ") for warning in warned)
        assert said == [
            "are not sRGB (Adobe RGB (1998)); their values are used unchanged (tree_alpha_16bit.png is the first)",
            "are not sRGB (Dot Gain 15%); their values are used unchanged (wolf_gray.jpg is the first)",
            "have 16 bits per sample, which are rounded to 8 (tree_alpha_16bit.png is the first)",
            "have several frames or pages; only the first is used (moving.webp is the first)",
            "have transparent parts: alpha is dropped, and hidden colours are used like visible ones "
            "(tree_alpha_16bit.png is the first)",
        ]
    os.utime(photos[0], ns=(1, 1))
    assert Store(photos[:5], tmp_path / "cache").build(progress=False) == 1
    assert not list((tmp_path / "cache").glob("*.note"))


def test_a_cache_that_cannot_be_written_to(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        StorageError, match=r"decoded images cannot be written there .* set data\.cache_dir to a writable folder"
    ) as caught:
        Store(photos, tmp_path / "file" / "cache").build(progress=False)
    assert "\n" not in str(caught.value)
