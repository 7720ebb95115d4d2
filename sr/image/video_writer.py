"""Writes video files: RGB frames with time stamps become H.264, HEVC, VP9, AV1 or FFV1, tagged with their source's colours.

`sr/image/video_join.py` makes one file of several and adds audio and subtitles.
"""

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sr.errors import InputError, StorageError, first_line
from sr.files import Completed
from sr.image.gray import rgb2gray
from sr.image.hdr import WRITING
from sr.image.video import flags
from sr.image.video_copy import copies
from sr.image.video_facts import FULL, LIMITED, UNSPECIFIED, VideoFacts, library, plain

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1", "ffv1": "ffv1"}
WRITTEN = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".ts", ".m2ts")
FRAGMENTED = (".mp4", ".mov", ".m4v")  # as a rule they can only be played once they are complete
LOOKAHEAD = 100e6  # bytes of frames that an encoder looks ahead at most; x264's 40 frames of 4K would need 1 GB
HD = (1280, 576)  # a wider or a higher picture without a stated matrix is shown by that of BT.709


@dataclass(frozen=True)
class VideoFormat:
    """How videos are written.

    Args:
        codec: auto: VP9 in WebM, else H.264 for 8 bits and HEVC for more (few players show H.264 of 10 bits).
        quality: constant rate factor: lower is better; 17 is close to the frames themselves, 23 is x264's own default. Not for
            ffv1, which is lossless.
        chroma: 420, 422 or 444; 420 is what all players show. Odd sizes become 444, and ffv1 keeps gray videos gray.
    """

    codec: str = "auto"
    quality: int = 17
    chroma: int = 420

    def __post_init__(self) -> None:
        if self.codec not in ("auto", *ENCODERS):
            raise InputError(f"video.codec={self.codec}: choose auto or one of {', '.join(ENCODERS)}")
        if type(self.quality) is not int or not 0 <= self.quality <= 63:
            raise InputError(f"video.quality={self.quality}: pass a whole number from 0 (best) to 51, or 63 for vp9 and av1")
        if self.chroma not in (420, 422, 444):
            raise InputError(f"video.chroma={self.chroma}: choose 420, 422 or 444")

    def settled(self, path: Path, deep: bool) -> Self:
        """The same with a codec for a file and for the depth of its frames. InputError: the codec has no such quality."""
        by_itself = "vp9" if path.suffix.lower() == ".webm" else "hevc" if deep else "h264"
        found = replace(self, codec=by_itself) if self.codec == "auto" else self
        if found.codec in ("h264", "hevc") and self.quality > 51:
            raise InputError(f"video.quality={self.quality}: {found.codec} has 0 (best) to 51")
        return found

    def pixels(self, size: tuple[int, int], facts: VideoFacts, encoder: Any) -> str:
        """FFmpeg's name of the pixel format for frames of (height, width) of a video."""
        chroma, bits = 444 if size[0] % 2 or size[1] % 2 else self.chroma, facts.levels.bit_length()
        base = "gray" if facts.gray and encoder.name == "ffv1" else f"yuv{chroma}p"
        names = [f"{base}{deep}le" for deep, least in ((16, 13), (12, 11), (10, 9)) if bits >= least]
        known = {each.name for each in encoder.video_formats or ()}
        found = next((name for name in (*names, base) if name in known), None)
        if found is None or (bits > 8 and found == base):
            raise InputError(
                f"{facts.path}: {encoder.name} cannot write {chroma} of {max(bits, 8)} bits: pass video.codec=hevc and "
                "output=....mkv or .mp4"
            )
        return found


def check_name(path: Path, format: VideoFormat) -> None:
    """InputError: no container has this extension, or the codec does not go into it."""
    if path.suffix.lower() not in WRITTEN:
        raise InputError(f"output={path}: {path.suffix or 'no extension'}: choose one of {', '.join(WRITTEN)}")
    if path.suffix.lower() == ".webm" and format.codec not in ("auto", "vp9", "av1"):
        raise InputError(f"output={path}: WebM holds vp9 and av1, not video.codec={format.codec}: choose .mkv")
    if path.suffix.lower() in (".mp4", ".m4v", ".mov", ".ts", ".m2ts") and format.codec == "ffv1":
        raise InputError(f"output={path}: {path.suffix} does not hold ffv1: choose .mkv")
    format.settled(path, deep=False)


