"""tLPIPS: how much the perceived change from frame to frame differs from HR's."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from sr.errors import InputError
from sr.metric.lpips import LPIPS


class TLPIPS(LPIPS):
    """Mean of |LPIPS(SR frame, next SR frame) - LPIPS(HR frame, next HR frame)|; papers report 100 times that.

    Chu, Xie, Mayer, Leal-Taixe, Thuerey 2020 (TecoGAN), arXiv:1811.09393, section 4. Arguments and errors as of LPIPS.
    """

    clips: ClassVar[bool] = True
    test_only = True
    takes_mask = False

    def __init__(self, *, crop_border: float = 0, net: Literal["alex", "vgg", "squeeze"] = "alex", levels: int | None = 255):
        super().__init__(crop_border=crop_border, net=net, levels=levels)

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Score (N, T, C, H, W) in [0, 1]; returns (N,). InputError: one frame, or as of Metric."""
        self._check_reference(sr, hr)
        if sr.ndim != 5 or sr.shape[1] < 2:
            raise InputError("TLPIPS needs clips of at least 2 frames: remove tlpips from metric=[...]")
        self.check_size(sr)
        return torch.stack([(self._steps(one) - self._steps(true)).abs().mean() for one, true in zip(sr, hr, strict=True)])

    def _steps(self, clip: Tensor) -> Tensor:
        """(T - 1,): LPIPS of each frame and the next."""
        frames = [self.prepare(frame[None]) for frame in clip]
        return torch.cat([self.score(*pair) for pair in zip(frames, frames[1:], strict=False)])
