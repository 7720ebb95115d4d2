"""WebP compression: real files of Pillow's libwebp, each sample at a quality of its own."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from sr.degradation.jpeg import Compressed, qualities
from sr.degradation.stage import Operation, Parameters, Stage
from sr.functional.draws import Draws


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (H, W, 3) or (H, W) -> the same, after a lossy file of that quality (0 .. 100); libwebp halves chroma."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, "WEBP", quality=quality, method=0)
    made = np.asarray(Image.open(file).convert("RGB"))
    return made if pixels.ndim == 3 else made[..., 1]


class WebP(Stage):
    """Compress (N, C, H, W) in [0, 1], any size; the result is on the uint8 grid. Images pass through the CPU.

    The bands of other images than RGB are files of their own, as in `sr.degradation.jpeg`, and so are the frames of a clip.

    Args:
        quality: range of libwebp's quality (0 .. 100), uniform, both ends included.
    """

    def __init__(self, quality: Sequence[int] = (30, 95)) -> None:
        super().__init__()
        self.quality = qualities(quality, 0, "libwebp")

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"quality": int64 (count,)}."""
        low, high = self.quality
        return {"quality": low + draws.integers(high - low + 1)}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [Compressed(step, compressed, parameters)]

    def words(self, parameters: Parameters) -> str:
        return f"WebP {parameters['quality']}"
