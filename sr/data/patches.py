"""The endless stream of training batches; sample i is a pure function of (seed, i).

For any number of workers, devices and restarts, micro-batch u of the run has the same samples (`sr/data/plan.py`). Workers
return the stored type; everything that works on whole batches is done on the device (`sr/data/device.py`).
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from sr.augmentation.chain import Chain
from sr.data.further import Further
from sr.data.mixture import Mixture
from sr.data.plan import Plan
from sr.data.storage import Pixels
from sr.data.stream import Stream
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.resize import mirrored


class Patches(Stream):
    """Batches of HR patches with their margins (and LR patches, if files are paired).

    Args:
        hr: images (H, W, C), all with one type and number of bands.
        lr: their LR partners, or None if LR is made from HR on the device.
        plan: the samples to make, and their patch size.
        scale: HR pixels per LR pixel.
        degradation: draws each sample's parameters; its margin is cut around the HR patch.
        augmentation: draws parameters too; the pixels it needs around the patch are cut as well.
        further: further keys of each image, or None.
    """

    def __init__(
        self,
        hr: Mixture,
        lr: Mixture | None,
        plan: Plan,
        scale: int,
        degradation: nn.Module,
        augmentation: Chain,
        further: Further | None = None,
    ) -> None:
        self.further = further
        self.hr, self.lr, self.plan, self.scale = hr, lr, plan, scale
        self.degradation, self.augmentation = degradation, augmentation
        # Which images have pixels without data. If one has, all batches have the key.
        self.masks = [images.masked() if hasattr(images, "masked") else [False] * len(images) for images in hr.sets]
        self.masked = any(map(any, self.masks))

    def batch(self, index: int) -> dict[str, Any]:
        """Micro-batch `index`, for `sr.data.device.finish`.

        {"hr": (N, H, W, C) of the stored type, "lr"?: the same at LR's size, "patch_size": LR pixels, "parameters"?: the
        degradation's, "margin"?: LR pixels around the patch that they need, "augmentation": the augmentations' parameters,
        "further"?: further keys of the images, "mask"?: (N, H, W, 1) uint8, 0 where HR has no data, "partner"?: a dict like
        this one}. Images are tensors, parameters arrays: a
        worker passes each tensor in its own file, which would take longer than cutting the patches.
        """
        size = self.plan.phase(index).patch_size
        batch = self._samples(self.plan.draws(index), size)
        if self.augmentation.partner:
            batch["partner"] = self._samples(self.plan.draws(index, "partner"), size)
        return batch

    def _samples(self, draws: Draws, size: int) -> dict[str, Any]:
        crop = draws.stream("crop")
        images, top, left = self.hr.draw(crop), crop.uniform(), crop.uniform()
        augmentation = self.augmentation.sample(draws.stream("augmentation"))
        shown = np.ceil(self.augmentation.footprint(np.full(len(images), size), augmentation)).astype(np.int64)
        parameters = self.degradation.sample(draws.stream("degradation")) if self.lr is None else {}
        margin, s = self._margin(parameters, size), self.scale
        window = self.augmentation.source_size(size + 2 * margin)
        first = self.hr[images[0].item()]
        bands, dtype = first.shape[2], first.dtype
        hr = np.empty((len(images), window * s, window * s, bands), dtype)
        lr = np.empty((len(images), window, window, bands), dtype) if self.lr is not None else None
        masks = np.ones((*hr.shape[:3], 1), np.uint8) if self.masked else None
        for n, (image, side, u, v) in enumerate(zip(images.tolist(), shown.tolist(), top.tolist(), left.tolist(), strict=True)):
            source = self.hr[image]
            rows, columns = source.shape[:2]
            self._check_alike(first, source)
            h, w = rows // s, columns // s  # LR size; positions are on the LR grid
            y, x = place(u, side, h) + (side - window) // 2, place(v, side, w) + (side - window) // 2
            # An image smaller than an LR pixel is mirrored unchanged.
            cut(source, h * s or rows, w * s or columns, y * s, x * s, hr[n])
            if masks is not None and (mask := self._mask(image)) is not None:
                cut(mask, h * s or rows, w * s or columns, y * s, x * s, masks[n])
            if lr is not None:
                partner = self.lr[image]
                self._check_alike(first, partner)
                cut(partner, h, w, y, x, lr[n])
        batch = {"hr": torch.from_numpy(hr), "patch_size": size, "augmentation": augmentation}
        if self.further is not None:
            batch["further"] = self.further.of(images)
        if masks is not None:
            batch["mask"] = torch.from_numpy(masks)
        if lr is not None:
            batch["lr"] = torch.from_numpy(lr)
        else:
            batch |= {"parameters": parameters, "margin": margin}
        return batch

    def _check_alike(self, first: Pixels, other: Pixels) -> None:
        """NumPy would silently cast values, or repeat a band."""
        if other.shape[2] != first.shape[2] or other.dtype != first.dtype:
            ours, theirs = (f"{pixels.shape[2]} bands of {pixels.dtype}" for pixels in (first, other))
            raise InputError(f"data.train mixes images with {ours} and with {theirs}: convert one of them")

    def _mask(self, image: int) -> Pixels | None:
        part, place = self.hr.place(image)
        return self.hr.sets[part].mask(place) if self.masks[part][place] else None

    def _margin(self, parameters: dict[str, np.ndarray], size: int) -> int:
        """LR pixels around a patch that the degradation of these samples needs.

        If an augmentation warps, the maximum: the last bit of a warp's weights could depend on the window's size.
        """
        if self.lr is not None:
            return 0
        warped = self.augmentation.source_size(size) != size
        return (self.degradation.margin if warped else self.degradation.reach(parameters, size)) // self.scale


def place(fraction: float, side: int, length: int) -> int:
    """Position of a square of `side` in [0, length): random where it fits, in the middle if it does not."""
    room = length - side
    return int(fraction * (room + 1)) if room >= 0 else room // 2


def cut(image: Pixels, height: int, width: int, top: int, left: int, out: np.ndarray) -> None:
    """Copy the window of out's size at (top, left) of image[:height, :width]; the image is mirrored beyond its edges.

    Edge pixels are repeated, as in MATLAB's imresize, so that the LR of the window is the crop of the whole LR.
    """
    h, w = out.shape[:2]
    up, down, before, after = max(-top, 0), max(top + h - height, 0), max(-left, 0), max(left + w - width, 0)
    if max(up, down) > h - up - down or max(before, after) > w - before - after:  # the mirrored part is larger than the rest
        rows, columns = mirrored(top + np.arange(h), height), mirrored(left + np.arange(w), width)
        y, x = rows.min(), columns.min()
        out[:] = image[y : rows.max() + 1, x : columns.max() + 1][np.ix_(rows - y, columns - x)]
        return
    bottom, right = h - down, w - after
    out[up:bottom, before:right] = image[top + up : top + bottom, left + before : left + right]
    if up or down or before or after:
        out[:up], out[bottom:] = out[up : 2 * up][::-1], out[bottom - down : bottom][::-1]
        out[:, :before], out[:, right:] = out[:, before : 2 * before][:, ::-1], out[:, right - after : right][:, ::-1]
