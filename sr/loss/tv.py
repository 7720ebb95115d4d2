"""Total variation of the SR image."""

from torch import Tensor

from sr.loss.base import Loss


def tv(sr: Tensor) -> Tensor:
    """Anisotropic total variation: mean |vertical difference| + mean |horizontal difference| of (N, C, H, W)."""
    return sr.diff(dim=-2).abs().mean() + sr.diff(dim=-1).abs().mean()


class TV(Loss):
    """Total variation (Rudin, Osher, Fatemi 1992; as a regulariser of SR: Johnson et al. 2016, arXiv:1603.08155,
    section 3.2).

    It smooths without regard to hr, so use it with another loss and a small weight. It is a mean, so the weight does not
    depend on the patch size; papers that sum use weights smaller by about the number of pixels.
    """

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return tv(sr)
