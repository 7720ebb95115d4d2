"""Light of HDR videos: what a frame states about the display on which it was made (SMPTE ST 2086) and its brightest pixels
(CTA-861.3). Encoders get it as options; transfer and primaries are tags of the colours (sr/image/video_writer.py)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

WRITING = ("libx265", "libx264", "libsvtav1")  # encoders that take `Light`
_PER_FRAME = {
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient light",
}
_NUMBERS = 22  # of FFmpeg's AVMasteringDisplayMetadata: ten fractions of two numbers, and whether either part is stated


@dataclass(frozen=True)
class Light:
    """HDR metadata of a video.

    Args:
        display: x and y (CIE 1931) of red, green, blue and white, then the largest and the smallest luminance in cd/m2, of the
            mastering display; None: not stated, or not as a whole.
        content: largest luminance of a pixel (MaxCLL) and of a frame on average (MaxFALL), in cd/m2; None: not stated.
        per_frame: names of metadata that change from frame to frame, which are not written.
    """

    display: tuple[Fraction, ...] | None = None
    content: tuple[int, int] | None = None
    per_frame: tuple[str, ...] = ()

    def options(self, encoder: str) -> dict[str, str]:
        """Options of an encoder of `WRITING`, as in `x265-params`, without the name of the option."""
        found = {}
        if self.display is not None:
            unit = (1, 1) if encoder == "libsvtav1" else (50_000, 10_000)  # of x and y, and of cd/m2
            pairs = zip(self.display[:8:2], self.display[1:8:2], strict=True)
            r, g, b, w = (f"({_number(x, unit[0])},{_number(y, unit[0])})" for x, y in pairs)
            most, least = (_number(value, unit[1]) for value in self.display[8:])
            name = "master-display" if encoder == "libx265" else "mastering-display"
            found[name] = f"G{g}B{b}R{r}WP{w}L({most},{least})"
        if self.content is not None:
            name = {"libx265": "max-cll", "libx264": "cll", "libsvtav1": "content-light"}[encoder]
            found[name] = "{},{}".format(*self.content)
        return found

    def lost(self, encoder: str) -> list[str]:
        """What an encoder does not write, in words."""
        lines = [f"{' and '.join(self.per_frame)} (HDR metadata of each frame) is not written"] if self.per_frame else []
        if encoder not in WRITING and (self.display or self.content):
            lines.append("HDR metadata (mastering display, light level) is not written by this codec: choose video.codec=hevc")
        return lines


def light_of(frame: Any) -> Light:
    """The HDR metadata of PyAV's frame."""
    data = {each.type.name: bytes(each) for each in frame.side_data}
    display = content = None
    if len(found := data.get("MASTERING_DISPLAY_METADATA", b"")) >= 4 * _NUMBERS:
        *numbers, primaries, luminance = np.frombuffer(found, np.int32)[:_NUMBERS].tolist()
        if primaries and luminance and all(numbers[1::2]):
            fractions = [Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
            display = (*fractions[:8], fractions[9], fractions[8])  # FFmpeg has the smallest luminance first
    if len(found := data.get("CONTENT_LIGHT_LEVEL", b"")) >= 8:
        content = tuple(np.frombuffer(found, np.uint32)[:2].tolist())
    return Light(display, content, tuple(dict.fromkeys(name for key, name in _PER_FRAME.items() if key in data)))


def _number(value: Fraction, unit: int) -> str:
    return str(round(value * unit)) if unit > 1 else f"{float(value):.6g}"
