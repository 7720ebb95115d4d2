"""What a video file says about itself: size, rate, colours, orientation, other streams."""

from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np

from sr.errors import InputError
from sr.image.hdr import Light, light_of

# Numbers of ISO/IEC 23091-2 (H.273) that FFmpeg uses too; 2 is "unspecified".
UNSPECIFIED = 2
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}  # which swscale converts
LIMITED, FULL = 1, 2


@dataclass(frozen=True)
class VideoFacts:
    """What the header and the first frame of a video say.

    Args:
        width, height: of the upright frames.
        rate: average frames per second; None: not stated.
        count: number of frames that the container states; None: it states none (Matroska, streams).
        duration: seconds; None: not stated.
        time_base: seconds per unit of the time stamps.
        rotation: degrees anticlockwise that players turn the stored frames by, which `Video` has done: 0, 90, 180 or 270.
        mirrored: whether players mirror the stored frames from left to right too, before the turn.
        format: FFmpeg's name of the pixel format, such as yuv420p10le.
        levels: steps between black and white: 255, 1023 for 10 bits ...
        matrix, primaries, transfer, range: as numbered in H.273 (range: 1 limited, 2 full); matrix and range are those used.
        aspect: width of a pixel over its height.
        alpha: whether the file has transparency, which is not read.
        audio, subtitles: names of the codecs of the other streams.
        guessed: what the file does not state and was assumed, and what was not read, in a few words each.
        light: HDR metadata of the first frame.
    """

    path: str
    width: int
    height: int
    rate: Fraction | None
    count: int | None
    duration: float | None
    time_base: Fraction
    rotation: int
    mirrored: bool
    format: str
    codec: str
    levels: int
    matrix: int
    primaries: int
    transfer: int
    range: int
    aspect: Fraction
    alpha: bool
    audio: tuple[str, ...]
    subtitles: tuple[str, ...]
    guessed: tuple[str, ...]
    light: Light = Light()

    @property
    def gray(self) -> bool:
        """Whether the frames have no colour."""
        return self.format.startswith("gray")

    @property
    def deep(self) -> bool:
        """Whether the frames are uint16."""
        return self.levels > 255

    @property
    def frames(self) -> int | None:
        """Number of frames: `count`, or else about as many as the duration holds; None: unknown."""
        return self.count or (round(self.duration * self.rate) if self.duration and self.rate else None)


def library(name: str) -> Any:
    """PyAV. InputError: it is not installed; the line names the file."""
    if find_spec("av") is None:
        raise InputError(f'{name}: videos need PyAV: pip install ".[video]"')
    import av

    return av


def plain(error: BaseException) -> str:
    """The message of an error of FFmpeg without its number and the function of FFmpeg."""
    return getattr(error, "strerror", None) or str(error)


def facts_of(name: str, container: Any, stream: Any, frame: Any) -> VideoFacts:
    """The facts of an open video from PyAV's container, stream and first frame. InputError: an unknown colour matrix."""
    format, guessed = frame.format, []
    bits = max(component.bits for component in format.components)
    yuv = not format.is_rgb and len(format.components) > 2
    matrix, range = frame.colorspace, frame.color_range
    if yuv and matrix not in _MATRICES and matrix != UNSPECIFIED:
        raise InputError(f"{name}: its colour matrix (number {matrix} of H.273) is not supported: convert it first")
    if yuv and matrix == UNSPECIFIED:  # as players do
        matrix = 1 if frame.width >= 1280 or frame.height > 576 else 6
        guessed.append(f"it states no colour matrix; {_MATRICES[matrix]} is assumed, as players do for its size")
    if range not in (LIMITED, FULL):
        range = LIMITED if yuv else FULL
    alpha = len(format.components) in (2, 4) or stream.metadata.get("alpha_mode") == "1"
    if alpha:
        guessed.append("its transparency is dropped")
    if frame.interlaced_frame:
        guessed.append("it is interlaced: remove that first, as by ffmpeg -vf bwdif")
    rotation, mirrored = _orientation(frame)
    size = (frame.width, frame.height)[:: -1 if rotation in (90, 270) else 1]
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    rate = stream.average_rate or stream.base_rate or stream.guessed_rate
    duration = stream.duration * stream.time_base if stream.duration else None
    if duration is None and container.duration:
        duration = Fraction(container.duration, 1_000_000)
    return VideoFacts(
        name,
        *size,
        rate=Fraction(rate) if rate else None,
        count=stream.frames or None,
        duration=float(duration) if duration else None,
        time_base=Fraction(stream.time_base),
        rotation=rotation,
        mirrored=mirrored,
        format=format.name,
        codec=stream.codec_context.codec.canonical_name,
        levels=(1 << bits) - 1,
        matrix=matrix,
        primaries=frame.color_primaries,
        transfer=frame.color_trc,
        range=range,
        aspect=1 / aspect if rotation in (90, 270) else aspect,
        alpha=alpha,
        audio=_codecs(container, "audio"),
        subtitles=_codecs(container, "subtitle"),
        guessed=tuple(guessed),
        light=light_of(frame),
    )


def _codecs(container: Any, kind: str) -> tuple[str, ...]:
    contexts = (each.codec_context for each in container.streams if each.type == kind)
    return tuple(context.codec.canonical_name if context else "unknown" for context in contexts)


def _orientation(frame: Any) -> tuple[int, bool]:
    """Degrees anticlockwise, and whether mirrored before, by the display matrix of a frame (ISO/IEC 14496-12, 8.3.2)."""
    found = next((data for data in frame.side_data if data.type.name == "DISPLAYMATRIX"), None)
    if found is None:
        return 0, False
    a, b, _, c, d = (float(value) for value in np.frombuffer(bytes(found), np.int32)[:5])
    mirrored = a * d - b * c < 0
    sign = -1 if mirrored else 1  # the mirror comes first and turns the sign of a and b
    return int(round(-np.degrees(np.arctan2(sign * b, sign * a)) / 90) * 90) % 360, mirrored
