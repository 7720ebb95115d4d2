"""Training over a range of scales, for networks of any scale: each batch has its own.

LIIF, Chen, Liu, Wang 2021, arXiv:2012.09161, section 4.1: x1 to x4, LR patches of 48x48, 2304 pixels of each HR patch.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from sr.augmentation.base import centre
from sr.augmentation.chain import Chain
from sr.augmentation.flip import Flip
from sr.augmentation.rgb_permutation import RGBPermutation
from sr.augmentation.turn import Turn
from sr.data.device import on_device
from sr.data.further import Further
from sr.data.mixture import Mixture
from sr.data.patches import Patches, cut, place
from sr.data.plan import Plan
from sr.degradation.chain import only_bicubic
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.resize_window import imresize_window, reach
from sr.functional.sent import sent_by_name
from sr.image.kind import Kind
from sr.network.any_scale import check_range
from sr.network.inputs import PIXELS, SCALE, SIZE

_MOVE = (Flip, Turn, RGBPermutation)  # augmentations for which LR and HR may have any sizes


class Scales:
    """The scale of each batch, uniform in a range, and how many pixels of HR are used.

    The scale of an LR patch of p pixels and an HR patch of round(p * scale) is their ratio, exactly.

    Args:
        scales: [smallest, largest].
        sample_pixels: pixels of each HR patch that the network computes, drawn without repetition; None: all.
        degradation, augmentation: of the run, which are checked.

    Raises:
        InputError: no range; a degradation other than bicubic downscaling; an augmentation that knows one scale only.
    """

    def __init__(self, scales: Any, sample_pixels: int | None, degradation: nn.Module, augmentation: Chain) -> None:
        self.low, self.high = check_range("data.scales", scales)
        if sample_pixels is not None and sample_pixels < 1:
            raise InputError(f"data.sample_pixels={sample_pixels}: pass a number of pixels such as 2304, or null for all")
        self.sample_pixels = sample_pixels
        if not only_bicubic(degradation):
            stages = ",".join(getattr(degradation, "stages", {}))
            raise InputError(
                f"degradation=[{stages}]: with data.scales LR is made by bicubic downscaling alone: "
                "pass degradation=[bicubic], or data.scales=null"
            )
        if fixed := [name for name, stage in augmentation.stages.items() if not isinstance(stage, _MOVE)]:
            raise InputError(f"augmentation={fixed[0]} cannot be combined with data.scales: use flip, turn and rgb_permutation")

    def of(self, plan: Plan, batch: int) -> float:
        """The scale drawn for micro-batch `batch`: the same in all processes, a pure function of the seed and its first
        sample."""
        return float(Draws(plan.seed, plan.first_sample(batch), 1, "scale").uniform(self.low, self.high)[0])

    def check(self, wanted: Collection[str], paired: bool) -> None:
        """InputError: the network, with these further arguments of `forward`, is not of any scale; LR comes from files."""
        if paired:
            raise InputError("data.scales: LR is made from HR, but data.train has LR files, of one scale: remove data.lr")
        if SIZE not in wanted:
            raise InputError("data.scales: the network has one scale: pass network=liif, lte, meta_sr or coordinate")
        if self.sample_pixels and PIXELS not in wanted:
            raise InputError("data.sample_pixels: the network has no argument pixels in forward: pass data.sample_pixels=null")

    def finish(self, batch: dict[str, Any], augmentation: Chain, kind: Kind) -> dict[str, Any]:
        """As `sr.data.device.finish`, with `scale` of the batch, and `pixels` (N, Q), places in the rows of HR."""
        size, margin = batch["patch_size"], batch["margin"]
        window = kind.to_float(batch["hr"])
        parameters = sent_by_name(batch["augmentation"], window.device)
        hr = centre(window, window.shape[-1] - 2 * margin)
        lr = imresize_window(window, margin, size, rounding=kind.levels)
        lr, hr = augmentation.apply(lr, hr, parameters, None, None)
        keys = {SCALE: hr.new_full((len(hr),), hr.shape[-1] / size)}
        keys |= augmentation.follow(on_device(batch["further"], hr.device), parameters)
        if "pixels" in batch:
            keys[PIXELS] = batch["pixels"].to(hr.device)
        images = {"lr": lr, "hr": hr}
        return keys | {name: image.contiguous(memory_format=torch.channels_last) for name, image in images.items()}


class ScaledPatches(Patches):
    """Batches of HR patches of any size, for `Scales.finish`; samples as of `sr.data.patches.Patches`."""

    def __init__(
        self, hr: Mixture, plan: Plan, scales: Scales, degradation: nn.Module, augmentation: Chain, further: Further | None
    ) -> None:
        super().__init__(hr, None, plan, degradation.scale, degradation, augmentation, further)
        self.scales = scales
        if self.masked:
            raise InputError("data.scales: some images have pixels without data, which are not supported: remove these images")

    def batch(self, index: int) -> dict[str, Any]:
        """Micro-batch `index`: {"hr": (N, S, S, C) of the stored type, "patch_size", "margin" (HR pixels), "scale",
        "augmentation", "further", "pixels"? (N, Q) int64}."""
        size, draws = self.plan.phase(index).patch_size, self.plan.draws(index)
        side = round(size * self.scales.of(self.plan, index))
        margin = reach(side, size)
        crop = draws.stream("crop")
        images, top, left = self.hr.draw(crop), crop.uniform(), crop.uniform()
        first = self.hr[images[0].item()]
        hr = np.empty((len(images), side + 2 * margin, side + 2 * margin, first.shape[2]), first.dtype)
        for out, image, u, v in zip(hr, images.tolist(), top.tolist(), left.tolist(), strict=True):
            source = self.hr[image]
            self._check_alike(first, source)
            rows, columns = source.shape[:2]
            cut(source, rows, columns, place(u, side, rows) - margin, place(v, side, columns) - margin, out)
        batch = {
            "hr": torch.from_numpy(hr),
            "patch_size": size,
            "margin": margin,
            "scale": side / size,
            "augmentation": self.augmentation.sample(draws.stream("augmentation")),
            "further": {} if self.further is None else self.further.of(images),
        }
        if self.scales.sample_pixels:
            count = min(self.scales.sample_pixels, side**2)
            batch["pixels"] = torch.from_numpy(chosen(draws.stream("pixels").seeds(), side**2, count))
        return batch


def chosen(seeds: Sequence[int], total: int, count: int) -> np.ndarray:
    """int64 (N, count): for each seed so many different numbers below `total`, in ascending order."""
    rows = [np.argpartition(np.random.Philox(key=int(seed)).random_raw(total), count - 1)[:count] for seed in seeds]
    return np.sort(np.stack(rows), axis=1)
