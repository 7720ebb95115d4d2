"""What the tests of jobs on files share."""

from pathlib import Path

import skimage
import torch
from torch import nn

from sr.functional.resize import imresize
from sr.network.interpolation import Interpolation

ROOT = Path(__file__).resolve().parent.parent.parent
SKIMAGE = Path(skimage.__file__).parent / "data"
BICUBIC = Interpolation(scale=2)


class Tinted(nn.Module):
    """Bicubic x2 with a red tint: tells a gray result that is kept gray from one that happens to be."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        return imresize(lr, 2) * torch.tensor([1.2, 1.0, 0.8]).view(1, 3, 1, 1)


def result_names():
    return sorted(str(file.relative_to("out")) for file in Path("out").rglob("*") if file.is_file())
