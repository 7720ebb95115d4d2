"""Nuclei counted in micrographs: are as many found after super-resolution as in HR?"""

from typing import Literal

import numpy as np
from scipy import ndimage
from skimage.color import rgb2hed
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed
from torch import Tensor

from sr.errors import InputError
from sr.image.kind import Kind
from sr.metric.task import TaskMetric

STAINS = ("hematoxylin", "fluorescence")
NEEDS_RGB, INSTEAD = "metric.nuclei.stain=hematoxylin needs RGB", "pass metric.nuclei.stain=fluorescence, or image=microscopy"


class Nuclei(TaskMetric):
    """The difference between the numbers of nuclei in SR and in HR, as a fraction of that in HR (at least one); 0 for HR.

    Nuclei that are missed and others that are invented cancel out: look at the pictures too.

    Args:
        stain: how nuclei are seen. "hematoxylin": blue in bright-field RGB, separated from other stains by colour deconvolution
            (Ruifrok and Johnston 2001, Anal. Quant. Cytol. Histol. 23); "fluorescence": bright in the mean of all bands.
        sigma: of the Gaussian filter before the threshold, in HR pixels.
        distance: least distance between the centres of two nuclei, in HR pixels.
        area: least area of a nucleus, in HR pixels.
        kind: the pixel format, to refuse a stain that it cannot show before a run; None: not known.
        test_only: do not count in validation images, which may have another stain.
        crop_border, levels: see Metric.

    Raises:
        InputError: an unknown stain, or hematoxylin in a kind that is not RGB.
    """

    higher_is_better = False
    smallest = 8

    def __init__(
        self,
        *,
        stain: Literal["hematoxylin", "fluorescence"] = "hematoxylin",
        sigma: float = 1.0,
        distance: int = 3,
        area: int = 12,
        kind: Kind | None = None,
        test_only: bool = True,
        crop_border: float = 0,
        levels: int | None = 255,
    ) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        if stain not in STAINS:
            raise InputError(f"metric.nuclei.stain={stain}: choose {' or '.join(STAINS)}")
        if stain == "hematoxylin" and kind is not None and kind.bands != 3:
            raise InputError(f"{NEEDS_RGB}, not the bands of image={kind.name} ({kind.bands}): {INSTEAD}")
        self.stain, self.sigma, self.distance, self.area, self.test_only = stain, sigma, distance, area, test_only

    def forward(self, sr: Tensor, hr: Tensor | None = None) -> Tensor:
        """(N,) differences for pictures (N, C, H, W) in [0, 1].

        Raises:
            InputError: sr and hr differ in shape, or are not RGB where the stain needs it.
        """
        self._check_reference(sr, hr)
        self.check_size(sr)
        return (self.each(sr, self.count) - (counted := self.each(hr, self.count))).abs() / counted.clamp(min=1)

    def count(self, picture: np.ndarray) -> int:
        """The number of nuclei in a picture (H, W[, C]) uint8: Otsu's threshold, then a watershed from the centres of blobs."""
        amount = gaussian(self._amount(picture), self.sigma)
        if np.ptp(amount) < 1e-6:  # one value everywhere: no nucleus
            return 0
        found = amount > threshold_otsu(amount)
        depth = gaussian(ndimage.distance_transform_edt(found), 1)
        centres = peak_local_max(depth, min_distance=self.distance, labels=ndimage.label(found)[0], exclude_border=False)
        markers = np.zeros(found.shape, int)
        markers[tuple(centres.T)] = range(1, len(centres) + 1)
        return int((np.bincount(watershed(-depth, markers, mask=found).ravel())[1:] >= self.area).sum())

    def _amount(self, picture: np.ndarray) -> np.ndarray:
        """How much of the stain is in each pixel (H, W)."""
        if self.stain == "fluorescence":
            return picture / 255 if picture.ndim == 2 else picture.mean(2) / 255
        if picture.ndim == 2 or picture.shape[2] != 3:
            raise InputError(f"{NEEDS_RGB}: {INSTEAD}")
        return rgb2hed(picture)[..., 0]
