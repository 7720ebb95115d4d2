"""Distance of VGG-19 features, relative to their magnitude."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sr.backbone.vgg import VGG19
from sr.errors import InputError
from sr.metric.base import Metric


class VGGDistance(Metric):
    """Mean over the layers of |f(sr) - f(hr)| / |f(hr)|, f the layer's features of one image, |.| their Euclidean norm.

    Lower is better, 0 for equal images. Dividing by the norm of HR's features makes the score independent of the magnitude of
    a layer's activations: weights with features a hundred times larger give the same score. The features are those of the
    perceptual loss (Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.1; before the activation as in Wang et al.
    2018, ESRGAN, arXiv:1809.00219, section 3.3). On RGB at full size; quantised and cropped like every metric. Unlike LPIPS
    it was not fitted to human judgement, but it needs no download if a VGG-19 file is available.

    Args:
        crop_border, levels: see Metric.
        layers: convX_Y is before the activation, reluX_Y after.
        weights: of VGG-19: imagenet, a file with torchvision's key names (it may stop early), or random.

    Raises:
        InputError, MissingError: no layer, or see sr.backbone.vgg.VGG19.
    """

    higher_is_better = False
    rgb_only = True

    def __init__(
        self, *, crop_border: float, layers: Sequence[str] = ("conv3_4",), weights: str = "imagenet", levels: int | None = 255
    ):
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        if isinstance(layers, str):
            raise InputError(f"metric.vgg_distance.layers={layers}: pass a list, metric.vgg_distance.layers=[{layers}]")
        if not layers:
            raise InputError("metric.vgg_distance.layers is empty: pass metric.vgg_distance.layers=[conv3_4]")
        network = VGG19(layers=layers, weights=weights, key="metric.vgg_distance")
        # In a tuple: the backbone is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (network.eval(),)
        self.smallest = 2 ** max(int(name[4]) - 1 for name in layers)  # each block halves the previous one's image

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        network = self.networks[0].to(sr.device)
        ours, theirs = (network(image.float() / 255) for image in (sr, hr))
        return torch.stack([_relative(ours[name], theirs[name]) for name in ours]).mean(0).to(sr.dtype)


def _relative(ours: Tensor, theirs: Tensor) -> Tensor:
    ours, theirs = ours.flatten(1).double(), theirs.flatten(1).double()
    return (ours - theirs).norm(dim=1) / theirs.norm(dim=1).clamp(min=1e-12)
