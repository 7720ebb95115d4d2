"""Structural similarity: the maps behind the SSIM metric, the SSIM loss and the MS-SSIM loss."""

import math

from torch import Tensor

from sr.errors import InputError

WINDOW = 11  # taps of the Gaussian window, Wang et al. 2004, section III-C
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def gaussian_taps() -> list[float]:
    """The 11 taps of the Gaussian of sigma 1.5; their sum is 1."""
    taps = [math.exp(-((i - WINDOW // 2) ** 2) / (2 * SIGMA**2)) for i in range(WINDOW)]
    return [tap / math.fsum(taps) for tap in taps]


def gaussian_blur(image: Tensor) -> Tensor:
    """Filter (..., H, W) with the 11x11 Gaussian of sigma 1.5; 'valid' result (..., H - 10, W - 10).

    Computed as weighted sums of shifted images: faster on the CPU than a depthwise convolution, and a GPU might run
    convolutions in TF32, whose 10 bits are too few for variances.
    """
    taps = gaussian_taps()
    height, width = (size - WINDOW + 1 for size in image.shape[-2:])
    rows = sum(tap * image[..., i : i + height, :] for i, tap in enumerate(taps))
    return sum(tap * rows[..., i : i + width] for i, tap in enumerate(taps))


def ssim_maps(sr: Tensor, hr: Tensor, data_range: float = 1.0) -> tuple[Tensor, Tensor]:
    """Luminance map and contrast-structure map of two images; their product is the SSIM map.

    Wang's ssim.m for MATLAB: population variances under an 11x11 Gaussian window, only where the window is inside the image.
    No padding, no downsampling.

    Args:
        sr, hr: (..., H, W), each plane separately, both float32 or both float64, values in [0, data_range]; H, W >= 11.
        data_range: 1 or 255.

    Returns:
        Two maps, each (..., H - 10, W - 10).

    Raises:
        InputError: an image smaller than the window.

    Source:
        Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural
        similarity", equations 6, 9, 10 and 13 to 16.
    """
    if min(sr.shape[-2:]) < WINDOW:
        raise InputError(f"SSIM's window is {WINDOW}x{WINDOW}: an image of {sr.shape[-2]}x{sr.shape[-1]} is too small")
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_sr, mean_hr = gaussian_blur(sr), gaussian_blur(hr)
    # The formula needs the two variances only as a sum, which saves one of five filterings.
    squares = mean_sr**2 + mean_hr**2
    product = mean_sr * mean_hr
    variances = gaussian_blur(sr**2 + hr**2) - squares
    covariance = gaussian_blur(sr * hr) - product
    return (2 * product + c1) / (squares + c1), (2 * covariance + c2) / (variances + c2)
