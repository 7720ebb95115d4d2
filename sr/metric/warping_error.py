"""Warping error: how much SR changes along the motion of HR."""

from torch import Tensor

from sr.functional.flow import visible, warped
from sr.metric.clip import FlowMetric


class WarpingError(FlowMetric):
    """1000 times the mean squared difference, on RGB in [0, 1], of each SR frame and the next one warped back to it.

    Lai, Huang, Wang, Shechtman, Yumer, Yang 2018, arXiv:1808.00449, section 4.2. The optical flow is HR's, in both directions;
    pixels that it hides, or where motion ends, do not count. The paper's flow is FlowNet2's. HR itself scores above 0, because
    light and focus change, and a blurred clip below HR: what is not there does not flicker. So compare with HR's row, and with
    clips of equal sharpness.
    """

    scores_hr = True

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        forwards, backwards = self.of_hr(hr), self.of_hr(hr, backwards=True)
        clip = sr / 255
        back, _ = warped(clip[1:], forwards)
        seen = visible(forwards, backwards)
        error = ((clip[:-1] - back) ** 2).mean(1, keepdim=True) * seen
        each = error.sum((1, 2, 3)) / seen.sum((1, 2, 3)).clamp(min=1)
        return 1000 * each.mean()
