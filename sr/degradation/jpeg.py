"""JPEG compression with real files of Pillow's libjpeg, at a separate quality for each sample.

On a CPU they are real JPEG files. A GPU computes the same quantised cosine transform itself (`sr.functional.jpeg`), so that
images stay on it. A 56 x 56 image takes about 0.2 ms.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sr.degradation.region import Region, crop
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import jpeg as functional
from sr.functional.draws import Draws
from sr.functional.ranges import checked

_BLOCK = 8  # side of a transformed block in pixels


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (H, W, 3) or (H, W) -> the same, after compression at that quality (1 .. 100) with 4:2:0 chroma."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def qualities(bounds: Sequence[int], least: int, library: str, most: int = 100, key: str = "quality") -> tuple[int, int]:
    """A range of a library's quality, from `least` to `most`. InputError: it is invalid, or has fractions."""
    low, high = checked(key, bounds, least, most)
    if low % 1 or high % 1:
        raise InputError(f"{key} must be whole numbers, as {library}'s are, got {list(bounds)}")
    return int(low), int(high)


class JPEG(Stage):
    """Compress (N, C, H, W) in [0, 1] of any size; RGB uses 4:2:0 chroma. The result is quantised to uint8, because JPEG
    files have 8 bits, whatever the image has.

    JPEG supports only gray and colour: the bands of other images become separate files of the same quality. The frames of a
    clip (N, T, C, H, W) share one quality too, each as its own file.

    Args:
        quality: range of libjpeg's quality (1 .. 100), uniform, both ends included; Real-ESRGAN (Wang et al. 2021, arXiv
            2107.10833, section 4.1) has [30, 95].
        grid: position of the 8 x 8 blocks. corner: aligned with the image's corner, so each patch is an image of its own;
            random: anywhere, so a patch is the crop of a larger file.
    """

    def __init__(self, quality: Sequence[int] = (30, 95), grid: str = "corner") -> None:
        super().__init__()
        self.quality = qualities(quality, 1, "libjpeg")
        if grid not in ("corner", "random"):
            raise InputError(f"grid={grid}: choose corner or random")
        self.grid = grid

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"quality": int64 (count,)}; with a random grid also "top" and "left" of its first whole block."""
        low, high = self.quality
        found = {"quality": low + draws.integers(high - low + 1)}
        return found | ({name: draws.integers(_BLOCK) for name in ("top", "left")} if self.grid == "random" else {})

    def told(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """{"quality": (N,)}, 1 to 100."""
        return {"quality": parameters["quality"].float()}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_JPEG(step, compressed, parameters)]

    def words(self, parameters: Parameters) -> str:
        return f"JPEG {parameters['quality']}"


class Compressed(Operation):
    """Compress each frame by `codec`, (pixels, quality) -> pixels; in whole blocks if the parameters have top and left."""

    def __init__(self, step: float, codec: Callable[[np.ndarray, int], np.ndarray], parameters: Parameters) -> None:
        super().__init__(step)
        self.codec, self.parameters = codec, parameters

    def needs(self, wanted: Region) -> Region:
        if "top" not in self.parameters:
            return wanted
        return wanted.in_blocks(_BLOCK, self.parameters["top"], self.parameters["left"])

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        levels = (image.detach() * 255).add_(0.5).clamp_(0, 255).byte().cpu()
        if image.shape[1] == 3:
            pixels = levels.permute(0, 2, 3, 1).contiguous().numpy()
            files = np.stack([self.codec(frame, self.parameters["quality"]) for frame in pixels])
            made = torch.from_numpy(files).permute(0, 3, 1, 2).contiguous()
        else:
            files = [self.codec(frame, self.parameters["quality"]) for frame in levels.flatten(0, 1).numpy()]
            made = torch.from_numpy(np.stack(files)).view(levels.shape)
        return crop(made.to(image.device).to(image.dtype).div_(255), given, wanted)


class _JPEG(Compressed):
    """On a GPU without a file, so that the picture need not leave it."""

    def constants(self, given: Region, wanted: Region, block: int | None) -> list[np.ndarray]:
        return [functional.tables(self.parameters["quality"]), functional.transform()]

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        if image.device.type == "cpu":
            return super().apply(image, given, wanted, constants)
        levels = (image * 255).add_(0.5).floor_().clamp_(0, 255)
        return crop(functional.compressed(levels, *constants).div_(255), given, wanted)
