"""Upscales video files: frames stream through the network; times, colours, audio and subtitles are kept.

Finished parts of a result lie in a folder beside it until it is complete, so that a stopped job goes on. Each part is encoded
on its own, and what becomes of a frame does not depend on where the job stopped: the result is the same.
"""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from torch import nn
from tqdm import tqdm

from sr.device.ahead import Behind, ahead
from sr.errors import InputError, MissingError, NotFiniteError, StorageError
from sr.functional.frames import is_clip
from sr.image.kind import PHOTO, Kind
from sr.image.video import Frame, Video
from sr.image.video_facts import VideoFacts
from sr.image.video_join import joined
from sr.image.video_writer import VideoFormat, VideoWriter, check_name, losses
from sr.image.writer import one_line
from sr.infer.clip import FrameUpscaler, Segments
from sr.infer.memory import out_of_memory
from sr.infer.scenes import check_threshold
from sr.infer.upscaler import channels
from sr.predict.claims import Claims
from sr.predict.files import sized_upscaler
from sr.predict.result import Result
from sr.predict.size import remarks
from sr.predict.video_parts import Parts, fingerprint

PART = 120  # frames of a part: what a stopped job loses at most
BATCH_PIXELS = 256 * 256  # LR pixels of a tile: small frames are put together until they have as many as `batch` tiles


@dataclass(frozen=True)
class VideoSettings:
    """`video.*` of predict.py.

    Args:
        codec, quality, chroma: as in VideoFormat.
        stream: which of several video streams, from 0.
        broken: "keep" the frames that can be read, or "refuse" the file.
        segment, overlap: frames of a segment, and those that two share, for networks for clips, as in Segments.
        cuts: score of FFmpeg's scdet from which a frame begins a scene; None: no cuts.
        part: frames of a part.
        drop: whether frames of a stream are dropped when the network is slower.
        shown: frames of a page with compare=true.
    """

    codec: str = "auto"
    quality: int = 17
    chroma: int = 420
    stream: int | None = None
    broken: Literal["keep", "refuse"] = "keep"
    segment: int | None = None
    overlap: int = 16
    cuts: float | None = 10.0
    part: int = PART
    drop: bool = True
    shown: int = 100
    format: VideoFormat = field(init=False)
    segments: Segments = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "format", VideoFormat(self.codec, self.quality, self.chroma))
        object.__setattr__(self, "segments", Segments(self.segment, self.overlap))
        if self.broken not in ("keep", "refuse"):
            raise InputError(f"video.broken={self.broken}: choose keep or refuse")
        if self.stream is not None and (type(self.stream) is not int or self.stream < 0):
            raise InputError(f"video.stream={self.stream}: pass the number of a video stream, from 0, or null")
        if type(self.drop) is not bool:
            raise InputError(f"video.drop={self.drop}: choose true or false")
        for name in ("part", "shown"):
            if type(value := getattr(self, name)) is not int or value < 1:
                raise InputError(f"video.{name}={value}: pass a number of frames")
        check_threshold("video.cuts", self.cuts)

    @classmethod
    def of(cls, keys: Mapping[str, Any]) -> Self:
        """The settings of the keys of `video`. InputError: an unknown key, or a wrong value; one line that names the key."""
        known = [each.name for each in fields(cls) if each.init]
        if unknown := next((key for key in keys if key not in known), None):
            raise InputError(f"video.{unknown}: there is no such key: choose one of {', '.join(known)}")
        return cls(**keys)

    def check(self, target: Path) -> None:
        """InputError: a result cannot have this name."""
        check_name(target, self.format)


def frame_upscaler(
    network: nn.Module,
    settings: VideoSettings,
    *,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    batch: int | Literal["auto"] = "auto",
    precision: str | int = "32",
    ensemble: bool = False,
    outscale: float | None = None,
    size: str | None = None,
) -> FrameUpscaler:
    """Check the settings, as in predict_files. InputError: one of them is invalid."""
    options = {"tile": tile, "overlap": overlap, "ensemble": ensemble, "batch": batch, "precision": precision}
    enlarged = sized_upscaler(network, outscale, size, **options)
    return FrameUpscaler(enlarged, settings.segments, size=enlarged.target, outscale=outscale, cuts=settings.cuts)


