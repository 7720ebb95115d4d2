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


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Five photographs of scikit-image as files of different sizes."""
    from sr.data.sample import Sample

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


def test_a_killed_build_goes_on(photos, tmp_path):
    """A process that builds a store of many files is killed; what it had decoded is not decoded again."""
    many = []
    for index in range(300):
        many.append(tmp_path / "photos" / f"copy{index}.png")
        shutil.copy(photos[index % 5], many[-1])
    cache = tmp_path / "cache"
    code = f"from pathlib import Path; from sr.data.store import Store; Store(sorted(Path({str(tmp_path / 'photos')!r}).glob('copy*')), Path({str(cache)!r})).build()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
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