class VideoWriter(Completed):
    """A video that grows frame by frame and gets its name when it is closed.

    Args:
        path: its extension selects the container.
        facts: of the source: its time base, rate, colours, and shape of pixels are those of the result.
        size: height and width of the frames.
        live: the file can be played at any time while it grows, and encoding adds little delay.
        original: PyAV's container whose audio and subtitles are added by `copy`; `lost` says which are not.

    Raises:
        InputError: what cannot be encoded. StorageError: a full disk, from `write` and `close`; both name the file.
    """

    def __init__(
        self,
        path: Path,
        facts: VideoFacts,
        size: tuple[int, int],
        format: VideoFormat,
        live: bool = False,
        original: Any = None,
    ) -> None:
        self.path, self.facts, self.size = path, facts, size
        self._av, self._live = library(str(path)), live
        self.temporary = path if live else path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
        codec, self.format = encoded(path, facts, size, format)
        self.matrix, self.range = tags(facts, size, self.format)
        self._dts: int | None = None
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._naming():
            self._file = self._av.open(self.temporary, "w", container_options=self._growing() if live else {})
            self._stream = self._file.add_stream(codec.name, rate=facts.rate or 25, options=self._options(codec.name, format))
            self._set(self._stream, self._stream.codec_context)
            self._copies, self.lost = ({}, []) if original is None else copies(self._file, original, path)

    def _set(self, stream: Any, context: Any) -> None:
        stream.height, stream.width = self.size
        stream.pix_fmt = self.format
        context.time_base = self.facts.time_base
        context.sample_aspect_ratio = self.facts.aspect
        context.colorspace, context.color_range = self.matrix, self.range
        context.color_primaries, context.color_trc = self.facts.primaries, self.facts.transfer

    def _growing(self) -> dict[str, str]:
        """Options of the muxer for a file that can be played while it grows: a piece per second."""
        if self.path.suffix.lower() in FRAGMENTED:
            return {"frag_duration": "1000000", "flush_packets": "1"}
        matroska = {"cluster_time_limit": "1000"} if self.path.suffix.lower() in (".mkv", ".webm") else {}
        return {"flush_packets": "1", **matroska}

    def _options(self, encoder: str, format: VideoFormat) -> dict[str, str]:
        deep, ahead = 2 if self.facts.deep else 1, self.size[0] * self.size[1] * 1.5
        ahead = int(min(max(LOOKAHEAD / (ahead * deep), 5), 40))
        light = self.facts.light.options(encoder) if encoder in WRITING else {}
        light = ":".join(f"{key}={value}" for key, value in light.items())
        if encoder == "libx264":
            options = {"crf": str(format.quality), "rc-lookahead": str(ahead)} | ({"x264-params": light} if light else {})
            return options | ({"tune": "zerolatency", "preset": "veryfast"} if self._live else {})
        if encoder == "libx265":
            more = ":bframes=0" if self._live else ""
            more += ":range=full" if self.range == FULL else ""
            more += f":{light}" if light else ""
            return {"crf": str(format.quality), "x265-params": f"log-level=none:rc-lookahead={ahead}{more}"}
        if encoder == "libvpx-vp9":
            few = {"lag-in-frames": "0", "deadline": "realtime"} if self._live else {"lag-in-frames": str(min(ahead, 25))}
            return {"crf": str(format.quality), "b": "0", "row-mt": "1", "cpu-used": "4", **few}
        if encoder == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # errors alone
            few = {"svtav1-params": light} if light else {}
            return {"crf": str(format.quality), "preset": "10" if self._live else "8", **few}
        return {}

    def write(self, pixels: np.ndarray, time: int) -> None:
        """Add a frame (H, W, 3) RGB, uint8 or uint16 (0 to 65535), at a time stamp in units of `facts.time_base`."""
        with self._naming():
            made = self._gray(pixels) if self.format.startswith("gray") else self._yuv(pixels)
            made.pts, made.time_base = time, self.facts.time_base
            self._mux(self._stream.encode(made))

    def _mux(self, packets: list[Any]) -> None:
        """Write packets; x265 leaves the times of decoding unset in videos of a few frames, fewer than it reorders."""
        for packet in packets:
            earliest = packet.pts - round(60 / self.facts.time_base)
            if packet.dts is None or not earliest <= packet.dts <= packet.pts:
                packet.dts = packet.pts if self._dts is None else min(packet.pts, self._dts + 1)
            self._dts = packet.dts
            self._file.mux_one(packet)

    def _yuv(self, pixels: np.ndarray) -> Any:
        return self._reformatter.reformat(
            self._av.VideoFrame.from_ndarray(pixels, "rgb48le" if pixels.dtype == np.uint16 else "rgb24"),
            format=self.format,
            dst_colorspace=self.matrix,
            src_color_range=FULL,
            dst_color_range=self.range,
            interpolation=flags(self._av),
        )

    def _gray(self, pixels: np.ndarray) -> Any:
        """By NumPy: swscale is wrong by up to 3 of 1023 levels."""
        top, most = np.iinfo(pixels.dtype).max, _levels(self.format)
        gray = rgb2gray(pixels)[..., 0].astype(np.float32) * np.float32(most / top) + 0.5
        return self._av.VideoFrame.from_ndarray(gray.astype(np.uint16 if most > 255 else np.uint8), self.format)

    def copy(self, packet: Any, start: Fraction) -> None:
        """Add a packet of the original's audio or subtitles; `start` seconds of the original are 0 here."""
        if packet.stream_index not in self._copies or packet.dts is None:
            return
        shift = round(start / packet.time_base)
        if packet.dts >= shift:
            packet.pts, packet.dts = (packet.dts if packet.pts is None else packet.pts) - shift, packet.dts - shift
            packet.stream = self._copies[packet.stream_index]
            with self._naming():
                self._file.mux_one(packet)

    def close(self) -> None:
        """Finish the file and rename it."""
        try:
            with self._naming():
                self._mux(self._stream.encode())
                self._file.close()
                os.replace(self.temporary, self.path)
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Close and remove the unfinished file; a live one stays, as far as it was written."""
        with suppress(Exception):
            self._file.close()
        if not self._live:
            with suppress(OSError):
                self.temporary.unlink()

    def _naming(self) -> "naming":
        return naming(self.path)


class naming:  # noqa: N801  used as a function
    """Turn PyAV's errors, for `with`, into one line that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, InputError | StorageError):
            return
        if isinstance(error, OSError) and error.errno and 0 < error.errno < 200:  # the system's, not FFmpeg's own numbers
            raise StorageError(error.errno, os.strerror(error.errno), str(self.path)) from None
        if isinstance(error, library(str(self.path)).FFmpegError):
            raise InputError(f"{self.path}: cannot be written ({first_line(plain(error))})") from None


