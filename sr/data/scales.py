"""Training over a range of scales, for networks of any scale: each sample has its own, or each batch of whole patches.

LIIF, Chen, Liu, Wang 2021, arXiv:2012.09161, section 4.1: x1 to x4, LR patches of 48x48, 2304 pixels of each HR patch.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.augmentation.base import centre
from sr.augmentation.chain import Chain
from sr.augmentation.flip import Flip
from sr.augmentation.rgb_permutation import RGBPermutation
from sr.augmentation.turn import Turn
from sr.data.device import divided
from sr.data.further import Further
from sr.data.mixture import Mixture
from sr.data.patches import Patches, cut, place
from sr.data.plan import Plan
from sr.degradation.chain import only_bicubic
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.resize_window import imresize_window, reach
from sr.functional.sent import sent_by_name, sent_together
from sr.image.kind import Kind
from sr.network.any_scale import check_range
from sr.network.inputs import PIXELS, SCALE, SIZE, sampled

_MOVE = (Flip, Turn, RGBPermutation)  # augmentations for which LR and HR may have any sizes


class Scales:
    """The scales of a batch, uniform in a range, and how many pixels of HR are used.

    With sampled pixels each sample has its own scale, as in the authors' code of LIIF; whole HR patches of a batch have one
    size, so they share a scale. The scale of an LR patch of p pixels and an HR patch of round(p * scale) is their ratio,
    exactly.

    Args:
        scales: [smallest, largest].
        sample_pixels: pixels of each HR patch that the network computes, drawn without repetition, at most those of the
            smallest patch of the range; None: all.
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

    def of(self, plan: Plan, batch: int) -> np.ndarray:
        """The scales (N,) of this process's samples of micro-batch `batch`: pure functions of the seed and the sample, or of
        the seed and the batch's first sample over all processes."""
        first, count = plan.samples(batch)
        if self.sample_pixels:
            return Draws(plan.seed, first, count, "scale").uniform(self.low, self.high)
        return Draws(plan.seed, plan.first_sample(batch), 1, "scale").uniform(self.low, self.high).repeat(count)

    def check(self, wanted: Collection[str], paired: bool) -> None:
        """InputError: the network, with these further arguments of `forward`, is not of any scale; LR comes from files."""
        if paired:
            raise InputError("data.scales: LR is made from HR, but data.train has LR files, of one scale: remove data.lr")
        if SIZE not in wanted:
            raise InputError("data.scales: the network has one scale: pass network=liif, lte, meta_sr or coordinate")
        if self.sample_pixels and PIXELS not in wanted:
            raise InputError("data.sample_pixels: the network has no argument pixels in forward: pass data.sample_pixels=null")

    def pairs(self, batch: dict[str, Any], augmentation: Chain, kind: Kind) -> list[tuple[Tensor, Tensor]]:
        """Augmented LR and HR patches (n, C, S, S), in the order of the samples; those of one size in one pair."""
        size, hr = batch["patch_size"], batch["hr"]
        parameters = sent_by_name(batch["augmentation"], hr.device)
        pairs, start, first = [], 0, 0
        for side, count in batch["sides"]:
            margin = reach(side, size)
            length, last = side + 2 * margin, first + count
            window = hr[start : start + count * length**2].view(count, length, length, -1)
            window = kind.to_float(window)
            lr = imresize_window(window, margin, size, rounding=kind.levels)
            own = {name: values[first:last] for name, values in parameters.items()}
            pairs.append(augmentation.apply(lr, centre(window, side), own, None, None))
            start, first = start + count * length**2, last
        return pairs

    def finish(self, batch: dict[str, Any], augmentation: Chain, kind: Kind) -> dict[str, Any]:
        """As `sr.data.device.finish`, with each sample's `scale`.

        With sampled pixels also `pixels` (N, Q), places in the rows of HR, and `size` (N, 2), HR's height and width; "hr" are
        then these pixels alone, (N, C, Q, 1).
        """
        further, texts = divided(batch["further"])
        keys = {name: batch[name] for name in (SCALE, SIZE, PIXELS) if name in batch}
        parameters, further, keys = sent_together([batch["augmentation"], further, keys], batch["hr"].device)
        pairs = self.pairs(batch | {"augmentation": parameters}, augmentation, kind)
        lr, hr = torch.cat([lr for lr, _ in pairs]), [hr for _, hr in pairs]
        keys |= augmentation.follow(texts | further, parameters)
        if PIXELS in keys:
            places = keys[PIXELS].split([len(part) for part in hr])
            hr = [sampled(part, pixels) for part, pixels in zip(hr, places, strict=True)]
        images = {"lr": lr, "hr": torch.cat(hr)}
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
        """Micro-batch `index`: {"hr": (P, C) of the stored type, the pixels of HR patches with their surroundings, one patch
        after the other, "sides": [(side of HR patches, how many follow one another), ...], "patch_size": LR pixels, "scale":
        (N,), "augmentation", "further", "pixels"? (N, Q) int64, "size"? (N, 2) int64}."""
        size, draws = self.plan.phase(index).patch_size, self.plan.draws(index)
        sides = np.rint(size * self.scales.of(self.plan, index)).astype(np.int64)
        crop = draws.stream("crop")
        images, top, left = self.hr.draw(crop), crop.uniform(), crop.uniform()
        first = self.hr[images[0].item()]
        lengths = [side + 2 * reach(side, size) for side in sides.tolist()]
        hr, start = np.empty((sum(length**2 for length in lengths), first.shape[2]), first.dtype), 0
        for image, side, length, u, v in zip(
            images.tolist(), sides.tolist(), lengths, top.tolist(), left.tolist(), strict=True
        ):
            source = self.hr[image]
            self._check_alike(first, source)
            rows, columns = source.shape[:2]
            out, margin = hr[start : start + length**2].reshape(length, length, -1), (length - side) // 2
            cut(source, rows, columns, place(u, side, rows) - margin, place(v, side, columns) - margin, out)
            start += length**2
        batch = {
            "hr": torch.from_numpy(hr),
            "sides": [(side, len(list(equal))) for side, equal in groupby(sides.tolist())],
            "patch_size": size,
            SCALE: (sides / size).astype(np.float32),
            "augmentation": self.augmentation.sample(draws.stream("augmentation")),
            "further": {} if self.further is None else self.further.of(images),
        }
        if self.scales.sample_pixels:
            count = min(self.scales.sample_pixels, round(size * self.scales.low) ** 2)
            batch[PIXELS] = chosen(draws.stream("pixels").seeds(), sides**2, count)
            batch[SIZE] = np.stack([sides, sides], 1)
        return batch


def chosen(seeds: Sequence[int], totals: Sequence[int], count: int) -> np.ndarray:
    """int64 (N, count): for each seed so many different numbers below its total, in ascending order."""
    drawn = zip(seeds, totals, strict=True)
    rows = [np.argpartition(np.random.Philox(key=int(seed)).random_raw(int(total)), count - 1)[:count] for seed, total in drawn]
    return np.sort(np.stack(rows), axis=1)
