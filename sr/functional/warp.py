"""Warping by optical flow."""

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(image: Tensor, flow: Tensor, padding: str = "zeros") -> Tensor:
    """Pixel (y, x) of the result is the image at (y + flow_y, x + flow_x), bilinear; float32, or float64 if the flow is.

    A flow in half precision would move features by fractions of a pixel, so positions are float32.

    Args:
        image: (N, C, H, W).
        flow: (N, 2, H, W), in pixels, x before y.
        padding: value outside the image: "zeros" or "border", the nearest pixel.
    """
    height, width = image.shape[-2:]
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 1]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 0]
    # -1 and 1 are the centres of the first and last pixel.
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], dim=-1)
    return F.grid_sample(image.to(flow.dtype), grid, mode="bilinear", padding_mode=padding, align_corners=True)
