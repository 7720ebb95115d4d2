"""The first samples of a run, as its training sees them, for people to view."""

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.data.plan import Plan
from sr.data.split import Held, Split
from sr.functional.volume import middle_planes, nearest


@dataclass(frozen=True)
class Samples:
    """Patches hr (N, C, sS, sS) and lr (N, C, S, S) in [0, 1] on the CPU, and what was done to each, in words."""

    hr: Tensor
    lr: Tensor
    words: list[str]


def prepared(data: Any) -> Any:
    """A new `sr.data.module.SRData`, ready to give training samples; benchmarks are not prepared."""
    held = (Held, Split)  # of clips a split is chosen later
    data.benchmark, data.validation = {}, {name: images for name, images in data.validation.items() if isinstance(images, held)}
    data.prepare_data()
    data.setup("fit")
    return data


def first_samples(data: Any, count: int, device: torch.device) -> Samples:
    """Samples 0 to count - 1 of the run's stream: augmented, and degraded on `device`, whose noise is its own. Of clips and
    bursts the first frames.

    Args:
        data: a `sr.data.module.SRData` or `sr.data.volumes.VolumeData` after `prepare_data` and `setup("fit")`.
    """
    plan = Plan(seed=data.seed, phases=(replace(data.phases[0], batch_size=count),))  # a sample is the same in any batch
    batch = data.patches(plan).batch(0)
    degraded = "parameters" in batch
    words = data.degradation.words(batch["parameters"], count) if degraded else ["LR from its file"] * count
    scales = getattr(data, "scales", None)
    if scales is not None:
        words = [f"bicubic 1/{scale:.2f}" for scale in batch["scale"]]
    with torch.no_grad():
        batch = data.transfer_batch_to_device(batch, device, 0)
        if scales is None:
            made = data.finish(batch)
            hr, lr = made["hr"].cpu(), made["lr"].cpu()
        else:  # HR patches of different sizes, all shown as large as the largest
            pairs, side = scales.pairs(batch, data.augmentation, data.kind), (max(side for side, _ in batch["sides"]),) * 2
            hr = torch.cat([F.interpolate(hr, size=side, mode="nearest-exact") for _, hr in pairs]).cpu()
            lr = torch.cat([lr for lr, _ in pairs]).cpu()
    if hasattr(data, "factors"):  # of volumes the middle of a plane across the slices, with LR voxels repeated
        hr, lr = middle_planes(hr), middle_planes(nearest(lr, data.factors))
    else:
        hr, lr = (images[:, 0] if images.ndim == 5 else images for images in (hr, lr))
    hr, lr = (images[:: len(images) // count] for images in (hr, lr))  # clips for a network of pictures come as frames
    return Samples(hr, lr, words)
