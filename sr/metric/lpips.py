"""Learned perceptual image patch similarity."""

from typing import Literal

from torch import Tensor

from sr.backbone.download import with_backbone
from sr.errors import InputError
from sr.metric.base import Metric


class LPIPS(Metric):
    """LPIPS v0.1 (Zhang et al. 2018, arXiv:1801.03924), from torchmetrics: lower is better, 0 for equal images.

    On RGB at full size; quantised and cropped like every metric. SR papers use the AlexNet backbone. The linear heads
    come with torchmetrics; the backbone (AlexNet 233 MB, VGG-16 528 MB, SqueezeNet 5 MB) is downloaded on first use.

    Args:
        crop_border, levels: see Metric.
        net: backbone.

    Raises:
        InputError: another backbone.
        MissingError: the backbone's weights are missing and cannot be downloaded.
    """

    higher_is_better = False
    rgb_only = True
    smallest = 31  # smaller images vanish in AlexNet's second pooling

    def __init__(self, *, crop_border: float, net: Literal["alex", "vgg", "squeeze"] = "alex", levels: int | None = 255):
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        # Imported here because it takes seconds.
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
        from torchvision.models import AlexNet_Weights, SqueezeNet1_1_Weights, VGG16_Weights

        weights = {"alex": AlexNet_Weights, "vgg": VGG16_Weights, "squeeze": SqueezeNet1_1_Weights}
        if net not in weights:
            raise InputError(f"unknown net {net!r}; choose one of {', '.join(weights)}")
        url = weights[net].DEFAULT.url
        # In a tuple: the backbone is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (with_backbone(lambda: LearnedPerceptualImagePatchSimilarity(net).net, "LPIPS", url),)

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        network = self.networks[0].to(sr.device)
        distance = network(sr.float() / 127.5 - 1, hr.float() / 127.5 - 1)
        return distance.flatten().to(sr.dtype)
