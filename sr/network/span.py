"""SPAN's blocks: three convolutions in sequence and one beside them, which are merged into one 3x3 convolution.

Wan et al.: Swift Parameter-free Attention Network for Efficient Super-Resolution, 2024, arXiv:2311.12770. The rest of SPAN is
spandrel's (sr/network/spandrel.py).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.network.reparameterised import Kernel, Reparameterised, kernel_of, parallel, sequence


class Conv3XC(Reparameterised):
    """(N, in, H, W) -> (N, out, H, W): `conv`, 1x1, 3x3 and 1x1 in sequence, plus `sk`, 1x1.

    Files of SPAN also have the merged convolution, `eval_conv`: it is kept up to date in eval mode, and never read.
    """

    def __init__(self, sk: nn.Conv2d, conv: nn.Sequential, eval_conv: nn.Conv2d) -> None:
        super().__init__()
        self.sk, self.conv, self.eval_conv = sk, conv, eval_conv.requires_grad_(False)

    def wide(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (1, 1, 1, 1))) + self.sk(x)

    def kernel(self) -> Kernel:
        first, second, third = (kernel_of(conv) for conv in self.conv)
        weight, bias = parallel(sequence(sequence(first, second), third), kernel_of(self.sk))
        with torch.no_grad():
            self.eval_conv.weight.copy_(weight)
            self.eval_conv.bias.copy_(bias)
        return weight, bias


def replace_blocks(network: nn.Module) -> None:
    """Put our block, with the same weights and keys, in the place of each of spandrel's; in place."""
    for parent in list(network.modules()):
        for name, block in list(parent.named_children()):
            if type(block).__name__ == Conv3XC.__name__:
                setattr(parent, name, Conv3XC(block.sk, block.conv, block.eval_conv))
