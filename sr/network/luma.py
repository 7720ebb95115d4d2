"""Base class of networks that process only luma, as SR papers did until 2016 (SRCNN, FSRCNN, ESPCN, VDSR)."""

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.color import rgb_to_ycbcr, ycbcr_to_rgb
from sr.functional.resize import imresize
from sr.network.upsample import check_channels, check_scale

_imresize = torch.compiler.disable(imresize)  # uses numpy tables, which torch.compile cannot guard


class LumaNetwork(nn.Module):
    """RGB (N, 3, H, W) in [0, 1] -> RGB (N, 3, sH, sW): Y by the network, Cb and Cr by bicubic interpolation.

    The eye resolves colour less finely, and the papers measure only Y: SRCNN, arXiv:1501.00092, section 4.2. A subclass
    implements `forward_luma`. A one-channel image is treated as Y/255.

    Args:
        scale: one of `scales`.
        channels: 3 is RGB. Bands of other images have no luma: each goes through the network separately.

    Raises:
        InputError: unsupported scale; in forward, neither one channel nor `channels`.
    """

    scales: tuple[int, ...] = (2, 3, 4)

    def __init__(self, *, scale: int, channels: int = 3) -> None:
        super().__init__()
        self.scale = check_scale(scale, self.scales)
        self.channels, self.multiple_of = check_channels(channels), 1

    def forward_luma(self, y: Tensor) -> Tensor:
        """Y/255 (N, 1, H, W) -> Y/255 (N, 1, sH, sW)."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward_luma")

    def forward(self, lr: Tensor) -> Tensor:
        if lr.shape[1] == 1:
            return self.forward_luma(lr)
        if lr.shape[1] != self.channels:
            raise InputError(
                f"{type(self).__name__} was built for {self.channels} channels, but the image has {lr.shape[1]}: "
                f"pass network.channels={lr.shape[1]}"
            )
        if self.channels != 3:
            return self.forward_luma(lr.flatten(0, 1).unsqueeze(1)).unflatten(0, lr.shape[:2]).squeeze(2)
        ycbcr = rgb_to_ycbcr(lr)
        chroma = _imresize(ycbcr[:, 1:], self.scale)
        y = self.forward_luma(ycbcr[:, :1])
        # Under autocast Y comes in bfloat16; the conversion to RGB needs the precision of the chroma planes.
        return ycbcr_to_rgb(torch.cat([y.to(chroma.dtype), chroma], dim=1))
