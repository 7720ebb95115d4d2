"""Spectral angle between the bands of SR and HR."""

from torch import Tensor

from sr.errors import InputError
from sr.metric.local import LocalMetric


class SAM(LocalMetric):
    """Mean angle in degrees between the spectra of SR and HR, 0 for equal ones; lower is better. From torchmetrics.

    Yuhas, Goetz, Boardman: Discrimination among semi-arid landscape endmembers using the spectral angle mapper algorithm, JPL
    AVIRIS workshop 1992. The angle tells colours apart, not brightness. Pixels whose spectrum is all 0 have no angle and count
    as 0 degrees if both are, 90 if one is.

    Args:
        crop_border, levels: see Metric.

    Raises:
        InputError: images with one band.
    """

    higher_is_better = False
    unit = "degrees"

    def __init__(self, *, crop_border: float, levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels, luma=False)

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        from torchmetrics.functional.image.sam import spectral_angle_mapper

        if sr.shape[1] < 2:
            raise InputError("SAM needs two bands or more: remove it from metric=[...]")
        angle = spectral_angle_mapper(sr, hr, reduction="none")[:, None].rad2deg()
        dark, ours = hr.norm(dim=1, keepdim=True) == 0, sr.norm(dim=1, keepdim=True) == 0
        return angle.where(~(dark & ours), 0).where(~(dark ^ ours), 90)
