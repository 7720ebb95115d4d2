"""tOF: how much the motion in SR differs from that in HR."""

from torch import Tensor

from sr.metric.clip import FlowMetric


class TOF(FlowMetric):
    """Mean distance, in HR pixels, of the optical flows of SR and of HR between frames in a row.

    Chu, Xie, Mayer, Leal-Taixe, Thuerey 2020 (TecoGAN), arXiv:1811.09393, section 4. Their flow is OpenCV's Farneback.
    """

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (self.of(sr) - self.of_hr(hr)).norm(dim=1).mean()
