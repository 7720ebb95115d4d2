"""The endless stream of batches of patches from volumes; sample i is a pure function of (seed, i).

What sr/data/patches.py is for pictures: micro-batch u of a run has the same samples for any number of workers, devices and
restarts, and an LR patch is the crop of the whole volume's LR, bit for bit.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from sr.augmentation.chain import Chain
from sr.data.mixture import Mixture
from sr.data.patches import place
from sr.data.plan import Plan
from sr.data.stream import Stream
from sr.functional.axes import Factors
from sr.functional.resize import mirrored


class VolumePatches(Stream):
    """Batches of HR patches with their margins.

    Args:
        volumes: (D, H, W, C) each, of one type and number of bands.
        plan: the samples to make; its patch size is (D, H, W) of LR.
        factors: HR voxels per LR voxel along D, H, W.
        degradation: draws each sample's parameters; its margin is cut around the HR patch.
        augmentation: draws parameters too.
    """

    def __init__(self, volumes: Mixture, plan: Plan, factors: Factors, degradation: nn.Module, augmentation: Chain) -> None:
        self.volumes, self.plan, self.factors = volumes, plan, factors
        self.degradation, self.augmentation = degradation, augmentation

    def batch(self, index: int) -> dict[str, Any]:
        """Micro-batch `index`: {"hr": (N, D, H, W, C) of the stored type with its margin, "parameters": the degradation's,
        "augmentation": the augmentations' parameters}."""
        size, draws = self.plan.phase(index).patch_size, self.plan.draws(index)
        crop = draws.stream("crop")
        which, where = self.volumes.draw(crop), [crop.uniform() for _ in range(3)]
        margin = self.degradation.margin
        window = [side * f + 2 * m for side, f, m in zip(size, self.factors, margin, strict=True)]
        first = self.volumes[int(which[0])]
        hr = np.empty((len(which), *window, first.shape[3]), first.dtype)
        for n, volume in enumerate(which.tolist()):
            source = self.volumes[volume]
            sizes = [length // f for length, f in zip(source.shape[:3], self.factors, strict=True)]  # on the LR grid
            places = [place(float(u[n]), side, length) for u, side, length in zip(where, size, sizes, strict=True)]
            starts = [p * f - m for p, f, m in zip(places, self.factors, margin, strict=True)]
            cut(source, [length * f for length, f in zip(sizes, self.factors, strict=True)], starts, hr[n])
        return {
            "hr": torch.from_numpy(hr),
            "parameters": self.degradation.sample(draws.stream("degradation")),
            "augmentation": self.augmentation.sample(draws.stream("augmentation")),
        }


def cut(volume: np.ndarray, sizes: list[int], starts: list[int], out: np.ndarray) -> None:
    """Copy the window of out's size at `starts` of volume[:D, :H, :W]; beyond the edges the volume is mirrored, with the
    outermost voxels repeated, as the degradation mirrors a whole volume."""
    windows = [np.arange(start, start + side) for start, side in zip(starts, out.shape[:3], strict=True)]
    if all(start >= 0 and window[-1] < size for start, window, size in zip(starts, windows, sizes, strict=True)):
        out[:] = volume[tuple(slice(window[0], window[-1] + 1) for window in windows)]
        return
    indices = [mirrored(window, size) for window, size in zip(windows, sizes, strict=True)]
    low = [int(index.min()) for index in indices]
    block = volume[tuple(slice(start, int(index.max()) + 1) for start, index in zip(low, indices, strict=True))]
    out[:] = block[np.ix_(*(index - start for index, start in zip(indices, low, strict=True)))]