def encoded(path: Path, facts: VideoFacts, size: tuple[int, int], format: VideoFormat) -> tuple[Any, str]:
    """PyAV's encoder and the name of the pixel format for a video. InputError: there is none."""
    name = ENCODERS[format.settled(path, facts.deep).codec]
    try:
        codec = library(str(path)).codec.Codec(name, "w")
    except ValueError:
        raise InputError(f"{path}: this PyAV has no encoder {name}: choose another video.codec") from None
    return codec, format.pixels(size, facts, codec)


def losses(path: Path, facts: VideoFacts, size: tuple[int, int], format: VideoFormat) -> list[str]:
    """What the encoder does not keep of a video, in words. InputError: as in `encoded`."""
    codec, pixels = encoded(path, facts, size, format)
    lines = facts.light.lost(codec.name)
    if facts.gray and not pixels.startswith("gray"):
        lines.append(f"gray becomes {pixels}, which all players show; video.codec=ffv1 keeps it gray")
    if facts.levels > (most := _levels(pixels)):
        lines.append(f"{facts.levels.bit_length()} bits become {most.bit_length()}")
    return lines


def _levels(format: str) -> int:
    return (1 << max(part.bits for part in library(format).VideoFormat(format).components)) - 1


def tags(facts: VideoFacts, size: tuple[int, int], format: str = "") -> tuple[int, int]:
    """Matrix and range of a result of this pixel format: those of the source. Of RGB sources the matrix is that for the size,
    and the range limited; gray results have the full range."""
    stated = facts.matrix not in (0, UNSPECIFIED)
    matrix = facts.matrix if stated else 1 if size[1] >= HD[0] or size[0] > HD[1] else 6
    return matrix, FULL if format.startswith("gray") else facts.range if stated else LIMITED
