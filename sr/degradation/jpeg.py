"""JPEG compression: libjpeg itself, each sample at a quality of its own.

Images pass through the CPU, so that they are real JPEG and the same on any device; differentiable approximations on the
device round softly. A 56 x 56 image takes about 0.1 ms.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation.ranges import checked
from sr.draws import Draws


class JPEG(nn.Module):
    """Compress (N, C, H, W) in [0, 1], C 1 or 3, any size, with 4:2:0 chroma; the result is on the uint8 grid.

    The grid of 8 x 8 blocks begins at the image's corner, so that a patch is an image of its own, not part of a larger
    file. `quality` is the range of libjpeg's quality (1 .. 100), uniform; Real-ESRGAN (Wang et al. 2021, arXiv
    2107.10833, section 4.1) has [30, 95].
    """

    def __init__(self, quality: Sequence[int] = (30, 95)) -> None:
        super().__init__()
        self.quality = checked("quality", quality, 1, 100)
        self.scale, self.margin = 1, 0

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"quality": int64 (count,)}, both ends of the range included."""
        low, high = self.quality
        return {"quality": int(low) + draws.integers(int(high) - int(low) + 1)}

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        from torchvision.io import decode_jpeg, encode_jpeg  # slow to import

        pixels = (hr.detach() * 255 + 0.5).clamp(0, 255).byte().cpu().contiguous()
        decoded = [decode_jpeg(encode_jpeg(p, q)) for p, q in zip(pixels, parameters["quality"].tolist(), strict=True)]
        return torch.stack(decoded).to(hr.device, non_blocking=True).to(hr.dtype) / 255
