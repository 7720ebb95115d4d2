"""Official archives, served by a real HTTP server on this machine: here DIV2K has five images."""

import hashlib
import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hydra.utils import instantiate

from sr.data.source.official import Official
from tests.jobs import compose


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path, sr_data, monkeypatch):
    """(URL of an archive with DIV2K_train_HR/*.png and a file beside it, the archive's path)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    archive = tmp_path / "site" / "DIV2K_train_HR.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted((sr_data / "benchmark" / "Set5" / "HR").iterdir()):
            opened.write(file, f"DIV2K_train_HR/{file.name}")
        opened.writestr("licence.txt", "for research")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=archive.parent))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{archive.name}", archive
    server.shutdown()
    server.server_close()


@pytest.fixture
def official(site, tmp_path):
    url, archive = site
    checksum = "md5:" + hashlib.md5(archive.read_bytes()).hexdigest()
    size = archive.stat().st_size
    return partial(Official, tmp_path / "data/DIV2K/DIV2K_train_HR", 5, url, "DIV2K_train_HR", size, checksum)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_download_unpack_validate(official, tmp_path):
    source = official()
    source.prepare(download=True)
    assert [hr.name for hr, lr in source.files() if lr is None] == [
        "baby.png", "bird.png", "butterfly.png", "head.png", "woman.png",
    ]  # fmt: skip
    left = set(names(tmp_path / "data" / "DIV2K")) - {f"DIV2K_train_HR/{hr.name}" for hr, _ in source.files()}
    assert left - {"DIV2K_train_HR.zip.lock"} == {"DIV2K_train_HR", "DIV2K_train_HR.zip"}


def test_needs_no_network_once_it_is_there(official, tmp_path):
    official().prepare(download=True)
    (tmp_path / "site" / "DIV2K_train_HR.zip").unlink()
    (tmp_path / "data/DIV2K/DIV2K_train_HR.zip").unlink()
    official().prepare(download=True)
    official().prepare()


def test_missing_says_what_to_do(official, tmp_path):
    source = official()
    source.size = 3530603713
    with pytest.raises(FileNotFoundError) as error:
        source.prepare()
    assert str(error.value) == (
        f"no such folder: {source.folder}; pass data.download=true to download it from {source.url} (3.5 GB), "
        "or data_dir (environment variable SR_DATA) to the folder that contains it"
    )
    assert not (tmp_path / "data").exists()


def test_archive_placed_by_hand(official, site, tmp_path):
    source = official()
    source.archive.parent.mkdir(parents=True)
    shutil.move(site[1], source.archive)
    source.prepare(download=True)
    assert len(source.files()) == 5


def test_wrong_checksum_leaves_nothing(official, tmp_path):
    source = official()
    source.checksum = "md5:" + "0" * 32
    with pytest.raises(ValueError, match="has the wrong checksum"):
        source.prepare(download=True)
    assert set(names(tmp_path / "data" / "DIV2K")) <= {"DIV2K_train_HR.zip.lock"}


def test_archive_that_leads_outside(official, site, tmp_path):
    with zipfile.ZipFile(site[1], "a") as opened:
        opened.writestr("DIV2K_train_HR/../../evil.png", "evil")
    source = official()
    source.size = source.checksum = None
    with pytest.raises(ValueError, match="is refused, nothing was extracted"):
        source.prepare(download=True)
    assert not source.folder.exists() and not list(tmp_path.rglob("evil*"))


def test_no_network(official, tmp_path, monkeypatch):
    monkeypatch.setattr("sr.data.source.download.time.sleep", lambda seconds: None)
    source = official()
    source.url = "http://127.0.0.1:9/DIV2K_train_HR.zip"  # the discard port: nobody listens
    with pytest.raises(ConnectionError, match=r"cannot download .* \(no connection\).* by hand to .*HR.zip$"):
        source.prepare(download=True)


def test_incomplete_folder_is_named_and_kept(official):
    source = official()
    source.prepare(download=True)
    source.files()[0][0].unlink()
    with pytest.raises(ValueError, match=r"^4 images in .*DIV2K_train_HR, expected 5: move the folder away.*data=folder"):
        source.prepare(download=True)
    assert len(source.files()) == 4


def test_unreadable_image_is_named(official, sr_data):
    source = official()
    source.prepare(download=True)
    source.files()[2][0].write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"butterfly.png: cannot be read as an image"):
        source.prepare()


def test_jobs_that_start_together_fetch_once(official, site, monkeypatch):
    fetched = []
    monkeypatch.setattr(Quiet, "log_message", lambda self, *args: fetched.append(self.path))
    errors = []

    def job():
        try:
            official().prepare(download=True)
        except Exception as error:
            errors.append(error)

    jobs = [threading.Thread(target=job) for _ in range(4)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert errors == [] and len(fetched) == 1


@pytest.mark.parametrize("choice, counts", [("div2k", [800]), ("flickr2k", [2650]), ("df2k", [800, 2650])])
def test_configs(choice, counts, tmp_path):
    cfg = compose("train", f"data={choice}", f"data_dir={tmp_path}")
    train = instantiate(cfg.data.train, _convert_="all")
    sources = train if isinstance(train, list) else [train]
    assert [source.n_images for source in sources] == counts
    assert {source.folder.relative_to(tmp_path).as_posix() for source in sources} <= {
        "DIV2K/DIV2K_train_HR", "Flickr2K/Flickr2K_HR",
    }  # fmt: skip
    assert all(source.inside.endswith(source.folder.name) for source in sources)
