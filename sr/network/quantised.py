"""Quantisation-aware training: a network whose convolutions round their weights and inputs as an 8-bit file does.

Gradients pass the rounding unchanged (straight-through), and the ranges of the inputs are learned with the weights:
Esser et al.: Learned Step Size Quantization, 2020, arXiv:1902.08153; with a zero point, Bhalgat et al.: LSQ+, 2020,
arXiv:2004.09576. PyTorch's own tools are deprecated (torch.ao) or another package (torchao), and change the keys of weights.
"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn
from torch.utils.hooks import RemovableHandle

from sr.errors import InputError
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.network.inputs import conditions
from sr.network.reparameterised import blocks

TOP = 255  # codes of inputs are 0 to 255
_SIDE = 32  # LR pixels of the image that is tried, in multiples of what the network needs


class Quantised(nn.Module):
    """(N, `channels`, H, W) -> (N, `channels`, sH, sW): the network with 8-bit convolutions.

    Weights have one scale for each output channel, inputs one range for each layer. The ranges begin as those of the first
    training batch; before it inputs are not rounded. The network keeps its keys, so that its released weights load.

    Args:
        network: for pictures.
        float_layers: names of its convolutions that stay in float; None: the first and the last.
        reduce_range: 7 bits for weights, as export.py writes them by default (sr/export/options.py).

    Raises:
        InputError: a network without convolutions, with re-parameterised blocks, or one that needs more than LR; a layer that
            does not exist.
    """

    def __init__(self, *, network: nn.Module, float_layers: Sequence[str] | None = None, reduce_range: bool = True) -> None:
        super().__init__()
        name = type(network).__name__
        if is_clip(network) or is_burst(network) or is_volume(network) or conditions(network):
            raise InputError(f"quantise=int8: {name} takes more than one picture: only networks for pictures are quantised")
        if blocks(network):
            raise InputError(
                f"quantise=int8: blocks of {name} are several convolutions in training, and one later: train it in float, then "
                "pass quantise=int8 data.train=DIR to export.py"
            )
        self.network, self.scale = network, getattr(network, "scale", None)
        self.channels, self.multiple_of = getattr(network, "channels", 3), getattr(network, "multiple_of", 1)
        self.reduce_range = reduce_range
        layers = _convolutions(network, self.channels, self.multiple_of)
        if len(layers) < (3 if float_layers is None else 1):
            raise InputError(f"quantise=int8: {name} has {len(layers)} convolutions with zero padding: too few")
        float_layers = [layers[0], layers[-1]] if float_layers is None else float_layers
        for one in float_layers:
            if one not in layers:
                raise InputError(f"float_layers: {name} has no convolution {one}; there are {', '.join(layers)}")
        self.layers = [one for one in layers if one not in float_layers]
        self.ranges = nn.ModuleList(Range() for _ in self.layers)
        for one, limits in zip(self.layers, self.ranges, strict=True):
            conv = network.get_submodule(one)
            conv.__class__ = _Conv2d
            conv.__dict__.update(limits=limits, codes=weight_codes(reduce_range))  # not a sub-module: keys stay

    def forward(self, lr: Tensor) -> Tensor:
        return self.network(lr)

    def plain(self) -> nn.Module:
        """A copy of the network that computes in float, with the trained weights."""
        network = copy.deepcopy(self).network
        for one in self.layers:
            conv = network.get_submodule(one)
            conv.__class__ = nn.Conv2d
            del conv.__dict__["limits"], conv.__dict__["codes"]
        return network

    def learned(self) -> dict[str, tuple[float, float]]:
        """Layer -> range of its inputs. InputError: it was never trained."""
        if not all(limits.seen for limits in self.ranges):
            raise InputError("the network was not trained with quantise=int8: it has no ranges of its features")
        return {one: limits.ends() for one, limits in zip(self.layers, self.ranges, strict=True)}

    def __str__(self) -> str:
        return f"{type(self.network).__name__} in 8 bits, as it was trained: {len(self.layers)} convolutions"


def weight_codes(reduce_range: bool) -> int:
    """The code of the largest weight of an output channel: of 7 bits or of 8, with a sign."""
    return 64 if reduce_range else 127


class Range(nn.Module):
    """Rounds features to 256 values between `low` and `high`, which are learned; 0 is one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = nn.Parameter(torch.zeros(())), nn.Parameter(torch.ones(()))
        self.register_buffer("seen", torch.tensor(False))
        self._seen = False  # the same without waiting for a GPU

    def forward(self, x: Tensor) -> Tensor:
        if not self._seen:
            if self.training and not self.seen:
                self._see(x.detach())
            self._seen = bool(self.seen)
            if not self._seen:
                return x
        low, high = self.low.clamp(max=0), self.high.clamp(min=0)
        step = ((high - low) / TOP).clamp(min=1e-12)
        zero = _rounded(-low / step)
        return ((_rounded(x.float() / step) + zero).clamp(0, TOP) - zero) * step

    def ends(self) -> tuple[float, float]:
        return min(float(self.low.detach()), 0.0), max(float(self.high.detach()), 0.0)

    @torch.no_grad()
    def _see(self, x: Tensor) -> None:
        ends = torch.stack([-x.min(), x.max()]).float()
        if distributed.is_available() and distributed.is_initialized():  # all processes start from the same range
            distributed.all_reduce(ends, distributed.ReduceOp.MAX)
        self.low.copy_(-ends[0].clamp(min=0))
        self.high.copy_(ends[1].clamp(min=0))
        self.seen.fill_(True)


class _Conv2d(nn.Conv2d):
    """A convolution with rounded weights and inputs; `limits` and `codes` are set by `Quantised`."""

    def forward(self, x: Tensor) -> Tensor:
        step = (self.weight.detach().abs().amax((1, 2, 3), keepdim=True) / self.codes).clamp(min=1e-12)
        weight = _rounded(self.weight / step) * step
        return F.conv2d(self.limits(x), weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def _rounded(x: Tensor) -> Tensor:
    return x + (x.round() - x).detach()


@torch.no_grad()
def _convolutions(network: nn.Module, channels: int, multiple: int) -> list[str]:
    """The names of the convolutions in the order in which they compute, without those of pooled features, which are cheap."""
    found: dict[str, bool] = {}

    def watched(name: str, module: nn.Module) -> RemovableHandle:
        see = lambda _, inputs: found.update({name: inputs[0].shape[-2:] != (1, 1)})  # noqa: E731
        return module.register_forward_pre_hook(see)

    convolutions = {
        name: one for name, one in network.named_modules() if type(one) is nn.Conv2d and one.padding_mode == "zeros"
    }
    hooks = [watched(name, one) for name, one in convolutions.items()]
    mode, side = network.training, -(-_SIDE // multiple) * multiple
    try:
        network.eval()(torch.full((1, channels, side, side), 0.5))
    finally:
        network.train(mode)
        for hook in hooks:
            hook.remove()
    return [name for name, wide in found.items() if wide]
