"""Learned distortion manifold: no reference; higher is better."""

from typing import Literal

from torch import Tensor

from sr.backbone.download import with_backbone
from sr.errors import InputError
from sr.metric.base import Metric

_RELEASE = "https://github.com/miccunifi/ARNIQA/releases/download/weights"


class ARNIQA(Metric):
    """ARNIQA (Agnolucci et al. 2024, arXiv:2310.14918), from torchmetrics: about 0 to 1, higher is better.

    On RGB at full and half size; quantised and cropped like every metric. A ResNet-50 encoder (113 MB) and a linear
    regressor are downloaded on first use.

    Args:
        crop_border, levels: see Metric.
        regressor: data set of opinions used to fit the regressor: koniq10k, photos with authentic distortions, or kadid10k,
            with synthetic ones.

    Raises:
        InputError: another regressor.
        MissingError: the weights are missing and cannot be downloaded.
    """

    reference = False
    rgb_only = True
    smallest = 64  # at half size the encoder ends with one pixel

    def __init__(
        self, *, crop_border: float, regressor: Literal["koniq10k", "kadid10k"] = "koniq10k", levels: int | None = 255
    ) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        if regressor not in ("koniq10k", "kadid10k"):
            raise InputError(f"metric.arniqa.regressor={regressor}: choose koniq10k or kadid10k")
        from torchmetrics.image.arniqa import ARNIQA as Theirs  # here because it takes seconds to import

        urls = (f"{_RELEASE}/ARNIQA.pth", f"{_RELEASE}/regressor_{regressor}.pth")
        # In a tuple: the network is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (with_backbone(lambda: Theirs(regressor).model.eval(), "ARNIQA", *urls),)

    def score(self, sr: Tensor) -> Tensor:
        return self.networks[0].to(sr.device)(sr.float() / 255, normalize=True).flatten().to(sr.dtype)
