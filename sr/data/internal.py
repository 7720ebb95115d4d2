"""Crops of one image for KernelGAN: some to be downscaled, others to be compared with at their own scale."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sr.augmentation.chain import Chain
from sr.data.plan import Phase, Plan
from sr.data.source.folder import images
from sr.data.stream import Stream
from sr.data.training import Training
from sr.degradation.chain import only_bicubic
from sr.errors import InputError
from sr.functional.gradient_map import crop_probabilities, gradient_map
from sr.functional.resize import imresize


class InternalCrops(Stream):
    """Batches {"hr": (N, s P, s P, C), "real": (N, Q, Q, C)} of the stored type, P the patch size of the plan.

    Q is the side of `hr` downscaled without padding. Both are drawn where the image has structure, `real` at the image's own
    scale and `hr` at that of the downscaled image; their places are even, and a pure function of the seed and the sample.

    Args:
        image: (H, W, C) of the stored type, H and W multiples of the scale.
        levels: (H, W, C) float of it, in [0, 1].
    """

    def __init__(self, image: np.ndarray, levels: torch.Tensor, plan: Plan, scale: int, kernel_size: int) -> None:
        self.image, self.plan = image, plan
        side = plan.phases[0].patch_size * scale
        small = imresize(levels.double().movedim(-1, 0)[None], 1 / scale)[0].movedim(0, -1).numpy()
        maps = {"hr": gradient_map(small).repeat(scale, 0).repeat(scale, 1), "real": gradient_map(levels.double().numpy())}
        self.sides = {"hr": side, "real": (side - kernel_size) // scale + 1}
        self.places = {name: np.cumsum(crop_probabilities(one, self.sides[name])) for name, one in maps.items()}

    def batch(self, index: int) -> dict[str, Any]:
        draws = self.plan.draws(index).stream("crop")
        return {name: self._crops(name, draws.uniform()) for name in ("hr", "real")}

    def _crops(self, name: str, places: np.ndarray) -> torch.Tensor:
        side, (height, width) = self.sides[name], self.image.shape[:2]
        made = []
        for centre in np.searchsorted(self.places[name], places * self.places[name][-1], "right").tolist():
            top, left = (
                min(max(at - side // 2, 0), length - side) // 2 * 2
                for at, length in zip(divmod(centre, width), (height, width), strict=True)
            )
            made.append(self.image[top : top + side, left : left + side])
        return torch.from_numpy(np.stack(made))


class Internal(Training):
    """One image, from which a kernel is estimated.

    Args:
        train: the image, or a folder with this one image.
        scale, patch_size, batch_size: the side of crops is `scale` times `patch_size`.
        kernel_size: of the downscaler: the side of its results is ((scale * patch_size) - kernel_size) // scale + 1.
        border: pixels that are cut off at each edge of the image, where a degradation may have padded.
        degradation, augmentation: only bicubic and none: what made the image is what is estimated.
        training: see Training.

    Raises:
        InputError: several images, or one that is too small; an option of other training sets.
    """

    def __init__(
        self,
        *,
        train: str,
        scale: int,
        degradation: nn.Module,
        augmentation: Chain,
        patch_size: int = 32,
        batch_size: int = 1,
        kernel_size: int = 13,
        border: int = 10,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.file, self.scale, self.kernel_size, self.border = Path(train).expanduser(), scale, kernel_size, border
        self.phases = (Phase(0, patch_size, batch_size),)
        self.image: np.ndarray | None = None
        if border < 0:
            raise InputError(f"data.border={border}: must be at least 0")
        if augmentation.stages or not only_bicubic(degradation):
            raise InputError(
                "data=internal takes the image as it is; what made it is estimated: pass augmentation=[] degradation=[bicubic]"
            )

    def setup(self, stage: str) -> None:
        if self.image is not None:
            return
        if not self.file.is_file() and len(found := images(self.file)) > 1:
            raise InputError(f"data.train={self.file} has {len(found)} images, but a kernel is estimated from one: pass a file")
        file = self.file if self.file.is_file() else found[0]
        pixels, cut = self.kind.read(file), self.border
        pixels = pixels[cut : pixels.shape[0] - cut, cut : pixels.shape[1] - cut]
        height, width = (length // self.scale * self.scale for length in pixels.shape[:2])
        least = self.phases[0].patch_size * self.scale + 2
        if min(height, width) < least:
            raise InputError(
                f"{file}: {width}x{height} pixels without a border of {cut} are too few to estimate a kernel from: it takes "
                f"{least}x{least}; pass data.border=0, a smaller data.patch_size or a larger picture"
            )
        self.image = np.ascontiguousarray(pixels[:height, :width])

    def patches(self, plan: Plan) -> InternalCrops:
        levels = self.kind.scaled(torch.from_numpy(self.image))
        return InternalCrops(self.image, levels, plan, self.scale, self.kernel_size)

    def finish(self, batch: Any, wanted: Any = ()) -> dict[str, Any]:
        return {name: self.kind.to_float(pixels) for name, pixels in batch.items()}
