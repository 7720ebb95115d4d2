"""JPEG compression: real files of Pillow's libjpeg, each sample at a quality of its own.

Images pass through the CPU, so that they are real JPEG and the same on any device; approximations that run on a GPU
round softly, to be differentiable. A 56 x 56 image takes about 0.2 ms.
"""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.leading import check_leading, pictures
from sr.functional.ranges import checked


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (H, W, 3) or (H, W) -> the same, after a file of that quality (1 .. 100) with 4:2:0 chroma."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


class JPEG(nn.Module):
    """Compress (N, C, H, W) in [0, 1], any size, RGB with 4:2:0 chroma; the result is on the uint8 grid,
    for JPEG files have 8 bits, whatever the image has.

    The bands of other images than RGB are files of their own, all of one quality, since JPEG knows no others than gray and
    colour. The frames of a clip (N, T, C, H, W) have one quality too, each its own file.

    The grid of 8 x 8 blocks begins at the image's corner, so that a patch is an image of its own, not part of a larger
    file. `quality` is the range of libjpeg's quality (1 .. 100), uniform; Real-ESRGAN (Wang et al. 2021, arXiv
    2107.10833, section 4.1) has [30, 95].
    """

    def __init__(self, quality: Sequence[int] = (30, 95)) -> None:
        super().__init__()
        low, high = checked("quality", quality, 1, 100)
        if low % 1 or high % 1:
            raise InputError(f"quality must be whole numbers, as libjpeg's are, got {list(quality)}")
        self.quality = low, high
        self.scale, self.margin = 1, 0

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"quality": int64 (count,)}, both ends of the range included."""
        low, high = self.quality
        return {"quality": int(low) + draws.integers(int(high) - int(low) + 1)}

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        check_leading(hr)
        levels, rgb = (hr.detach() * 255 + 0.5).clamp(0, 255).byte().cpu(), hr.shape[-3] == 3
        pixels = pictures(levels).permute(0, 2, 3, 1) if rgb else levels.flatten(0, -3)  # (files, H, W, 3) or (files, H, W)
        quality = parameters["quality"].repeat_interleave(len(pixels) // len(hr)).tolist()
        files = [compressed(p, q) for p, q in zip(pixels.contiguous().numpy(), quality, strict=True)]
        lr = torch.from_numpy(np.stack(files)).to(hr.device)
        return (lr.permute(0, 3, 1, 2) if rgb else lr).reshape(hr.shape).to(hr.dtype) / 255
