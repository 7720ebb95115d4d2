"""SwinIR as a backbone of networks of any scale: spandrel's network without the layers that enlarge.

Liang, Cao, Sun, Zhang, Van Gool, Timofte: SwinIR, 2021, arXiv:2108.10257.
"""

from typing import Any

from spandrel.architectures.SwinIR import SwinIR
from torch import Tensor

from sr.network.upsample import features_alone


class SwinIRFeatures(SwinIR):
    """(N, C, H, W), sides of whole windows -> (N, n_feats, H, W); options are those of spandrel's SwinIR."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("conv_before_upsample", "upsample", "conv_up1", "conv_up2", "conv_up3", "conv_hr", "conv_last"):
            if hasattr(self, name):
                delattr(self, name)
        self.n_feats = self.embed_dim

    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, n_feats, H, W); no mean is subtracted."""
        x = self.conv_first(x)
        return x + self.conv_after_body(self.forward_features(x))

    def forward(self, x: Tensor) -> Tensor:
        raise features_alone("SwinIR")
