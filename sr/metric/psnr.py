"""Peak signal-to-noise ratio."""

from typing import Literal

from torch import Tensor

from sr.errors import InputError
from sr.metric.local import LocalMetric

# A perfect image has infinite PSNR: the mean over a set would be infinite too, which is not a valid JSON number.
PERFECT = 100.0


def psnr(mse: Tensor) -> Tensor:
    """10 log10(255^2 / MSE), MSE over the values of an image in 0..255; at most 100 dB."""
    return (10 * (255**2 / mse).log10()).clamp(max=PERFECT)


class PSNR(LocalMetric):
    """PSNR in dB as SR papers report it: per image, on Y or over all bands together.

    Args:
        crop_border, channel, levels, luma: see Metric.
        further_border: pixels cut from each side besides these: 6 on DIV2K's validation set (Lim et al. 2017, utility.py of
            sanghyun-son/EDSR-PyTorch, whose border yinboc/liif keeps).
    """

    def __init__(
        self,
        *,
        crop_border: float,
        further_border: int = 0,
        channel: Literal["y", "rgb", "gray"] = "y",
        levels: int | None = 255,
        luma: bool = True,
    ) -> None:
        super().__init__(crop_border=crop_border, channel=channel, levels=levels, luma=luma)
        if further_border < 0:
            raise InputError(f"further_border must be 0 or more, not {further_border}")
        self.crop_border += further_border

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (sr - hr) ** 2

    def finish(self, mean: Tensor) -> Tensor:
        return psnr(mean)
