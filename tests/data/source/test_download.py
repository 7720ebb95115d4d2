"""Downloads from a real HTTP server on this machine, which misbehaves in the ways that servers do."""

import hashlib
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sr.data.source import download as module
from sr.data.source.download import download

ROOT = Path(__file__).resolve().parents[3]


class Server(ThreadingHTTPServer):
    """Serves `content` at every path.

    `ranges`: answers Range requests. `drop`: how many bytes of the first, second ... answer pass before the connection
    is cut. `status`: what it answers to the first, second ... request in place of the file. `stall`: the first answer
    stops there, with the connection open, until the client is gone.
    """

    def __init__(self, content, ranges=True, drop=(), status=(), stall=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.drop, self.status = content, ranges, list(drop), list(status)
        self.stall, self.go_on = stall, threading.Event()
        self.requests = []
        self.url = f"http://127.0.0.1:{self.server_port}/set.zip"

    def handle_error(self, request, client_address):
        """Connections that the client or this server cut are no news."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, content = self.server, self.server.content
        server.requests.append(self.headers.get("Range"))
        if server.status and (status := server.status.pop(0)):
            return self.send_error(status)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") if server.ranges else None
        start = int(match[1]) if match else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if server.stall and len(server.requests) == 1:
            self.wfile.write(content[: server.stall])
            server.go_on.wait(30)
            return None
        length = server.drop.pop(0) if server.drop else len(content)
        self.wfile.write(content[start : start + length])

    def log_message(self, *args):
        pass


@pytest.fixture
def content(sr_data):
    """A real file of 3 MB: several chunks of the network."""
    files = sorted((sr_data / "benchmark" / "Set14" / "HR").iterdir())
    return b"".join(file.read_bytes() for file in files)[:3_000_000]


@pytest.fixture
def serve(content, monkeypatch):
    servers = []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "_CHUNK", 1 << 16)  # so that what came before a cut has been written

    def start(**options):
        server = Server(options.pop("content", content), **options)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def md5(content):
    return "md5:" + hashlib.md5(content).hexdigest()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_whole_file(serve, content, tmp_path, algorithm, capfd):
    server = serve()
    path = tmp_path / "new" / "set.zip"
    download(server.url, path, len(content), f"{algorithm}:{hashlib.new(algorithm, content).hexdigest().upper()}")
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["set.zip"]
    assert "download set.zip: 100%" in capfd.readouterr().err


def test_existing_file_is_checked_not_fetched(serve, content, tmp_path):
    server, path = serve(), tmp_path / "set.zip"
    path.write_bytes(content)
    download(server.url, path, len(content), md5(content))
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=r"set.zip has 2,999,999 bytes, expected 3,000,000: delete it and run again$"):
        download(server.url, path, len(content))
    assert server.requests == [] and path.exists()


def test_resumes_a_killed_download(serve, content, tmp_path):
    server, path, part = serve(stall=2_500_000), tmp_path / "set.zip", tmp_path / "set.zip.part"
    code = f"from sr.data.source.download import download; download({server.url!r}, {str(path)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not part.exists() or part.stat().st_size < 2 << 20:  # two chunks of 1 MiB
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    server.go_on.set()
    assert not path.exists()
    download(server.url, path, checksum=md5(content))
    assert path.read_bytes() == content and not part.exists()
    assert server.requests == [None, f"bytes={2 << 20}-"]


def test_connection_cut_in_the_middle(serve, content, tmp_path):
    server, path = serve(drop=[1_000_000, 500_000]), tmp_path / "set.zip"
    download(server.url, path, checksum=md5(content), pause=0)
    assert path.read_bytes() == content
    starts = [int(r.removeprefix("bytes=").removesuffix("-")) for r in server.requests[1:]]
    assert server.requests[0] is None and 900_000 < starts[0] <= 1_000_000 and 1_400_000 < starts[1] <= 1_500_000


def test_server_without_ranges_starts_over(serve, content, tmp_path):
    server, path = serve(ranges=False), tmp_path / "set.zip"
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    download(server.url, path, checksum=md5(content))
    assert path.read_bytes() == content and server.requests == ["bytes=1000-"]


def test_server_without_ranges_that_always_cuts_is_given_up(serve, tmp_path):
    server = serve(ranges=False, drop=[1_000_000] * 50)
    with pytest.raises(ConnectionError, match=r"the connection broke"):
        download(server.url, tmp_path / "set.zip", attempts=3, pause=0)
    assert len(server.requests) == 4  # one with progress, three without


def test_any_number_of_cuts_with_progress(serve, content, tmp_path):
    server = serve(drop=[300_000] * 9)
    download(server.url, tmp_path / "set.zip", len(content), md5(content), attempts=2, pause=0)
    assert (tmp_path / "set.zip").read_bytes() == content


def test_whole_part_file(serve, content, tmp_path):
    """Killed between the last byte and the rename: with the size known no request is made, else the server says so."""
    server = serve()
    for size in (len(content), None):
        (tmp_path / "set.zip.part").write_bytes(content)
        download(server.url, tmp_path / "set.zip", size, md5(content))
        (tmp_path / "set.zip").unlink()
    assert server.requests == ["bytes=3000000-"]


def test_part_file_longer_than_the_file(serve, content, tmp_path):
    server = serve()
    (tmp_path / "set.zip.part").write_bytes(content + b"more")
    download(server.url, tmp_path / "set.zip", len(content), md5(content), pause=0)
    assert (tmp_path / "set.zip").read_bytes() == content


def test_wrong_checksum(serve, content, tmp_path):
    server = serve()
    message = r"^http://.* has the wrong checksum md5:[0-9a-f]{32}, expected 0{32}: it was deleted; run again.*$"
    with pytest.raises(ValueError, match=message):
        download(server.url, tmp_path / "set.zip", checksum="md5:" + "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_wrong_size(serve, content, tmp_path):
    with pytest.raises(ValueError, match=r"has 3,000,000 bytes, expected 3,000,001"):
        download(serve().url, tmp_path / "set.zip", size=len(content) + 1)
    assert list(tmp_path.iterdir()) == []


def test_unknown_checksum_is_said_before_the_download(serve, tmp_path):
    server = serve()
    with pytest.raises(ValueError, match=r"unknown checksum 'crc32:1': write md5:... or sha256:..."):
        download(server.url, tmp_path / "set.zip", checksum="crc32:1")
    assert server.requests == []


def test_busy_server_is_asked_again(serve, content, tmp_path):
    server = serve(status=[503, 429, 500])
    download(server.url, tmp_path / "set.zip", checksum=md5(content), pause=0)
    assert (tmp_path / "set.zip").read_bytes() == content and len(server.requests) == 4


def test_missing_file_is_not_asked_for_again(serve, tmp_path):
    server, path = serve(status=[404] * 9), tmp_path / "set.zip"
    with pytest.raises(ConnectionError) as error:
        download(server.url, path)
    assert str(error.value) == (
        f"cannot download {server.url} (the server answers 404 Not Found): "
        f"run again to continue, or download it by hand to {path}"
    )
    assert len(server.requests) == 1


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/set.zip"
    (tmp_path / "set.zip.part").write_bytes(b"what came before")
    pauses = []
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    with pytest.raises(ConnectionError) as error:
        download(url, tmp_path / "set.zip")
    assert str(error.value) == (
        f"cannot download {url} (no connection): run again to continue, or download it by hand to {tmp_path / 'set.zip'}"
    )
    assert pauses == [1, 2, 4]
    assert (tmp_path / "set.zip.part").read_bytes() == b"what came before"


def test_full_disk_is_said_before_the_first_byte(serve, tmp_path, monkeypatch):
    server = serve()
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: type("usage", (), {"free": 2_000_000}))
    with pytest.raises(OSError, match=r"needs 0.0 GB, but .* has 0.0 GB free"):
        download(server.url, tmp_path / "set.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_is_named_and_what_came_is_kept(serve, content, tmp_path):
    server, before = serve(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, before[1]))  # a program sees it as it sees a full disk
    try:
        with pytest.raises(OSError, match=r"set\.zip\.part: File too large$"):
            download(server.url, tmp_path / "set.zip", len(content), md5(content), pause=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    download(server.url, tmp_path / "set.zip", len(content), md5(content))
    assert (tmp_path / "set.zip").read_bytes() == content
    assert server.requests == [None, f"bytes={2 << 20}-"]
