"""Structured pruning: how much each channel of a network matters, and networks without some of them.

torch-pruning finds what belongs to a channel (a filter, its activation's parameters, the inputs of the layers behind) and
scores it: Fang, Ma, Song, Mi, Wang: DepGraph: Towards Any Structural Pruning, 2023, arXiv:2301.12900. It is an optional
package, `pip install ".[prune]"`. Which channels may go is said by the network's `prunable()`: the convolutions whose numbers
of output channels are its option `widths`, so that its own class builds what is left.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sr.device.count import multiply_adds
from sr.errors import InputError
from sr.functional.axes import layout
from sr.weights.untouched import as_it_was

SIDE = 16  # LR pixels of the image on which dependencies are traced
Dropped = Sequence[Sequence[int]]  # for each prunable convolution the output channels that go


def library() -> Any:
    """torch-pruning. InputError: it is not installed."""
    try:
        import torch_pruning
    except ImportError:
        raise InputError('callback=[slim] needs the package torch-pruning: pip install ".[prune]"') from None
    return torch_pruning


def prunable(network: nn.Module) -> list[nn.Module]:
    """The convolutions that may lose output channels. InputError: the network names none."""
    if getattr(network, "prunable", None) is None:
        raise InputError(
            f"{type(network).__name__} cannot be pruned: pass network=compact or edsr_baseline, or write a method prunable() "
            "and an option widths into its class, as sr/network/compact.py does"
        )
    return network.prunable()


def widths(network: nn.Module) -> list[int]:
    """The numbers of output channels of the prunable convolutions: the network's option `widths`."""
    return [conv.out_channels for conv in prunable(network)]


class Channels:
    """The channels of a network with everything that belongs to them, traced once; `drop` makes it invalid.

    Args:
        network: one with `prunable()`.
    """

    def __init__(self, network: nn.Module) -> None:
        library_, self.network = library(), network
        device = next(network.parameters()).device
        with as_it_was(network), torch.enable_grad(), torch.autocast(device.type, enabled=False):
            frozen = [weight for weight in network.parameters() if not weight.requires_grad]
            for weight in frozen:  # such as those of an average: dependencies are read off the graph of gradients
                weight.requires_grad_(True)
            inplace = [part for part in network.modules() if getattr(part, "inplace", False)]
            for part in inplace:  # an activation in place hides the convolution before it from the trace
                part.inplace = False
            lr = torch.zeros(1, network.channels, SIDE, SIDE, device=device)
            self._graph = library_.DependencyGraph().build_dependency(network, lr, verbose=False)
            for part in inplace:
                part.inplace = True
            for weight in frozen:
                weight.requires_grad_(False)
        self._of = library_.prune_conv_out_channels
        self._scores = {
            # Raw, so that layers can be compared: the change of the loss without the channel, to first order (Molchanov,
            # Mallya, Tyree, Frosio, Kautz 2019, Importance Estimation for Neural Network Pruning, arXiv:1906.10771).
            "taylor": library_.importance.GroupTaylorImportance(normalizer=None, multivariable=True),
            # Norms of weights differ between layers: each is divided by its layer's mean.
            "magnitude": library_.importance.GroupMagnitudeImportance(normalizer="mean"),
        }

    def scores(self, importance: str) -> list[Tensor]:
        """The importance of each channel, (width,) for each prunable convolution; taylor reads the weights' gradients."""
        score = self._scores[importance]
        return [score(self._group(conv, range(conv.out_channels))).cpu() for conv in prunable(self.network)]

    def drop(self, dropped: Dropped) -> nn.Module:
        """The network without these channels, changed in place: its parameters are new ones."""
        layout_ = layout(self.network)
        for conv, channels in zip(prunable(self.network), dropped, strict=True):
            if channels:
                self._group(conv, channels).prune()
        for weight in self.network.parameters():
            weight.grad = None
        return self.network.to(memory_format=layout_)

    def _group(self, conv: nn.Module, channels: Sequence[int]) -> Any:
        return self._graph.get_pruning_group(conv, self._of, list(channels))


def without(network: nn.Module, dropped: Dropped) -> nn.Module:
    """A copy of the network without these channels."""
    return Channels(copy.deepcopy(network)).drop(dropped)


def least_important(network: nn.Module, scores: Sequence[Tensor], macs: float, multiple: int = 1) -> list[list[int]]:
    """The channels without which the network needs at most `macs` multiply-adds for an output of 1280x720, as few as possible.

    Args:
        scores: of each channel, see `Channels.scores`; the lowest go first, in whichever layer they are.
        multiple: the numbers of channels stay multiples of it, or as they are.

    Raises:
        InputError: even `multiple` channels per layer need more.
    """
    order = [sorted(range(len(one)), key=lambda channel, one=one: (float(one[channel]), channel)) for one in scores]
    keys = sorted(
        (float(scores[layer][channel]), layer, channel) for layer, one in enumerate(order) for channel in one[:-multiple]
    )

    def dropped(count: int) -> list[list[int]]:
        gone = [0] * len(order)
        for _, layer, _ in keys[:count]:
            gone[layer] += 1
        kept = [-(-(len(one) - less) // multiple) * multiple for one, less in zip(order, gone, strict=True)]
        return [sorted(one[: max(len(one) - rest, 0)]) for one, rest in zip(order, kept, strict=True)]

    def fits(count: int) -> bool:
        return _work(without(network, dropped(count))) <= macs

    low, high = 0, len(keys)
    if not fits(high):
        least = _work(without(network, dropped(high))) / _work(network)
        raise InputError(f"callback.slim.macs: {type(network).__name__} needs at least {least:.2f} of its multiply-adds")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return dropped(low)


def _work(network: nn.Module) -> float:
    found = multiply_adds(network)
    if found is None:
        raise InputError(f"{type(network).__name__}: its multiply-adds cannot be counted, so callback=[slim] cannot prune it")
    return found
