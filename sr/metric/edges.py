"""Edges of bone, or of a phantom, in computed tomography: are they found in SR where they are in HR?"""

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtr
from skimage.feature import canny
from torch import Tensor

from sr.errors import InputError
from sr.image.kind import Kind
from sr.metric.task import TaskMetric

BONE = 300.0  # Hounsfield units that spongy bone has and soft tissue has not
SOBEL = 8.0  # scikit-image's gradient of a ramp of one unit a pixel


class Edges(TaskMetric):
    """F-score of the edges of SR against those of HR, 1 for HR itself: higher is better; 1 where neither has any.

    Edges are those of Canny 1986 (doi:10.1109/TPAMI.1986.4767851), one pixel wide. Precision is the share of SR's edge pixels
    that are within `tolerance` of one of HR, recall the reverse, and the score their harmonic mean, as of boundaries in
    photographs (Martin, Fowlkes, Malik 2004, doi:10.1109/TPAMI.2004.1273918; without their one-to-one assignment).

    Args:
        kind: the pixel format, with one band.
        threshold: the height of a sharp step that is an edge, in the units of the kind: Hounsfield for ct. Edges go on along
            steps of a third of it. None: 300 Hounsfield units, bone against soft tissue, and for other kinds the same share of
            their range.
        sigma: of the Gaussian filter before, in HR pixels.
        tolerance: in HR pixels.
        crop_border, levels: see Metric.

    Raises:
        InputError: a kind with several bands, or a threshold, sigma or tolerance that is not above 0.
    """

    smallest = 8

    def __init__(
        self,
        *,
        kind: Kind,
        threshold: float | None = None,
        sigma: float = 1.0,
        tolerance: float = 1.0,
        crop_border: float = 0,
        levels: int | None = 255,
    ) -> None:
        super().__init__(crop_border=crop_border, channel="gray", levels=levels, luma=False)
        if kind.bands != 1:
            raise InputError(f"metric=edges is for one band, such as image=ct, not for the {kind.bands} of image={kind.name}")
        for name, value in {"threshold": threshold, "sigma": sigma, "tolerance": tolerance}.items():
            if value is not None and not value > 0:
                raise InputError(f"metric.edges.{name}={value}: pass a number above 0")
        low, high = kind.range
        share = BONE / 4095 if threshold is None else threshold / (high - low)
        # The steepest slope of a step of height 1 after the filter, by central differences, in scikit-image's units.
        self.gradient = share * SOBEL * (ndtr(1.5 / sigma) - ndtr(-0.5 / sigma)) / 2
        self.sigma, self.tolerance = sigma, tolerance

    def forward(self, sr: Tensor, hr: Tensor | None = None) -> Tensor:
        """(N,) scores of pictures (N, 1, H, W) in [0, 1].

        Raises:
            InputError: sr and hr differ in shape.
        """
        self._check_reference(sr, hr)
        self.check_size(sr)
        return self.each(sr, self._score, [self.found(self.array(picture)) for picture in self.prepare(hr)])

    @staticmethod
    def array(prepared: Tensor) -> np.ndarray:
        """(1, H, W) in 0..255 -> (H, W) float64 in 0..1: 8 bits are too few for Hounsfield units."""
        return prepared[0].double().cpu().numpy() / 255

    def found(self, picture: np.ndarray) -> np.ndarray:
        """Where the edges of a picture (H, W) are, bool."""
        return canny(picture, self.sigma, self.gradient / 3, self.gradient, mode="nearest")

    def _score(self, picture: np.ndarray, theirs: np.ndarray) -> float:
        ours = self.found(picture)
        if not ours.any() or not theirs.any():
            return float(ours.any() == theirs.any())
        precision, recall = (_near(a, b, self.tolerance) for a, b in ((ours, theirs), (theirs, ours)))
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(edges: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    """The share of edge pixels that have another one within the tolerance."""
    return float((distance_transform_edt(~others)[edges] <= tolerance).mean())
