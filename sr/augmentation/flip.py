"""Left-right flips (EDSR, Lim et al. 2017, arXiv:1707.02921, section 4.2)."""

from torch import Tensor

from sr.augmentation.base import Augmentation, Pair, changed


class Flip(Augmentation):
    """Mirror left and right."""

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__(probability)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        return tuple(changed(image, parameters["on"], lambda part: part.flip(-1)) for image in (lr, hr))
