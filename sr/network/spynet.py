"""SPyNet: optical flow by a pyramid of small networks, each of which adds to the flow of the coarser level.

Ranjan, Black: Optical Flow Estimation using a Spatial Pyramid Network, 2017, arXiv:1611.00850. As BasicVSR uses it: six levels,
no batch normalisation.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.functional.warp import warp
from sr.network.clip import NAMES
from sr.network.release import Release

LEVELS = 6


class SPyNet(nn.Module):
    """Flow from one image to another: (N, 3, H, W) twice, RGB in [0, 1] -> (N, 2, H, W) in pixels, x before y.

    `warp(second, spynet(first, second))` is like the first. Images are resized to multiples of 32, as in the release. Keys of
    BasicSR; files of mmediting and mmagic load too, see `init_parts`.
    """

    release = Release(("basic_module.0.basic_module.0.weight",), lambda shapes: {}, names=NAMES, part="spynet")
    recomputed = ("estimated",)

    def __init__(self) -> None:
        super().__init__()
        self.basic_module = nn.ModuleList(Level() for _ in range(LEVELS))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))  # of ImageNet, as torchvision's
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        height, width = first.shape[-2:]
        size = -(-height // 32) * 32, -(-width // 32) * 32
        pair = (F.interpolate(image, size=size, mode="bilinear", align_corners=False) for image in (first, second))
        flow = F.interpolate(self.estimated(*pair), size=(height, width), mode="bilinear", align_corners=False)
        return flow * flow.new_tensor([width / size[1], height / size[0]]).view(2, 1, 1)

    def estimated(self, first: Tensor, second: Tensor) -> Tensor:
        """The flow of images whose sides are multiples of 32."""
        pyramids = [[(image - self.mean) / self.std] for image in (first, second)]
        for pyramid in pyramids:
            for _ in range(LEVELS - 1):
                pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        flow = first.new_zeros(len(first), 2, first.shape[2] // 32, first.shape[3] // 32)
        for level, ours, theirs in zip(self.basic_module, *map(reversed, pyramids), strict=True):
            if ours.shape[-2:] != flow.shape[-2:]:
                flow = F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=True) * 2
            flow = flow + level(torch.cat([ours, warp(theirs, flow, "border"), flow], dim=1))
        return flow


class Level(nn.Module):
    """First image, warped second image and flow so far, (N, 8, H, W) -> what to add to the flow, (N, 2, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        widths, layers = (8, 32, 64, 32, 16, 2), []
        for n_in, n_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(n_in, n_out, 7, padding=3), nn.ReLU()]
        self.basic_module = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return self.basic_module(x)
