"""Upscales a stream while it comes in: a pipe, an address, a camera. Frames are dropped rather than queued.

The newest frame is enlarged, and what came meanwhile is left out; the time stamps of the others are kept, so that the result
plays at the speed of the source. Ctrl-C ends the file; it can be played while it grows, too.
"""

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn
from tqdm import tqdm

from sr.device.ahead import Behind
from sr.errors import ExistsError, InputError, StorageError
from sr.functional.frames import is_clip
from sr.image.video import Video
from sr.image.video_facts import library
from sr.image.video_writer import VideoWriter, check_name, losses
from sr.infer.clip import FrameUpscaler
from sr.predict.video import VideoSettings, frame_upscaler, suit

PAST = 5  # frames that a recurrent network for clips sees of a stream: the newest and those before
PIPE = "pipe:0"  # standard input, as FFmpeg names it
SILENT = 20.0  # seconds without a frame after which an address is given up
CAMERA = "video4linux2,v4l2"  # FFmpeg's name of the devices /dev/video0 ...


@dataclass
class LiveResult:
    """Counts of frames, and seconds from the arrival of a frame to its result, on average."""

    written: int = 0
    dropped: int = 0
    latency: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        rate = self.written / self.seconds if self.seconds else 0.0
        return (
            f"{self.written} frames written, {self.dropped} dropped, {rate:.1f} frames/s, latency {1000 * self.latency:.0f} ms"
        )


class Newest:
    """Frames of a source that a thread decodes: `take` gives the newest one, or with `drop=False` each in turn."""

    def __init__(self, video: Video, drop: bool) -> None:
        self.dropped, self._drop = 0, drop
        self._changed, self._waiting = threading.Condition(), deque[tuple[Any, int, float]]()
        self._ended, self._error = False, None
        self._thread = threading.Thread(target=self._read, args=(video,), daemon=True)
        self._thread.start()

    def _read(self, video: Video) -> None:
        try:
            for frame, stamp in video.decoded():
                with self._changed:
                    if self._drop:
                        self.dropped += len(self._waiting)
                        self._waiting.clear()
                    self._waiting.append((frame, stamp, time.monotonic()))
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._drop or len(self._waiting) < 4 or self._ended)
                    if self._ended:
                        return
        except Exception as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, seconds: float = 0.2) -> tuple[Any, int, float] | None:
        """PyAV's frame, its time stamp and its time of arrival; None: there is none yet. EOFError: the source has ended.

        Raises what the source raised, after the frames before.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, seconds)
            if self._waiting:
                self._changed.notify_all()
                return self._waiting.popleft()
            if self._error is not None:
                raise self._error
            if self._ended:
                raise EOFError
            return None

    def stop(self) -> bool:
        """End the thread; False: it still waits for the source."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(1)
        return not self._thread.is_alive()


def predict_live(
    network: nn.Module,
    source: str,
    output: str | Path,
    settings: VideoSettings = VideoSettings(),  # noqa: B008  frozen
    *,
    overwrite: bool = False,
    **options: Any,
) -> LiveResult:
    """Upscale a stream to a video file until it ends or Ctrl-C is pressed; the file is complete in both cases.

    Args:
        source: `-` (a pipe), an address such as rtsp://... or http://..., or a camera such as /dev/video0.
        output: a file, or a folder for live_DATE.mp4.
        options: as for `sr.predict.video.frame_upscaler`.

    Raises:
        InputError: the stream cannot be opened or ends with an error; what was written stays. ExistsError: the file exists.
        StorageError: a full disk; what was written stays.
    """
    target = live_target(output, settings)
    if target.exists() and not overwrite:
        raise ExistsError(f"{target} already exists: pass overwrite=true or another output")
    frames = frame_upscaler(network, settings, **options)
    result = LiveResult()
    sound: deque[Any] = deque()  # packets that wait for the writer
    video = opened(source, settings, sound)
    newest = Newest(video, settings.drop)
    try:
        for line in suit(frames, source, video.facts):
            print(f"{source}: {line}", file=sys.stderr)
        size = frames.result(video.facts.height, video.facts.width)
        writer = VideoWriter(target, video.facts, size, settings.format, live=True, original=video.container)
        for line in (*losses(target, video.facts, size, settings.format), *writer.lost):
            print(f"{source}: {line}", file=sys.stderr)
        with stopping() as stop, writer:
            broken = _run(frames, video, newest, sound, writer, result, stop)
        if video.missing:
            print(f"{source}: {video.missing} packets of the stream could not be decoded", file=sys.stderr)
        if broken is not None:
            raise InputError(f"{broken}; what came before is in {target}") from None
    except StorageError as error:
        reason = f"{error.strerror}; the file can be played, and lacks the last frames"
        raise StorageError(error.errno, reason, str(target)) from None
    finally:
        if newest.stop():  # otherwise its thread still uses it, and ends with the process
            video.close()
        print(f"{target}: {result}")
    return result


