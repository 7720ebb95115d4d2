"""What of a batch crosses to the device, counted on a device that computes nothing."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.mixup import MixUp
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.burst import Burst
from sr.degradation.chain import Chain
from sr.image.photograph import photograph


class Crossings(TorchDispatchMode):
    """Counts copies from the host to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if function in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[-1]
            self.count += source.device.type == "cpu" and made.device.type != "cpu"
        return made


@pytest.mark.parametrize("case", ["burst", "partners"])
def test_parameters_cross_once_per_batch(case):
    """Those of the degradation and the augmentation with further keys, and those of partners."""
    stages = {"burst": Burst(lr_pixel=2, frames=[2, 3])} if case == "burst" else {}
    chain = Chain(stages | {"bicubic": Bicubic(2)}, 2)
    augmentation = Augmentations({"flip": Flip(), "turn": Turn()} | ({} if stages else {"mixup": MixUp()}))
    pixels = (photograph(96)[0].permute(1, 2, 0) * 255).byte().numpy()
    patches = Patches(Mixture([[pixels]]), None, Plan(seed=1, phases=(Phase(0, 12, 4),)), 2, chain, augmentation)
    further = {"level": np.arange(4.0), "text": ["a", "b", "c", "d"]} if stages else {}
    for _ in range(2):  # the first fills the tables of bicubic
        batch = patches.batch(0) | {"further": further}
        here = finish(batch, chain, augmentation, wanted=["burst_frames"])
        for part in (batch, *([batch["partner"]] if "partner" in batch else [])):
            part["hr"] = part["hr"].to("meta")
        with Crossings() as crossings:
            there = finish(batch, chain, augmentation, wanted=["burst_frames"])
    assert crossings.count == 1
    shapes = [{k: (v.shape, v.dtype) for k, v in made.items() if k != "text"} for made in (here, there)]
    assert shapes[0] == shapes[1] and here.get("text") == there.get("text")
    assert ("partner" in batch) == (case == "partners") and ("burst_frames" in here) == (case == "burst")
