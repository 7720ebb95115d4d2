"""RepSR: a Compact whose middle convolutions are trained as two wide paths with batch norm beside a clean residual path.

Wang, Dong, Shan: RepSR: Training Efficient VGG-style Super-Resolution Networks with Structural Re-Parameterization and Batch
Normalization, ACM Multimedia 2022, arXiv:2205.05671. The authors published no code.
"""

import torch
from torch import Tensor, nn

from sr.network.compact import Compact
from sr.network.release import Release, Shapes, count, root
from sr.network.reparameterised import Kernel, Reparameterised, exact, identity, kernel_of, parallel, sequence


def _options(shapes: Shapes) -> dict[str, int]:
    n_blocks = count(shapes, r"body\.(\d+)\.first\.")
    return {
        "scale": root(shapes[f"body.{2 * n_blocks + 2}.weight"][0]),
        "n_feats": shapes["body.0.weight"][0],
        "n_blocks": n_blocks,
    }


class RepSR(Compact):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Merged, it is Compact. `n_blocks` and `n_feats` are M and C of the paper's names: M4C16. Batch norm uses the statistics of
    the batch at first, and those of all earlier ones in the last part of training (callback=frozen_norm), as in use.

    After the paper's abstract and figure 2 and the unofficial JL-DY/RepSR, with two differences: the enlarged input is
    nearest-neighbour, as in Compact by the same first author, and the last convolution makes the pixels of the shuffle.
    """

    release = Release(("body.0.weight", "body.2.first.1.running_mean"), _options)
    prunable = None  # a block adds its input: its channels cannot be fewer

    def __init__(self, *, scale: int | None = 4, channels: int = 3, n_feats: int = 16, n_blocks: int = 4) -> None:
        super().__init__(scale=scale, channels=channels, n_feats=n_feats, n_blocks=n_blocks)

    @staticmethod
    def middle(n_in: int, n_out: int) -> nn.Module:
        return Block(n_in)


class Block(Reparameterised):
    """(N, n_feats, H, W) -> the same: the input, plus twice 3x3 convolution to twice the features, batch norm, 1x1."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Sequential(
                nn.Conv2d(n_feats, 2 * n_feats, 3, padding=1), nn.BatchNorm2d(2 * n_feats), nn.Conv2d(2 * n_feats, n_feats, 1)
            )
            for _ in range(2)
        )

    def wide(self, x: Tensor) -> Tensor:
        return x + self.first(x) + self.second(x)

    def kernel(self) -> Kernel:
        paths = [sequence(_normalised(conv, norm), kernel_of(last)) for conv, norm, last in (self.first, self.second)]
        return parallel(*paths, identity(paths[0][1]))


def _normalised(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Kernel:
    """The convolution with the factor and offset of the norm's stored statistics."""
    weight, bias = kernel_of(conv)
    factor = exact(norm.weight) / torch.sqrt(exact(norm.running_var) + norm.eps)
    return weight * factor[:, None, None, None], (bias - exact(norm.running_mean)) * factor + exact(norm.bias)
