"""Augmentations in sequence: `augmentation=[flip,turn,mixup]`."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair
from sr.functional.draws import Draws
from sr.functional.parts import own, sample_each


class Chain:
    """`stages` in order; a parameter `on` of the stage `flip` is called "flip.on".

    Stages that warp run before the degradation, the others after it. So an LR patch that is only flipped or rotated remains
    the crop of the whole image's LR, bit for bit.
    """

    def __init__(self, stages: dict[str, Augmentation]) -> None:
        self.stages = stages
        self.partner = any(stage.partner for stage in stages.values())

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages, {"<stage>.<parameter>": (count, ...)}; each draws from a stream of its name."""
        return sample_each(self.stages, draws)

    def source_size(self, size: int) -> int:
        """Side of the square to cut for a square of `size`."""
        return self._sizes(size)[-1]

    def footprint(self, size: np.ndarray, parameters: dict[str, np.ndarray]) -> np.ndarray:
        """Side (count,) of the image region that a patch of `size` shows: its position is drawn so that it lies inside."""
        for name, stage in reversed(self.stages.items()):
            size = stage.footprint(size, own(parameters, name))
        return size

    def warp(self, image: Tensor, size: int, scale: int, parameters: dict[str, Tensor]) -> Tensor:
        """(N, 3, S, S), S = scale * source_size(size) -> (N, 3, scale * size, scale * size)."""
        for (name, stage), target in zip(self.stages.items(), reversed(self._sizes(size)[:-1]), strict=True):
            if image.shape[-1] != scale * target:
                image = stage.warp(image, scale * target, own(parameters, name))
        return image

    def apply(
        self,
        lr: Tensor,
        hr: Tensor,
        parameters: dict[str, Tensor],
        partner: Pair | None,
        partner_parameters: dict[str, Tensor] | None,
    ) -> Pair:
        """Augment patches; their partners are flipped, rotated and so on with their own parameters."""
        for name, stage in self.stages.items():
            lr, hr = stage.apply(lr, hr, own(parameters, name), partner)
            if partner is not None and not stage.partner:
                partner = stage.apply(*partner, own(partner_parameters, name), None)
        return lr, hr

    def follow(self, keys: Mapping[str, Any], parameters: dict[str, Tensor], *, warped: bool = False) -> dict[str, Any]:
        """Further keys of a batch, after `apply`.

        Args:
            warped: whether they describe the image after `warp`, as keys of the degradation do.

        Raises:
            InputError: an augmentation that does not support them.
        """
        followed = dict(keys)
        for name, stage in self.stages.items():
            if not (warped and stage.source_size(64) != 64):
                followed = {key: stage.follow(key, value, own(parameters, name)) for key, value in followed.items()}
        return followed

    def _sizes(self, size: int) -> list[int]:
        """Sides before the last stage, before the one before it, ...; from `size` to that of the crop."""
        return list(accumulate(reversed(self.stages.values()), lambda n, stage: stage.source_size(n), initial=size))
