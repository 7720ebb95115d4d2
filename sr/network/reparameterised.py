"""Re-parameterisation: blocks of several convolutions in training that are one 3x3 convolution in use.

Ding et al.: RepVGG, 2021, arXiv:2101.03697. Without activations between them, convolutions in sequence and in parallel are
one convolution, whose weights follow from theirs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kernel = tuple[Tensor, Tensor]  # weight (out, in, k, k) and bias (out,)


class Reparameterised(nn.Module):
    """(N, in, H, W) -> (N, out, H, W): `wide` in training; in eval mode the 3x3 convolution of `kernel`, with zero padding.

    A subclass writes `wide` and `kernel`. They agree at the border too: of a 1x1 and a 3x3 convolution in sequence, the first
    one sees the padding.

    Args:
        act: what follows the convolution, such as a PReLU.
    """

    def __init__(self, act: nn.Module | None = None) -> None:
        super().__init__()
        self.act = act

    def wide(self, x: Tensor) -> Tensor:
        """The sum of the branches, before `act`."""
        raise NotImplementedError

    def kernel(self) -> Kernel:
        """Weight (out, in, 3, 3) and bias (out,) of the one convolution, in any floating-point type."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        y = self.wide(x) if self.training else F.conv2d(x, *self._folded(), padding=1)
        return y if self.act is None else self.act(y)

    def merged(self) -> nn.Module:
        """A new 3x3 convolution with the same result, followed by `act` if there is one."""
        with torch.no_grad():
            weight, bias = self._folded()
            n_out, n_in = weight.shape[:2]
            # Random initial values would change the numbers that the caller draws next.
            conv = nn.utils.skip_init(nn.Conv2d, n_in, n_out, 3, padding=1, device=weight.device, dtype=weight.dtype)
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)
        plain = conv if self.act is None else nn.Sequential(conv, self.act)
        return plain.train(self.training)

    def _folded(self) -> Kernel:
        """`kernel` in the type of the weights, also under autocast."""
        own = next(self.parameters())
        with torch.autocast(own.device.type, enabled=False):
            weight, bias = self.kernel()
        return weight.to(own.dtype), bias.to(own.dtype)


def blocks(network: nn.Module) -> list[Reparameterised]:
    """All such blocks of a network."""
    return [module for module in network.modules() if isinstance(module, Reparameterised)]


def deployed(network: nn.Module) -> nn.Module:
    """The network with one convolution for each such block: the same images, less work. It is changed in place.

    For finished networks: what the convolutions were merged from is gone.
    """
    for name, child in network.named_children():
        if isinstance(child, Reparameterised):
            setattr(network, name, child.merged())
        else:
            deployed(child)
    return network


def exact(value: Tensor) -> Tensor:
    """In float64, which MPS does not have: what is merged then differs by the rounding of its last step alone."""
    return value if value.device.type == "mps" else value.double()


def kernel_of(conv: nn.Conv2d) -> Kernel:
    """Weight and bias of a convolution that has both."""
    return exact(conv.weight), exact(conv.bias)


def sequence(first: Kernel, second: Kernel) -> Kernel:
    """One convolution for two in sequence, one of which is 1x1."""
    (weight, bias), (last, last_bias) = first, second
    if weight.shape[-1] == 1:
        both = torch.einsum("omyx,mc->ocyx", last, weight[:, :, 0, 0])
    else:
        both = torch.einsum("om,mcyx->ocyx", last[:, :, 0, 0], weight)
    return both, torch.einsum("omyx,m->o", last, bias) + last_bias


def parallel(*branches: Kernel) -> Kernel:
    """One 3x3 convolution for the sum of several, each 3x3 or 1x1."""
    weights = [F.pad(weight, (1, 1, 1, 1)) if weight.shape[-1] == 1 else weight for weight, _ in branches]
    return sum(weights), sum(bias for _, bias in branches)


def identity(like: Tensor) -> Kernel:
    """The 1x1 convolution that changes nothing; `like` (n,) is the bias of another branch."""
    return torch.eye(len(like), dtype=like.dtype, device=like.device)[:, :, None, None], torch.zeros_like(like)