def live_target(output: str | Path, settings: VideoSettings) -> Path:
    """The file of a result. InputError: it cannot be written."""
    target = Path(output)
    if target.is_dir() or not target.suffix:
        target = target / f"live_{time.strftime('%Y-%m-%d_%H-%M-%S')}.mp4"
    check_name(target, settings.format)
    return target


def opened(source: str, settings: VideoSettings, sound: deque[Any]) -> Video:
    """A stream, open; packets of its audio and subtitles go to `sound`. InputError: it cannot be opened."""
    if source.startswith("/dev/video"):
        av = library(source)
        if CAMERA not in av.formats_available:
            raise InputError(
                f"{source}: this PyAV reads no cameras: pipe it, as by ffmpeg -f v4l2 -i {source} -f nut -c:v rawvideo - | "
                "python predict.py input=- ..."
            )
        return Video(source, broken="keep", format=CAMERA, live=True)
    options = {"fpsprobesize": "3"}  # frames from which FFmpeg guesses the rate before the first one is shown
    options |= {"rtsp_transport": "tcp"} if source.startswith("rtsp") else {}
    address = PIPE if source == "-" else source
    timeout = None if source == "-" else SILENT
    try:
        return Video(
            address, stream=settings.stream, broken="keep", options=options, timeout=timeout, live=True, others=sound.append
        )
    except InputError as error:
        raise InputError(str(error).replace(f"{PIPE}: ", "input=-: the pipe ", 1)) from None


def _run(
    frames: FrameUpscaler,
    video: Video,
    newest: Newest,
    sound: deque[Any],
    writer: VideoWriter,
    result: LiveResult,
    stop: threading.Event,
) -> InputError | None:
    """Enlarge and write the newest frame, again and again; returns the error with which the stream broke off."""
    broken = None
    clip, first, behind = is_clip(frames.upscaler.network), None, Behind(1)
    seen: deque[np.ndarray] = deque(maxlen=PAST if frames.reach is None else frames.reach + 1)
    progress = tqdm(unit=" frames", smoothing=0.1, bar_format="{n} frames, {rate_fmt}{postfix}")
    began = time.monotonic()
    try:
        while not stop.is_set():
            try:
                taken = newest.take()
            except EOFError:
                break
            except InputError as error:
                broken = error
                break
            if taken is None:
                continue
            frame, stamp, arrived = taken
            first = stamp if first is None else first
            seen.append(video.pixels(frame))
            pixels = frames.newest(list(seen) if clip else [seen[-1]])
            behind(writer.write, pixels, stamp - first)
            while sound:
                behind(writer.copy, sound.popleft(), first * video.facts.time_base)
            result.written += 1
            result.dropped = newest.dropped
            latency = time.monotonic() - arrived
            result.latency += (latency - result.latency) / result.written
            result.seconds = time.monotonic() - began
            progress.set_postfix_str(f"latency {1000 * latency:.0f} ms, {result.dropped} dropped", refresh=False)
            progress.update()
        behind.wait()
        return broken
    finally:
        behind.close()
        progress.close()


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that no step is cut in two; a second Ctrl-C interrupts as usual."""
    stop, before = threading.Event(), {}

    def handle(number: int, _: Any) -> None:
        stop.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
