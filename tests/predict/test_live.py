"""Streams: from ffmpeg's program through a pipe and over HTTP; slow networks drop frames; Ctrl-C leaves a file that plays."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import nn

from sr.errors import ExistsError, InputError, StorageError
from sr.image import video
from sr.predict import live
from sr.predict.video import VideoSettings
from tests.infer.test_clip import Recurrent
from tests.predict.jobs import BICUBIC

av = pytest.importorskip("av")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
STREAM = ["-c:v", "ffv1", "-g", "1", "-f", "nut", "-"]
SOURCE = ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration={}"]


@contextmanager
def piped(seconds: float, monkeypatch) -> Iterator[None]:
    """ffmpeg sends a stream of so many seconds, at its speed, to what `input=-` reads."""
    words = [word.format(seconds) for word in SOURCE]
    job = subprocess.Popen([*words, *STREAM], stdout=subprocess.PIPE)
    whole = live.Video
    monkeypatch.setattr(
        live, "Video", lambda address, **o: whole(address.replace("pipe:0", f"pipe:{job.stdout.fileno()}"), **o)
    )
    try:
        yield
    finally:
        job.kill()
        job.wait()
        job.stdout.close()


class Slow(nn.Module):
    """Bicubic x2 that takes 0.15 seconds."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        time.sleep(0.15)
        return BICUBIC(lr)


@needs_ffmpeg
@pytest.mark.slow
def test_a_slow_network_drops_frames(tmp_path, monkeypatch, capsys):
    with piped(1.2, monkeypatch):
        result = live.predict_live(Slow(), "-", tmp_path / "a.mp4")
    assert 3 <= result.written <= 10 and 0.1 < result.latency < 0.6  # with a queue of 20 frames it would reach 3 seconds
    assert result.dropped + result.written == 30
    with video.Video(tmp_path / "a.mp4") as opened:
        times = [float(frame.time * opened.facts.time_base) for frame in opened.read(convert=False)]
    assert len(times) == result.written and times[0] == 0 and times[-1] > 0.5  # at the speed of the source
    assert "dropped" in capsys.readouterr().out


@needs_ffmpeg
@pytest.mark.medium
def test_nothing_is_dropped_on_demand(tmp_path, monkeypatch):
    with piped(0.4, monkeypatch):
        result = live.predict_live(Slow(), "-", tmp_path / "a.mkv", VideoSettings(drop=False))
    assert (result.written, result.dropped) == (10, 0) == (len(list(video.frames(tmp_path / "a.mkv"))), 0)


@needs_ffmpeg
def test_a_network_for_clips_sees_the_frames_before(tmp_path, monkeypatch):
    Recurrent.seen.clear()
    with piped(0.4, monkeypatch):
        live.predict_live(Recurrent(), "-", tmp_path / "a.mkv", VideoSettings(drop=False))
    assert Recurrent.seen == [1, 2, 3, 4, 5, 5, 5, 5, 5, 5]


@needs_ffmpeg
@pytest.mark.medium
def test_sound_is_recorded(tmp_path, monkeypatch):
    sound = ["-f", "lavfi", "-i", "sine=duration=1.2", "-c:a", "aac"]
    monkeypatch.setattr(sys.modules[__name__], "STREAM", [*sound, "-c:v", "mpeg2video", "-g", "5", "-f", "mpegts", "-"])
    with piped(1.2, monkeypatch):
        result = live.predict_live(BICUBIC, "-", tmp_path / "a.mp4")
    with av.open(tmp_path / "a.mp4") as file:
        samples = sum(frame.samples for frame in file.decode(audio=0))
        assert samples / file.streams.audio[0].rate > 0.5 and result.written
    assert video.facts(tmp_path / "a.mp4").audio == ("aac",)


@needs_ffmpeg
def test_ctrl_c_leaves_a_file_that_plays(tmp_path, monkeypatch):
    def interrupt() -> None:
        while not (tmp_path / "a.mp4").exists() or (tmp_path / "a.mp4").stat().st_size < 5000:
            time.sleep(0.02)
        shutil.copy(tmp_path / "a.mp4", tmp_path / "growing.mp4")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with piped(60, monkeypatch):
        result = live.predict_live(BICUBIC, "-", tmp_path / "a.mp4")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert 0 < result.written == len(list(video.frames(tmp_path / "a.mp4")))
    assert 0 < len(list(video.frames(tmp_path / "growing.mp4"))) <= result.written  # as it was while it grew


@needs_ffmpeg
@pytest.mark.medium
def test_a_full_disk_leaves_a_file_that_plays(tmp_path, monkeypatch):
    """By a limit on the size of files, which the system reports like a full disk."""
    source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration={},noise=alls=90:allf=t"]
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", source)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with piped(4, monkeypatch), pytest.raises(StorageError, match=r"^[^:]*a.mp4: File too large; the file can be played"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
            live.predict_live(BICUBIC, "-", tmp_path / "a.mp4", VideoSettings(drop=False))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with video.Video(tmp_path / "a.mp4", broken="keep") as opened:
        assert len(list(opened.read(convert=False))) > 10


@needs_ffmpeg
@pytest.mark.medium
def test_over_http(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/stream.mkv"
    words = [word.format(1.0) for word in SOURCE]
    job = subprocess.Popen([*words, "-c:v", "ffv1", "-g", "1", "-f", "matroska", "-listen", "1", address])
    try:
        for _ in range(50):  # until it listens
            try:
                result = live.predict_live(BICUBIC, address, tmp_path / "a.mkv")
                break
            except InputError:
                time.sleep(0.1)
    finally:
        job.kill()
        job.wait()
    assert result.written + result.dropped == 25 and result.written > 0


def test_bad_streams_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="http://127.0.0.1:9/x: cannot be read as a video .Connection refused"):
        live.predict_live(BICUBIC, "http://127.0.0.1:9/x", tmp_path / "a.mp4")
    file = os.open(tmp_path / "empty", os.O_CREAT)
    monkeypatch.setattr(live, "PIPE", f"pipe:{file}")
    with pytest.raises(InputError, match="^input=-: the pipe cannot be read as a video"):
        live.predict_live(BICUBIC, "-", tmp_path / "a.mp4")
    os.close(file)
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ExistsError, match="overwrite=true"):
        live.predict_live(BICUBIC, "-", tmp_path / "a.mp4")
    with pytest.raises(InputError, match="choose one of .mp4"):
        live.live_target("a.gif", VideoSettings())
    assert live.live_target(tmp_path, VideoSettings()).name.startswith("live_")
