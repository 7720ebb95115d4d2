"""Peak signal-to-noise ratio."""

from torch import Tensor

from sr.metric.base import Metric

# A perfect image has an infinite PSNR, which would make the mean over a set infinite too and is no valid JSON number.
PERFECT = 100.0


def psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """10 log10(255^2 / MSE) of each image of (N, C, H, W) in 0..255, MSE over its C, H and W; (N,), at most 100 dB."""
    mse = ((sr - hr) ** 2).mean(dim=(1, 2, 3))
    return (10 * (255**2 / mse).log10()).clamp(max=PERFECT)


class PSNR(Metric):
    """PSNR in dB as SR papers report it: on Y (or over the three channels of RGB), of each image on its own."""

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        return psnr(sr, hr)
