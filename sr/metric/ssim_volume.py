"""Structural similarity of volumes."""

from torch import Tensor

from sr.functional.ssim import K1, K2, WINDOW, gaussian_taps
from sr.metric.volume import VolumeMetric

_SLAB = 32  # slices of the map computed at once


class SSIMVolume(VolumeMetric):
    """SSIM with an 11x11x11 Gaussian window of sigma 1.5 where it lies inside the volume; the mean over voxels and bands.

    Wang, Bovik, Sheikh, Simoncelli 2004, equation 13, in three dimensions: scikit-image's `structural_similarity` of 3D arrays
    with gaussian_weights=True, use_sample_covariance=False, data_range=1.
    """

    smallest = WINDOW

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        depth, total, count = sr.shape[-3] - WINDOW + 1, 0.0, 0
        for first in range(0, depth, _SLAB):
            rows = slice(first, min(first + _SLAB, depth) + WINDOW - 1)
            found = ssim_map(self.prepared(sr[:, rows]), self.prepared(hr[:, rows]))
            total, count = total + found.sum(), count + found.numel()
        return total / count


def ssim_map(sr: Tensor, hr: Tensor) -> Tensor:
    """(C, D, H, W) in [0, 1] -> (C, D - 10, H - 10, W - 10)."""
    c1, c2 = K1**2, K2**2
    mean_sr, mean_hr, squares, products = map(_blurred, (sr, hr, sr**2 + hr**2, sr * hr))
    of_means, product = mean_sr**2 + mean_hr**2, mean_sr * mean_hr
    return (2 * product + c1) / (of_means + c1) * (2 * (products - product) + c2) / (squares - of_means + c2)


def _blurred(volume: Tensor) -> Tensor:
    for dim in (-3, -2, -1):
        length = volume.shape[dim] - WINDOW + 1
        first, *taps = gaussian_taps()
        made = volume.narrow(dim, 0, length) * first
        for k, tap in enumerate(taps, 1):
            made.add_(volume.narrow(dim, k, length), alpha=tap)
        volume = made
    return volume
