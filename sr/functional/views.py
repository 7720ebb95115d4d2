"""The eight views of an image, flipped and turned by right angles, for ensembles (EDSR, arXiv:1707.02921, section 3.3)."""

import torch
from torch import Tensor


def viewed(image: Tensor, turns: int, flip: bool) -> Tensor:
    """(..., H, W), flipped from left to right first, then turned by `turns` right angles."""
    return torch.rot90(image.flip(-1) if flip else image, turns, (-2, -1))


def turned_back(image: Tensor, turns: int, flip: bool) -> Tensor:
    """The image of which this is the view."""
    image = torch.rot90(image, -turns, (-2, -1))
    return image.flip(-1) if flip else image
