"""Reads video files and streams frame by frame, as upright RGB (PyAV, which contains FFmpeg's libraries).

PyAV is an optional dependency: `pip install ".[video]"`. Colours are converted by the matrix and the range that the file
states. `sr/image/video_writer.py` writes.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Self

import numpy as np

from sr.errors import InputError, MissingError, first_line
from sr.image.video_facts import FULL, LIMITED, UNSPECIFIED, VideoFacts, facts_of, library, plain

EXTENSIONS = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".m2ts", ".3gp", ".y4m", ".ogv",
)  # fmt: skip
SHORT = Fraction(1, 4)  # seconds by which a whole file may end early: the last packet of a stream need not state its duration


@dataclass(frozen=True)
class Frame:
    """A frame (H, W, 3) RGB, uint8 or uint16 (0 to 65535, whatever the bits of the file), and its time stamp.

    `time` counts units of `VideoFacts.time_base`; `corrupt`: the decoder made up a part of it.
    """

    pixels: np.ndarray
    time: int
    corrupt: bool = False


def facts(path: str | Path, stream: int | None = None) -> VideoFacts:
    """What a video says about itself. Raises as `Video`."""
    with Video(path, stream=stream) as video:
        return video.facts


def frames(path: str | Path, start: int = 0, broken: Literal["refuse", "keep"] = "refuse") -> Iterator[np.ndarray]:
    """The frames of a video from frame `start` on, (H, W, 3) RGB upright, uint8 or uint16. Raises as `Video`."""
    with Video(path, broken=broken) as video:
        yield from (frame.pixels for frame in video.read(start))


class Video:
    """An open video, for `with` and for one pass: `facts`, then `read()`.

    Args:
        source: a file; with `live` what FFmpeg opens: an address, a pipe, a device with its `format`.
        stream: which video stream of several, from 0; None: there must be only one. Cover pictures do not count.
        broken: what to do where frames cannot be decoded, or are missing at the end: "refuse" the file, or "keep" the others;
            `missing` then counts the errors and the frames that are missing at the end.
        format, options: of FFmpeg's demuxer.
        timeout: seconds for which a stream may be silent.
        live: a stream: decoded with as little delay as possible.
        others: gets the packets of audio and subtitles, in their order.

    Raises:
        MissingError: no such file. InputError: PyAV is not installed; the file cannot be read, has no video stream, or two,
            frames of several sizes, or colours that cannot be converted; one line that names the file. The last three may come
            from `read`.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        stream: int | None = None,
        broken: Literal["refuse", "keep"] = "refuse",
        format: str | None = None,
        timeout: float | None = None,
        options: dict[str, str] | None = None,
        live: bool = False,
        others: Callable[[Any], None] | None = None,
    ) -> None:
        self.name = str(source)
        self.broken, self.missing, self._others = broken, 0, others
        av = library(self.name)
        self._av, self._reformatter, self._end = av, None, Fraction(0)
        self._live, self._timeout, self._asked = live, timeout, monotonic()
        if not live:
            if not os.path.exists(self.name):
                raise MissingError(f"{self.name}: no such file")
            if os.path.getsize(self.name) == 0:
                raise InputError(f"{self.name}: an empty file")
        try:
            self.container = av.open(self.name, "r", format=format, options=options, timeout=timeout)
        except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.name}: cannot be read as a video ({self._reason(error)})") from None
        try:
            self.stream = self._chosen(stream)
            self.stream.thread_type = "SLICE" if live else "AUTO"  # one frame per thread would delay frames
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise InputError(f"{self.name}: no frame can be decoded")
            self.facts = facts_of(self.name, self.container, self.stream, self._first)
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._decoded.close()
        self.container.close()

    def read(self, start: int = 0, convert: bool = True) -> Iterator[Frame]:
        """The frames from frame `start` on; the earlier ones are decoded too. `convert=False`: without pixels."""
        for number, (frame, time) in enumerate(self.decoded()):
            if number >= start:
                yield Frame(self.pixels(frame) if convert else None, time, frame.is_corrupt)

    def decoded(self) -> Iterator[tuple[Any, int]]:
        """PyAV's frames, for `pixels`, and their time stamps."""
        number, last = -1, None
        for number, frame in enumerate(itertools.chain([self._first], self._decoded)):
            self._check_size(frame, number)
            last = self._time(frame, number, last)
            yield frame, last
        if self.missing == 0:
            self._check_end(number + 1)

    def pixels(self, frame: Any) -> np.ndarray:
        """A frame of the stream as (H, W, 3) RGB, upright."""
        facts = self.facts
        array = _gray(frame.to_ndarray(), facts) if facts.gray and facts.levels < 1 << 16 else self._rgb(frame)
        if facts.mirrored:
            array = array[:, ::-1]
        return np.ascontiguousarray(np.rot90(array, facts.rotation // 90))

    def _rgb(self, frame: Any) -> np.ndarray:
        self._reformatter = self._reformatter or self._av.video.reformatter.VideoReformatter()
        facts = self.facts
        try:
            rgb = self._reformatter.reformat(
                frame,
                format="rgb48le" if facts.deep else "rgb24",
                src_colorspace=None if facts.matrix in (0, UNSPECIFIED) else facts.matrix,
                src_color_range=facts.range,
                dst_color_range=FULL,
                interpolation=flags(self._av),
            )
        except (self._av.FFmpegError, ValueError) as error:
            raise InputError(f"{self.name}: cannot convert pixel format {facts.format} ({first_line(error)})") from None
        return rgb.to_ndarray()

    def _chosen(self, wanted: int | None) -> Any:
        attached = self._av.stream.Disposition.attached_pic
        streams = [each for each in self.container.streams.video if not each.disposition & attached]
        if not streams:
            raise InputError(f"{self.name}: no video stream")
        if wanted is None and len(streams) > 1:
            sizes = ", ".join(f"{number}: {each.width}x{each.height}" for number, each in enumerate(streams))
            raise InputError(f"{self.name}: {len(streams)} video streams ({sizes}): pass video.stream=0 or another")
        if wanted is not None and not 0 <= wanted < len(streams):
            raise InputError(f"{self.name}: video.stream={wanted}, but it has {len(streams)} video stream(s), from 0")
        chosen = streams[wanted or 0]
        if chosen.codec_context is None:
            raise InputError(f"{self.name}: no decoder for its video stream")
        return chosen

    def _decode(self) -> Iterator[Any]:
        """Frames of FFmpeg, in the order in which they are shown."""
        others = [each for each in self.container.streams if each.type in ("audio", "subtitle")]
        packets = self.container.demux(self.stream, *others)
        while True:
            self._asked = monotonic()
            try:
                packet = next(packets, None)
            except self._av.FFmpegError as error:  # FFmpeg cannot go on after it
                if self._live:
                    raise InputError(f"{self.name}: the stream broke off ({self._reason(error)})") from None
                self._broken(self._reason(error), 1)
                packet, packets = None, iter(())
            if packet is not None and packet.pts is not None:
                self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet is not None and packet.stream_index != self.stream.index:
                if packet.size and self._others:  # the last one of each stream is empty: it flushes decoders
                    self._others(packet)
                continue
            try:
                found = self.stream.codec_context.decode(packet)
            except self._av.EOFError:
                return
            except self._av.FFmpegError as error:
                self._broken(self._reason(error), 1)
                found = []
            yield from found
            if packet is None or packet.size == 0:
                return

    def _reason(self, error: Exception) -> str:
        if self._timeout and monotonic() - self._asked >= self._timeout:  # FFmpeg says "Immediate exit requested"
            return f"no data for {self._timeout:g} seconds"
        return first_line(plain(error))

    def _broken(self, reason: str, missing: int) -> None:
        self.missing += missing
        if self.broken == "refuse":
            raise InputError(f"{self.name}: broken ({reason}): pass video.broken=keep to keep the frames that can be read")

    def _check_end(self, number: int) -> None:
        """Whether the file was cut off after `number` frames. Matroska states its duration, others the number of frames."""
        if (self.facts.count or 0) > number:
            missing = self.facts.count - number
            self._broken(f"{missing} of {self.facts.count} frames are missing at the end", missing)
        whole = self.container.duration if "matroska" in self.container.format.name else None
        if len(self.container.streams.video) > 1:  # one that is not read may be longer
            whole = None
        if whole and self._end < (seconds := Fraction(whole, self._av.time_base)) - max(3 / (self.facts.rate or 25), SHORT):
            self._broken(f"it ends after {float(self._end):.1f} of {float(seconds):.1f} seconds", 1)

    def _time(self, frame: Any, number: int, last: int | None) -> int:
        """The time stamp; made from the rate where the container has none, and never behind the frame before."""
        base = self.facts.time_base
        step = max(1, round(1 / (self.facts.rate or Fraction(25)) / base))
        if frame.pts is None:
            return number * step if last is None else last + step
        time = frame.pts if frame.time_base in (None, base) else round(frame.pts * frame.time_base / base)
        return time if last is None or time > last else last + 1

    def _check_size(self, frame: Any, number: int) -> None:
        size, first = (frame.width, frame.height), (self._first.width, self._first.height)
        if size != first:
            raise InputError(
                "{}: frame {} is {}x{}, but those before are {}x{}: cut the file there".format(self.name, number, *size, *first)
            )


def _gray(values: np.ndarray, facts: VideoFacts) -> np.ndarray:
    """(H, W) of gray -> (H, W, 3), by NumPy: swscale takes all gray for full range, and white of 10 bits for 0.999."""
    black, white = [level * (facts.levels + 1) // 256 for level in (16, 235)] if facts.range == LIMITED else (0, facts.levels)
    kind = np.uint16 if facts.deep else np.uint8
    top = np.iinfo(kind).max
    scaled = (values.astype(np.float32) - black) * np.float32(top / (white - black)) + 0.5
    return np.repeat(scaled.clip(0, top).astype(kind)[..., None], 3, -1)


def flags(av: Any) -> int:
    """How swscale resamples chroma: bicubic, rounded exactly, the same on every processor."""
    ways = av.video.reformatter.Interpolation
    return ways.BICUBIC | ways.FULL_CHR_H_INT | ways.FULL_CHR_H_INP | ways.ACCURATE_RND | ways.BITEXACT
