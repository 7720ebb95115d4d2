"""Streams of addresses and cameras: an RTSP server of GStreamer, one that falls silent or refuses, and a test source of FFmpeg
in the place of a camera."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sr.errors import InputError
from sr.image import video
from sr.predict import live
from sr.predict.video import VideoSettings
from tests.predict.jobs import BICUBIC

av = pytest.importorskip("av")
PYTHON = shutil.which("python3", path="/usr/bin") or "python3"  # that of the system, which has GStreamer


@pytest.fixture
def rtsp() -> Iterator[tuple[subprocess.Popen, str]]:
    """An RTSP server, and the address of its stream."""
    job = subprocess.Popen([PYTHON, Path(__file__).with_name("rtsp.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if not (port := job.stdout.readline().decode().strip()):
            pytest.skip("no RTSP server of GStreamer: tests/predict/rtsp.py says what to install")
        yield job, f"rtsp://127.0.0.1:{port}/stream"
    finally:
        job.kill()
        job.wait()
        job.stdout.close()


@contextmanager
def once_written(path: Path, act, size: int = 5000) -> Iterator[None]:
    """Act as soon as a file has so many bytes."""

    def wait() -> None:
        for _ in range(1000):
            if path.exists() and path.stat().st_size >= size:
                return act()
            time.sleep(0.02)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield
    thread.join()


@pytest.mark.slow
def test_rtsp_until_ctrl_c(tmp_path, rtsp, capsys):
    path = tmp_path / "a.mp4"
    with once_written(path, lambda: os.kill(os.getpid(), signal.SIGINT)):
        result = live.predict_live(BICUBIC, rtsp[1], path)
    assert 0 < result.written == len(frames := list(video.frames(path))) and frames[0].shape == (96, 128, 3)
    assert 0 < result.latency < 2 and result.seconds > 0.5
    said = capsys.readouterr()
    assert "frames/s" in said.err and f"{path}: {result}" in said.out
    with video.Video(path) as opened:
        times = [float(frame.time * opened.facts.time_base) for frame in opened.read(convert=False)]
    assert times[0] == 0 and result.seconds - 1.5 < times[-1] < result.seconds + 1  # at the speed of the camera


@pytest.mark.slow
def test_rtsp_that_falls_silent(tmp_path, rtsp, monkeypatch):
    monkeypatch.setattr(live, "SILENT", 3.0)
    path = tmp_path / "a.mkv"
    with (
        once_written(path, lambda: rtsp[0].send_signal(signal.SIGSTOP)),
        pytest.raises(InputError, match=r"stream: the stream broke off .no data for 3 seconds.; what came before is in .*a.mk"),
    ):
        live.predict_live(BICUBIC, rtsp[1], path)
    assert len(list(video.frames(path))) > 5
    with pytest.raises(InputError, match=r"stream: cannot be read as a video .no data for 3 seconds."):
        live.predict_live(BICUBIC, rtsp[1], tmp_path / "b.mkv")


@pytest.mark.slow
def test_rtsp_without_this_stream(tmp_path, rtsp):
    with pytest.raises(InputError, match=r"/other: cannot be read as a video .Server returned 404 Not Found."):
        live.predict_live(BICUBIC, rtsp[1].replace("stream", "other"), tmp_path / "a.mkv")


def test_a_camera(tmp_path, monkeypatch):
    """The device goes to FFmpeg's reader of cameras; what that gives is like FFmpeg's test source."""
    asked, whole = {}, live.Video

    def opened(device: str, **options) -> video.Video:
        asked.update(options, device=device)
        return whole("testsrc=size=64x48:rate=25:duration=0.2", **{**options, "format": "lavfi"})

    if live.CAMERA not in av.formats_available:
        pytest.skip("this PyAV reads no cameras")
    monkeypatch.setattr(live, "Video", opened)
    result = live.predict_live(BICUBIC, "/dev/video0", tmp_path / "a.mkv", VideoSettings(drop=False))
    assert (asked["device"], asked["format"], asked["live"]) == ("/dev/video0", live.CAMERA, True)
    assert result.written == len(list(video.frames(tmp_path / "a.mkv"))) == 5
    monkeypatch.setattr(live, "Video", whole)
    with pytest.raises(InputError, match=r"^/dev/video99: cannot be read as a video .No such file or directory.$"):
        live.predict_live(BICUBIC, "/dev/video99", tmp_path)
    monkeypatch.setattr(live, "CAMERA", "cameras of another system")
    with pytest.raises(InputError, match="/dev/video0: this PyAV reads no cameras: pipe it"):
        live.predict_live(BICUBIC, "/dev/video0", tmp_path)
