"""The endless stream of training batches; sample i is a pure function of (seed, i).

Micro-batch u of the run holds samples u*B ... u*B + B - 1 of the global order, whatever the number of workers, devices
and restarts. Workers deliver uint8; what can be done on whole batches waits for the device (`sr/data/device.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import IterableDataset, get_worker_info

from sr.draws import Draws


@dataclass(frozen=True)
class Plan:
    """Which samples a process makes: of every micro-batch of `batch_size` samples its own equal share."""

    seed: int
    batch_size: int
    first_batch: int = 0
    rank: int = 0
    world_size: int = 1

    @property
    def share(self) -> int:
        return self.batch_size // self.world_size

    def draws(self, batch: int) -> Draws:
        return Draws(self.seed, batch * self.batch_size + self.rank * self.share, self.share)


class Patches(IterableDataset):
    """Batches of HR patches with a margin around them (and LR patches, where files are paired).

    Args:
        hr: images, index -> (H, W, 3) uint8.
        lr: their LR partners, or None where LR is made from HR on the device.
        plan: the samples to make.
        scale: HR pixels for an LR pixel.
        patch_size: side of the LR patch; the HR patch is scale times as large.
        degradation: draws each sample's parameters; its margin is cut around the HR patch.
        flip, rotate: draw flips, quarter turns (applied on the device).
    """

    def __init__(
        self,
        hr: Sequence[np.ndarray],
        lr: Sequence[np.ndarray] | None,
        plan: Plan,
        scale: int,
        patch_size: int,
        degradation: nn.Module,
        flip: bool = True,
        rotate: bool = True,
    ) -> None:
        self.hr, self.lr, self.plan, self.scale, self.patch_size = hr, lr, plan, scale, patch_size
        self.degradation, self.flip, self.rotate = degradation, flip, rotate
        self.margin = 0 if lr is not None else degradation.margin

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for batch in count(self.plan.first_batch + offset, stride):
            yield self.batch(batch)

    def batch(self, index: int) -> dict[str, Any]:
        """Micro-batch `index`: {"hr": (N, H, W, 3) uint8 with margin, "lr"?, "turn": (N, 3) bool, "parameters": {...}}."""
        draws = self.plan.draws(index)
        images = draws.integers(len(self.hr))
        top, left = draws.uniform(), draws.uniform()
        turn = np.stack([draws.uniform() < 0.5 for _ in range(3)], axis=1) & [self.flip, self.flip, self.rotate]
        size, s = self.patch_size, self.scale
        hr = np.empty((len(images), size * s + 2 * self.margin, size * s + 2 * self.margin, 3), np.uint8)
        lr = np.empty((len(images), size, size, 3), np.uint8) if self.lr is not None else None
        for n, i in enumerate(images):
            source = self.hr[i]
            h, w = source.shape[0] // s, source.shape[1] // s  # LR size; positions lie on the LR grid
            y, x = int(top[n] * (h - size + 1)), int(left[n] * (w - size + 1))
            cut(source, h * s, w * s, y * s - self.margin, x * s - self.margin, hr[n])
            if lr is not None:
                lr[n] = self.lr[i][y : y + size, x : x + size]
        batch = {"hr": torch.from_numpy(hr), "turn": torch.from_numpy(turn)}
        if lr is not None:
            batch["lr"] = torch.from_numpy(lr)
        else:
            parameters = self.degradation.sample(draws)
            batch["parameters"] = {name: torch.as_tensor(value) for name, value in parameters.items()}
        return batch


def cut(image: np.ndarray, height: int, width: int, top: int, left: int, out: np.ndarray) -> None:
    """Copy the window of out's size at (top, left) of image[:height, :width]; beyond the edge the image is mirrored.

    The edge pixel is repeated, as MATLAB's imresize pads, so that the LR of the window is the crop of the whole LR.
    """
    h, w = out.shape[:2]
    if top >= 0 and left >= 0 and top + h <= height and left + w <= width:
        out[:] = image[top : top + h, left : left + w]
    else:
        out[:] = image[np.ix_(mirrored(top, h, height), mirrored(left, w, width))]


def mirrored(start: int, length: int, size: int) -> np.ndarray:
    """Indices start ... start + length - 1 reflected into [0, size): -1 -> 0, -2 -> 1, size -> size - 1."""
    index = np.arange(start, start + length) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)
