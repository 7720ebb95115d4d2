"""LR patches of a folder's photographs, for calibration, and others with HR, on which int8 is measured."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sr.benchmark.pairs import Benchmark
from sr.errors import InputError, MissingError
from sr.export.options import Int8
from sr.functional.draws import Draws
from sr.image.kind import Kind
from sr.metric.psnr import PSNR

SMALLEST = 16  # LR pixels of the sides of a patch


class Patches:
    """Calibration patches and held-out ones, of different images; a function of the folder, the options and the seed.

    LR is HR by MATLAB's bicubic, whole images at once; patches of small images are smaller.

    Args:
        folder: HR photographs, in nested folders too.
        kind: pixel format.
        scale, multiple_of: of the network.
        options: number and size of the patches.

    Raises:
        MissingError: no such folder, or no image in it. InputError: fewer than two images, or one that is too small.
    """

    def __init__(self, folder: str | Path, kind: Kind, scale: int, multiple_of: int, options: Int8) -> None:
        if not isinstance(folder, str | Path):
            raise InputError(f"data.train={folder}: pass one folder of HR photographs")
        if not Path(folder).expanduser().is_dir():
            raise MissingError(f"data.train={folder}: no such folder; pass one with HR photographs")
        self._images = Benchmark("data.train", hr=Path(folder).expanduser(), scale=scale, kind=kind)
        self._scale, self._multiple, self._options = scale, multiple_of, options
        self._metric = PSNR(crop_border=scale, levels=kind.levels, luma=kind.luma)
        self._kind = kind
        count = len(self._images)
        if count < 2:
            raise InputError(f"data.train={folder}: int8 needs two images or more: some are held out to measure it")
        order = Draws(options.seed, 0, count, "export").stream("images").uniform().argsort()
        held_out = order[: min(options.held_out, count // 2)]
        self._calibration = [int(i) for i in order[len(held_out) :]]
        self.held_out = [self._patch(int(i), number, 2, "held_out") for number, i in enumerate(held_out)]

    def calibration(self) -> list[np.ndarray]:
        """(1, C, h, w) each; several of one image if there are fewer images than patches."""
        indices = [self._calibration[i % len(self._calibration)] for i in range(self._options.patches)]
        return [self._patch(i, number, 1, "calibration")[0].numpy() for number, i in enumerate(indices)]

    @torch.no_grad()
    def results(self, network: Callable[[Tensor], Tensor]) -> list[Tensor]:
        """SR of the held-out patches."""
        return [network(lr) for lr, _ in self.held_out]

    def psnr(self, results: Sequence[Tensor]) -> float:
        """Mean PSNR in dB, on Y as in tables, of SR of the held-out patches."""
        return float(self._scores(results, [hr for _, hr in self.held_out]).mean())

    def measured(self, network: Callable[[Tensor], Tensor]) -> float:
        """`psnr` of a network's results."""
        return self.psnr(self.results(network))

    def lost(self, results: Sequence[Tensor], whole: Sequence[Tensor]) -> float:
        """Mean loss in dB of `results` against those of the whole network, if what is added is independent of its errors.

        This is never negative, and far less random than a difference of two PSNR: 10 log10(1 + added MSE / MSE before).
        """
        before = self._scores(whole, [hr for _, hr in self.held_out])
        added = self._scores(results, [sr.clamp(0, 1) for sr in whole])
        return float((10 * (1 + 10 ** ((before - added) / 10)).log10()).mean())

    def _scores(self, results: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        return torch.cat([self._metric(sr, target) for sr, target in zip(results, targets, strict=True)])

    def _patch(self, index: int, number: int, times: int, what: str) -> tuple[Tensor, Tensor]:
        """LR (1, C, h, w) and HR of a patch, at most `times` as high and wide as those of calibration."""
        image = self._images[index]
        lr, hr = (self._kind.scaled(image[key])[None] for key in ("lr", "hr"))
        top, left, height, width = self._window(lr.shape[-2:], number, times, what, image["name"])
        window = lambda picture, s: picture[..., top * s : (top + height) * s, left * s : (left + width) * s]  # noqa: E731
        return window(lr, 1).contiguous(), window(hr, self._scale).contiguous()

    def _window(self, size: torch.Size, number: int, times: int, what: str, name: str) -> tuple[int, int, int, int]:
        most = self._options.patch_size * times
        sides = [min(side, most) // self._multiple * self._multiple for side in size]
        if min(sides) < max(SMALLEST, self._multiple):
            raise InputError(
                f"data.train: {name} is too small: LR needs {max(SMALLEST, self._multiple)} pixels in each direction"
            )
        draws = Draws(self._options.seed, number, 1, "export").stream(what)
        starts = [int(draws.integers(side - part + 1)[0]) for side, part in zip(size, sides, strict=True)]
        return *starts, *sides
