"""Peak signal-to-noise ratio of volumes."""

from torch import Tensor

from sr.metric.psnr import psnr
from sr.metric.volume import VolumeMetric


class PSNRVolume(VolumeMetric):
    """10 log10(1 / MSE) in dB, MSE over all voxels of a volume; 1 is the range of the image kind. At most 100 dB."""

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        # Slice by slice: float64 copies of a whole volume might not fit.
        errors = [((self.prepared(a) - self.prepared(b)) ** 2).sum() for a, b in zip(sr.unbind(-3), hr.unbind(-3), strict=True)]
        return psnr(sum(errors) / hr.numel() * 255**2)
