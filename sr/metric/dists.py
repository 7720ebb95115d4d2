"""Deep image structure and texture similarity."""

from torch import Tensor

from sr.backbone.download import with_backbone
from sr.metric.base import Metric


class DISTS(Metric):
    """DISTS (Ding et al. 2020, arXiv:2004.07728), from torchmetrics: lower is better, 0 for equal images.

    On RGB at full size (the authors' example shrinks to 256 pixels first); quantised and cropped like every metric.
    The learned weights come with torchmetrics; the VGG-16 backbone (528 MB) is downloaded on first use.

    Args:
        crop_border, levels: see Metric.

    Raises:
        MissingError: the backbone's weights are missing and cannot be downloaded.
    """

    higher_is_better = False
    rgb_only = True
    smallest = 16  # VGG-16 halves the image four times

    def __init__(self, *, crop_border: float, levels: int | None = 255):
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        # Imported here because it takes seconds.
        from torchmetrics.functional.image.dists import DISTSNetwork
        from torchvision.models import VGG16_Weights

        # In a tuple: the backbone is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (with_backbone(lambda: DISTSNetwork().eval(), "DISTS", VGG16_Weights.DEFAULT.url),)

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        network = self.networks[0].to(sr.device)
        distance = network(sr.float() / 255, hr.float() / 255)
        return distance.reshape(-1).to(sr.dtype)
