"""Distance of VGG-19 features."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.backbone.vgg import VGG19
from sr.errors import InputError
from sr.image.photograph import photograph
from sr.loss.base import Loss
from sr.say import warn

CRITERIA = {"l1": F.l1_loss, "l2": F.mse_loss}
MOST = 0.1  # largest layer weight at which features 100 times too large go unnoticed on purpose


def gram(features: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, C): inner products of the channels over C*H*W (Johnson et al. 2016, arXiv:1603.08155, eq. 3).

    At least float32, also under autocast: such sums of squares overflow fp16.
    """
    n, c, h, w = features.shape
    with torch.autocast(features.device.type, enabled=False):
        flat = features.reshape(n, c, h * w).to(torch.promote_types(features.dtype, torch.float32))
        return flat @ flat.transpose(1, 2) / (c * h * w)


@torch.no_grad()
def _sizes(vgg: VGG19) -> dict[str, float]:
    """Root mean square of each layer's features on a photograph."""
    return {name: float(found.square().mean().sqrt()) for name, found in vgg(photograph(96)).items()}


def _on_255(vgg: VGG19) -> bool:
    """Whether the weights are the original VGG-19's, whose first convolution expects 0..255; others have weights of about
    0.2."""
    return float(vgg.features[0].weight.square().mean().sqrt()) > 2


class Perceptual(Loss):
    """Weighted mean distances of features of SR and HR, optionally of their Gram matrices (style).

    Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.1; on VGG-19 Ledig et al. 2017, SRGAN, arXiv:1609.04802,
    equation 5; before the activation Wang et al. 2018, ESRGAN, arXiv:1809.00219, section 3.3.

    Args:
        weight: factor in a sum of losses.
        layers: layer -> weight; convX_Y is before the activation, reluX_Y after. Weight 0 removes a layer.
        criterion: l1 (ESRGAN) or l2 (SRGAN).
        style_weight: weight of the distance of the Gram matrices of the same layers; 0: none.
        weights: of VGG-19: imagenet, a file with torchvision's key names, or random.
        features_rms: scale each layer's features to this root mean square on a photograph (sr/image/photograph.py), so that
            the loss has the same size with any file; None: no scaling.

    Raises:
        InputError, MissingError: unknown criterion, no layer, or see sr.backbone.vgg.VGG19.
    """

    def __init__(
        self,
        *,
        weight: float = 1.0,
        layers: Mapping[str, float] | None = None,
        criterion: str = "l1",
        style_weight: float = 0.0,
        weights: str = "imagenet",
        features_rms: float | None = None,
    ) -> None:
        super().__init__(weight=weight)
        if criterion not in CRITERIA:
            raise InputError(f"loss.perceptual.criterion={criterion}: choose one of {', '.join(CRITERIA)}")
        layers = {"conv5_4": 1.0} if layers is None else layers
        if not isinstance(layers, Mapping):
            raise InputError(
                f"loss.perceptual.layers={layers}: pass ++loss.perceptual.layers.{layers}=1, a weight for each layer"
            )
        self.layers = {name: factor for name, factor in layers.items() if factor}
        if not self.layers:
            raise InputError("loss.perceptual.layers has no layer with a weight: pass loss.perceptual.layers.conv5_4=1")
        self.criterion, self.style_weight = CRITERIA[criterion], style_weight
        self.vgg = VGG19(layers=self.layers, weights=weights)
        self.scales = dict.fromkeys(self.layers, 1.0)
        if features_rms is not None:
            self.scales = {name: float(f"{features_rms / rms:.3g}") for name, rms in _sizes(self.vgg).items()}
        elif weights not in ("imagenet", "random") and weight * max(self.layers.values()) > MOST and _on_255(self.vgg):
            warn(
                f"loss.perceptual.weights={weights} is for pixels on 0..255: its features are about 100 times as large as "
                "torchvision's, and so is the loss; pass loss.perceptual.features_rms=11, which gives them that size, or "
                "loss=[l1,perceptual_conv3_4]"
            )

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        return {name: found if (scale := self.scales[name]) == 1 else found * scale for name, found in self.vgg(image).items()}

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        ours, theirs = self._features(sr), self._features(hr.detach())
        total = sr.new_zeros(())
        for name, factor in self.layers.items():
            distance = self.criterion(ours[name].to(sr.dtype), theirs[name].to(sr.dtype))
            if self.style_weight:
                distance = distance + self.style_weight * self.criterion(gram(ours[name]), gram(theirs[name]))
            total = total + factor * distance
        return total