def suit(frames: FrameUpscaler, name: str, facts: VideoFacts, part: int = 1) -> list[str]:
    """Set the batch for a video, so that a part has whole batches; returns remarks. InputError: the network is not for it."""
    height, width, enlarged = facts.height, facts.width, frames.upscaler
    bands = channels(enlarged.network)
    if bands not in (1, 3):
        raise InputError(f"{name}: the network is for {bands} bands; videos have three")
    if bands == 1 and not facts.format.startswith("gray"):
        raise InputError(f"{name}: the video has colour, but the network is for gray (image=gray)")
    most = min(64, enlarged.batch * BATCH_PIXELS // (height * width)) if enlarged.batch > 1 else 1
    frames.batch = max(count for count in range(1, max(most, 1) + 1) if part % count == 0)
    lines = list(facts.guessed)
    if enlarged.target is not None:
        lines += remarks(enlarged.network, (height, width), enlarged.target)
    if is_clip(enlarged.network) and facts.frames and facts.frames < frames.window:
        lines.append(f"its length of {facts.frames} is shorter than the network's window of {frames.window} frames")
    return lines


def predict_videos(
    network: nn.Module,
    files: Sequence[tuple[Path, Path]],
    settings: VideoSettings = VideoSettings(),  # noqa: B008  frozen
    *,
    overwrite: bool = False,
    kind: Kind = PHOTO,
    **options: Any,
) -> Result:
    """Upscale each video to its output file, frame by frame, with frames per second and the remaining time.

    A failed file costs one line on stderr, not the job. Existing results are skipped unless `overwrite`.

    Args:
        options: as for `frame_upscaler`.

    Raises:
        InputError: invalid settings. StorageError: a full disk; the line says where the finished part of the video is.
    """
    if kind.dtype not in ("uint8", "uint16") or not kind.whole:
        raise InputError(f"image={kind.name}: videos are photographs: use a network for image=photo, photo16 or gray")
    frames = frame_upscaler(network, settings, **options)
    known = {"network": fingerprint(network), **asdict(settings), **options}
    for free in ("broken", "drop", "shown"):  # pixels do not depend on them
        del known[free]
    result = Result()
    try:
        with Claims(files, overwrite, result) as claims:
            for number, (source, target) in enumerate(claims):
                count = len(claims.left) - result.elsewhere
                label = source.name if count == 1 else f"{number + 1} of {count}, {source.name}"
                try:
                    _Job(source, target, frames, settings, known, label).run(result)
                except (InputError, MissingError) as error:
                    result.fail(str(error))
                except NotFiniteError as error:
                    result.fail(f"{source}: {error}")
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error):
                        raise
                    result.fail(f"{source}: {one_line(error)[:200]}")
                claims.done(target)
    finally:
        print(result)
    return result


class _Job:
    """One video."""

    def __init__(
        self, source: Path, target: Path, frames: FrameUpscaler, settings: VideoSettings, known: dict[str, Any], label: str
    ) -> None:
        self.source, self.target, self.frames, self.settings, self.label = source, target, frames, settings, label
        self.known, self._times = known, deque[int]()
        self._open: list[VideoWriter] = []

    def run(self, result: Result) -> None:
        """Upscale what is missing, then join the parts."""
        with Video(self.source, stream=self.settings.stream, broken=self.settings.broken) as video:
            for line in suit(self.frames, str(self.source), video.facts, self.settings.part):
                tqdm.write(f"{self.source}: {line}", file=sys.stderr)
            size = self.frames.result(video.facts.height, video.facts.width)
            lost = losses(self.target, video.facts, size, self.settings.format)
            stat = self.source.stat()
            parts = Parts(self.target, {**self.known, "source": [str(self.source.resolve()), stat.st_size, stat.st_mtime_ns]})
            if parts.stale:
                tqdm.write(f"{self.source}: parts of an earlier job with other settings are removed", file=sys.stderr)
            elif parts.frames:
                tqdm.write(f"{self.source}: goes on after frame {parts.frames}", file=sys.stderr)
            try:
                self._enlarge(video, parts)
            except StorageError as error:
                raise StorageError(error.errno, f"{error.strerror}; {self._kept(parts)}", str(self.target)) from None
            except KeyboardInterrupt:
                print(f"\n{self.source}: {self._kept(parts)}", file=sys.stderr)
                raise
            finally:
                parts.remove(empty=True)
            missing = video.missing
        try:
            lost += joined(parts.files, parts.times, self.target, video.facts, self.source)
        except StorageError as error:
            raise StorageError(error.errno, f"{error.strerror}; {self._kept(parts)}", str(self.target)) from None
        parts.remove()
        told = {f"streams or facts ({line})": line for line in lost}
        if missing:
            told["frames that cannot be read"] = f"broken: {parts.frames} frames were read, at least {missing} are missing"
        result.add(self.source, told)

    def _kept(self, parts: Parts) -> str:
        if not parts.files:
            return "nothing was finished"
        return f"{parts.frames} frames are kept in {parts.folder} and can be played: run the same command to go on"

    def _enlarge(self, video: Video, parts: Parts) -> None:
        """Write all parts after the finished ones."""
        clip, start = is_clip(self.frames.upscaler.network), parts.frames
        before = 0 if clip else start  # networks for clips look for cuts from the first frame on
        size = self.frames.result(video.facts.height, video.facts.width)
        format = self.settings.format.settled(self.target, video.facts.deep)
        total = video.facts.frames
        progress = tqdm(total=total, initial=start, desc=self.label, unit=" frames", smoothing=0.05)
        reading, behind = ahead(self._noted(video.read(before), start - before)), Behind()
        results = self.frames(reading, start - before)
        writer, times = None, []
        try:
            for pixels in results:
                if writer is None:
                    behind.wait()  # until the part before is complete
                    writer = VideoWriter(parts.next(), video.facts, size, format)
                    self._open.append(writer)
                times.append(self._times.popleft())
                behind(writer.write, pixels, times[-1])
                del pixels
                progress.update()
                if len(times) == self.settings.part:
                    behind(self._finish, parts, writer, times)
                    writer, times = None, []
            if writer is not None:
                behind(self._finish, parts, writer, times)
            behind.wait()
        finally:
            results.close()
            reading.close()
            behind.close()
            for unfinished in self._open:
                unfinished.abort()
            progress.close()

    def _noted(self, frames: Iterator[Frame], start: int) -> Iterator[np.ndarray]:
        """The pixels; the time stamps from frame `start` on are kept for the results."""
        for number, frame in enumerate(frames):
            if number >= start:
                self._times.append(frame.time)
            yield frame.pixels

    def _finish(self, parts: Parts, writer: VideoWriter, times: list[int]) -> None:
        writer.close()
        self._open.remove(writer)
        parts.add(writer.path, times)
