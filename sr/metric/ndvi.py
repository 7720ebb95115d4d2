"""Vegetation seen after super-resolution: the NDVI of SR against that of HR."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sr.errors import InputError
from sr.image.kind import Kind
from sr.metric.local import LocalMetric
from sr.say import warn


class NDVI(LocalMetric):
    """The mean absolute error of the normalised difference vegetation index, 0 for HR itself; lower is better.

    NDVI = (infrared - red) / (infrared + red) of reflectances, from -1 to 1: Rouse, Haas, Schell, Deering: Monitoring
    Vegetation Systems in the Great Plains with ERTS, 1974. With a red edge in place of red: Gitelson and Merzlyak 1994 (Journal
    of Plant Physiology 143). Pixels where both bands are 0 have the index 0.

    Args:
        kind: the pixel format, whose range has to begin at reflectance 0 and which names its bands.
        red, infrared: names of bands; the first that the kind has is used.
        crop_border, levels: see Metric.

    Raises:
        InputError: the kind has none of these bands.
    """

    higher_is_better = False
    scores_hr = True

    def __init__(
        self, *, kind: Kind, red: list[str], infrared: list[str], crop_border: float = 0, levels: int | None = 255
    ) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels, luma=False)
        self.bands = [band(kind, infrared), band(kind, red)]
        if (found := kind.names[self.bands[1]]) != red[0]:
            warn(f"ndvi: image={kind.name} has no band {red[0]}, so its index is that of {found}")

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (self.index(sr) - self.index(hr)).abs()

    def index(self, image: Tensor) -> Tensor:
        """(N, 1, h, w) of prepared images (N, C, h, w)."""
        infrared, red = (image[:, band : band + 1] for band in self.bands)
        total = infrared + red
        return ((infrared - red) / total).where(total > 0, torch.zeros_like(total))


def band(kind: Kind, names: Sequence[str]) -> int:
    """The index of the first of these bands that a kind has.

    Raises:
        InputError: it has none of them, or its `names` are not those of its bands.
    """
    if kind.names and len(kind.names) != kind.bands:
        raise InputError(f"image.names={list(kind.names)}: image={kind.name} has {kind.bands} bands: pass their names")
    if not (known := [name for name in names if name in kind.names]):
        own = f"has {', '.join(kind.names)}" if kind.names else "does not name its bands (image.names)"
        raise InputError(f"metric=ndvi needs a band {' or '.join(names)}, but image={kind.name} {own}")
    return kind.names.index(known[0])
