"""Archives of real images, honest ones and ones that try to write elsewhere."""

import io
import os
import tarfile
import zipfile
from collections import namedtuple

import pytest

from sr.data.source import archive as module
from sr.data.source.archive import extract
from tests.jobs import small_files


@pytest.fixture
def images(sr_data):
    return {file.name: file.read_bytes() for file in sorted((sr_data / "benchmark" / "Set5" / "LR_bicubic" / "X4").iterdir())}


def make(path, members):
    """Write an archive of {name: bytes}, or of ready TarInfo or ZipInfo members."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, data in members.items():
                opened.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as opened:
            for name, data in members.items():
                member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
                member.size = len(data)
                opened.addfile(member, io.BytesIO(data))
    return path


def everything(folder):
    """All paths below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_whole_archive(kind, images, tmp_path):
    extract(make(tmp_path / f"set.{kind}", {f"LR/X4/{n}": d for n, d in images.items()}), tmp_path / "deep" / "Set5")
    assert {p.name: p.read_bytes() for p in (tmp_path / "deep" / "Set5" / "LR" / "X4").iterdir()} == images
    assert os.listdir(tmp_path / "deep") == ["Set5"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_one_directory_of_it_becomes_the_folder(kind, images, tmp_path):
    members = {f"./Flickr2K/HR/{n}": d for n, d in images.items()} | {"Flickr2K/LR/a.png": b"not wanted"}
    (tmp_path / "HR").mkdir()  # empty: may be replaced
    extract(make(tmp_path / f"set.{kind}", members), tmp_path / "HR", inside="Flickr2K/HR")
    assert {p.name: p.read_bytes() for p in (tmp_path / "HR").iterdir()} == images
    assert sorted(os.listdir(tmp_path)) == ["HR", f"set.{kind}"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "..\\evil.png", "C:\\evil.png", "\\\\host\\evil.png"]
)
def test_name_that_leads_outside(kind, name, images, tmp_path):
    """The honest members come first: none of them may be left behind."""
    archive = make(tmp_path / f"set.{kind}", {**images, name: b"evil"})
    with pytest.raises(ValueError, match=r"set.* is refused, nothing was extracted: '.*evil.png' leads outside its folder$"):
        extract(archive, tmp_path / "sub" / "folder")
    assert everything(tmp_path) == [f"set.{kind}", "sub"]


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("type_", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "FIFOTYPE"])
@pytest.mark.parametrize("target", ["../..", "/etc/passwd", "babyx4.png"])
def test_tar_link_or_device(kind, type_, target, images, tmp_path):
    link = tarfile.TarInfo("link")
    link.type, link.linkname = getattr(tarfile, type_), target
    archive = make(tmp_path / f"set.{kind}", {**images, link: b"", "link/evil.png": b"evil"})
    with pytest.raises(ValueError, match="is refused, nothing was extracted: 'link' is a link or a device"):
        extract(archive, tmp_path / "folder")
    assert everything(tmp_path) == [f"set.{kind}"]


def test_zip_symlink(images, tmp_path):
    archive = tmp_path / "set.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "w") as opened:
        for name, data in images.items():
            opened.writestr(name, data)
        opened.writestr(link, "../..")
    with pytest.raises(ValueError, match="'link' is a link or a device"):
        extract(archive, tmp_path / "folder")
    assert everything(tmp_path) == ["set.zip"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_more_than_the_disk_holds(kind, images, tmp_path, monkeypatch):
    archive = make(tmp_path / f"set.{kind}", images)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 1000, 1000))
    with pytest.raises(OSError, match=r"set.* unpacks to 0.0 GB, but .* has 0.0 GB free"):
        extract(archive, tmp_path / "folder")
    assert everything(tmp_path) == [f"set.{kind}"]


@pytest.mark.parametrize(
    "declared, error, message",
    [(10**18, OSError, r"unpacks to 1000000000.0 GB, but"), (10, ValueError, r"cannot be read \(Bad CRC-32")],
)
def test_zip_bomb(declared, error, message, tmp_path):
    """A few kB that say honestly that they are more than the disk holds, or that say they are small and are not."""
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("bomb.png", bytes(10**7))
        opened.infolist()[0].file_size = declared
    assert (tmp_path / "set.zip").stat().st_size < 20_000
    with pytest.raises(error, match=message):
        extract(tmp_path / "set.zip", tmp_path / "folder")
    assert everything(tmp_path) == ["set.zip"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated(kind, part, images, tmp_path):
    archive = make(tmp_path / f"set.{kind}", images)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ValueError, match=r"set.*delete it and download it again$") as error:
        extract(archive, tmp_path / "folder")
    assert "\n" not in str(error.value)
    assert everything(tmp_path) == [f"set.{kind}"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_damaged_data(kind, images, tmp_path):
    archive = make(tmp_path / f"set.{kind}", images)
    data = bytearray(archive.read_bytes())
    data[5000:5100] = bytes(100)
    archive.write_bytes(data)
    with pytest.raises(ValueError, match=r"cannot be read \(.*delete it and download it again$"):
        extract(archive, tmp_path / "folder")
    assert everything(tmp_path) == [f"set.{kind}"]


def test_other_format(tmp_path):
    (tmp_path / "set.zip").write_text("<html>Not found</html>")
    with pytest.raises(ValueError, match="neither a zip nor a tar archive"):
        extract(tmp_path / "set.zip", tmp_path / "folder")
    with pytest.raises(FileNotFoundError, match="no such archive"):
        extract(tmp_path / "none.zip", tmp_path / "folder")


def test_without_the_expected_directory(images, tmp_path):
    with pytest.raises(ValueError, match="has no DIV2K_train_HR/ in it"):
        extract(make(tmp_path / "set.zip", images), tmp_path / "folder", inside="DIV2K_train_HR")


def test_never_over_a_folder_with_content(images, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="exists already: move it away"):
        extract(make(tmp_path / "set.zip", images), tmp_path / "folder")
    assert everything(tmp_path / "folder") == ["mine.txt"]


def test_remains_of_a_killed_extraction_are_removed(images, tmp_path, monkeypatch):
    archive = make(tmp_path / "set.tar", images)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", killed)
        patch.setattr(module.shutil, "rmtree", lambda *args, **kwargs: None)  # SIGKILL leaves no time to tidy up
        with pytest.raises(KeyboardInterrupt):
            extract(archive, tmp_path / "folder")
    assert len(everything(tmp_path)) == 2 + len(images)
    extract(archive, tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "set.tar"]


def test_what_damage_makes_of_a_zip_in_bzip2(images, tmp_path):
    """The decoder says OSError, as a full disk does, which must not be taken for a damaged archive."""
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as opened:
        for name, data in images.items():
            opened.writestr(name, data)
    whole = archive.read_bytes()
    archive.write_bytes(whole[:5000] + bytes(100) + whole[5100:])
    with pytest.raises(ValueError, match=r"set\.zip cannot be read \(.*delete it and download it again$"):
        extract(archive, tmp_path / "folder")
    archive.write_bytes(whole)
    with small_files(10_000), pytest.raises(OSError, match=r"^[^:]*folder.*: File too large$") as error:
        extract(archive, tmp_path / "folder")
    assert "\n" not in str(error.value) and everything(tmp_path) == ["set.zip"]
