"""RealBasicVSR: frames are cleaned of noise and artefacts before BasicVSR propagates them.

Chan, Zhou, Xu, Loy: Investigating Tradeoffs in Real-World Video Super-Resolution, 2021, arXiv:2111.12704, section 3.
"""

import torch.nn as nn
from torch import Tensor

from sr.functional.frames import check_clip, framewise
from sr.network.basicvsr import BasicVSR
from sr.network.clip import NAMES, Trunk, size_of
from sr.network.release import Release, Shapes, count

AT_MOST = 3  # times that a clip is cleaned


def _options(shapes: Shapes) -> dict[str, int]:
    return size_of(shapes, "backward_trunk", "basicvsr.") | {
        "n_cleaning_blocks": count(shapes, r"image_cleaning\.0\.main\.2\.(\d+)\."),
    }


class RealBasicVSR(nn.Module):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x4.

    Args:
        n_blocks: residual blocks of each direction of BasicVSR.
        n_cleaning_blocks: residual blocks of the cleaning module.
        threshold: in evaluation a clip is cleaned again, up to three times, until the last change is on average less than this,
            in units of [0, 1]; 5/255 in the release, 1.5/255 for its network without the GAN. Training cleans once.
    """

    release = Release(("image_cleaning.1.weight", "basicvsr.backward_trunk.main.0.weight"), _options, names=NAMES)
    clips = True
    reach_t = None
    recomputed = ("change",)
    outputs_of = ("cleaned",)  # what `outputs` gives besides SR

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 20,
        n_cleaning_blocks: int = 20,
        threshold: float = 5 / 255,
    ) -> None:
        super().__init__()
        self.image_cleaning = nn.Sequential(
            Trunk(channels, n_feats, n_cleaning_blocks), nn.Conv2d(n_feats, channels, 3, padding=1)
        )
        self.basicvsr = BasicVSR(scale=scale, channels=channels, n_feats=n_feats, n_blocks=n_blocks)
        self.scale, self.channels, self.multiple_of = scale, channels, 1
        self.threshold = threshold

    def forward(self, lr: Tensor) -> Tensor:
        return self.outputs(lr)[0]

    def outputs(self, lr: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """SR, and the cleaned LR clip (N, T, `channels`, h, w) for the cleaning loss."""
        check_clip(lr)
        cleaned = self.cleaned(lr)
        return self.basicvsr(cleaned), {"cleaned": cleaned}

    def cleaned(self, lr: Tensor) -> Tensor:
        """The clip after cleaning. Each of a batch stops on its own; the release, run on one at a time, compares their mean."""
        going = lr.new_ones(len(lr), 1, 1, 1, 1)
        for _ in range(1 if self.training else AT_MOST):
            change = self.change(lr) * going
            lr = lr + change
            going = going * (change.abs().mean((1, 2, 3, 4), keepdim=True) >= self.threshold)
            if not going.any():
                break
        return lr

    def change(self, lr: Tensor) -> Tensor:
        """What cleaning adds to each frame of a clip."""
        return framewise(self.image_cleaning, lr)
