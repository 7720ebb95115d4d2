"""Peak signal-to-noise ratio."""

from torch import Tensor

from sr.metric.local import LocalMetric

# A perfect image has infinite PSNR: the mean over a set would be infinite too, which is not a valid JSON number.
PERFECT = 100.0


def psnr(mse: Tensor) -> Tensor:
    """10 log10(255^2 / MSE), MSE over the values of an image in 0..255; at most 100 dB."""
    return (10 * (255**2 / mse).log10()).clamp(max=PERFECT)


class PSNR(LocalMetric):
    """PSNR in dB as SR papers report it: per image, on Y or over all bands together."""

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (sr - hr) ** 2

    def finish(self, mean: Tensor) -> Tensor:
        return psnr(mean)
