"""Base of the networks that enlarge luma alone, as SR papers did until 2016 (SRCNN, FSRCNN, ESPCN, VDSR)."""

import torch
import torch.nn as nn
from torch import Tensor

from sr.color import rgb_to_ycbcr, ycbcr_to_rgb
from sr.network.upsample import check_scale
from sr.resize import imresize

_imresize = torch.compiler.disable(imresize)  # its tables are numpy's, which torch.compile cannot guard


class LumaNetwork(nn.Module):
    """RGB (N, 3, H, W) in [0, 1] -> RGB (N, 3, sH, sW): Y by the network, Cb and Cr by bicubic interpolation.

    The eye resolves colour less finely, and the papers measure Y only: SRCNN, arXiv:1501.00092, section 4.2. A subclass
    implements `forward_luma`. A one-channel image is taken for Y/255 and goes straight to it.
    """

    def __init__(self, *, scale: int) -> None:
        super().__init__()
        self.scale = check_scale(scale, (2, 3, 4))
        self.multiple_of = 1

    def forward_luma(self, y: Tensor) -> Tensor:
        """Y/255 (N, 1, H, W) -> Y/255 (N, 1, sH, sW)."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward_luma")

    def forward(self, lr: Tensor) -> Tensor:
        if lr.shape[1] == 1:
            return self.forward_luma(lr)
        ycbcr = rgb_to_ycbcr(lr)
        chroma = _imresize(ycbcr[:, 1:], self.scale)
        y = self.forward_luma(ycbcr[:, :1])
        # Under autocast Y comes in bfloat16; the conversion to RGB needs the precision of the chroma planes.
        return ycbcr_to_rgb(torch.cat([y.to(chroma.dtype), chroma], dim=1))
