"""Peak signal-to-noise ratio as a loss."""

from torch import Tensor

from sr.loss.base import Loss


def negative_psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """-PSNR in dB of each image of (N, C, H, W) in [0, 1], over all channels and pixels; the mean over the batch, a scalar."""
    mse = ((sr - hr) ** 2).flatten(1).mean(1)
    return 10 * (mse + 1e-8).log10().mean()  # 1e-8: for equal images -80 dB with a gradient


class PSNR(Loss):
    """-PSNR in dB, the loss of NAFNet's training (Chen et al. 2022, arXiv:2204.04676, its code's PSNRLoss).

    All images count equally, however noisy: MSE would be dominated by the worst ones. The loss is negative: -30 at 30 dB.
    """

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return negative_psnr(sr, hr)
