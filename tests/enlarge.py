"""An image enlarged in one call, as predict.py enlarges its files."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from torch import nn

from sr.image.file import Image
from sr.infer.strips import Alpha, strips
from sr.predict.files import upscaler


def enlarge(
    network: nn.Module,
    image: Image,
    tile: int | Literal["auto"] | None,
    *,
    overlap: int = 16,
    ensemble: bool = False,
    outscale: float | None = None,
    alpha_upscale: Alpha = "bicubic",
    **settings: Any,
) -> Image:
    """An image `network.scale` (or `outscale`) times as large, of the same depth; gray stays gray. Settings: `upscaler`."""
    enlarged = upscaler(network, tile=tile, overlap=overlap, ensemble=ensemble, **settings)
    samples = np.concatenate(list(strips(enlarged, image, outscale=outscale, alpha_upscale=alpha_upscale)))
    alpha = np.ascontiguousarray(samples[..., -1]) if image.alpha is not None else None
    colour = samples[..., : 1 if image.was_gray else 3]
    return replace(image, pixels=np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3))), alpha=alpha)
