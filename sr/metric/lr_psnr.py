"""Does SR, downscaled again, give LR back?"""

from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.metric.base import Metric
from sr.metric.psnr import psnr


class LRPSNR(Metric):
    """PSNR in dB between SR, downscaled by bicubic interpolation, and LR; higher is better.

    The LR-PSNR of Lugmayr, Danelljan, Timofte: NTIRE 2021 Learning the Super-Resolution Space Challenge, section 3.1, where
    samples should reach 45 dB: details may be invented, but not against LR. Over all bands, without a border. Meaningful where
    LR was made by bicubic downscaling.

    Args:
        levels: see Metric.
    """

    against = "lr"
    unit = "dB to LR"

    def __init__(self, *, levels: int | None = 255) -> None:
        super().__init__(crop_border=0, channel="rgb", levels=levels, luma=False)

    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Score SR (N, C, sH, sW) against LR (N, C, H, W), given in place of HR."""
        if hr is None or hr.shape[:2] != sr.shape[:2]:
            raise InputError("LRPSNR compares SR with LR of as many bands")
        quantised = (self.levels(sr) / 255).float()
        ours, theirs = self.levels(imresize(quantised, size=tuple(hr.shape[-2:]), rounding=self.top)), self.levels(hr)
        return psnr((ours - theirs).square().mean((1, 2, 3)))
