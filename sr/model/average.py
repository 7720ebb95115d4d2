"""The exponential moving average of a network's weights."""

from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sr.errors import InputError

Pairs = tuple[list[Tensor], list[Tensor]]  # ours and the network's, with one device and dtype


class Average(AveragedModel):
    """A copy of a network whose weights follow it: average = decay * average + (1 - decay) * network, after each step.

    The first update copies. Weights and statistics are averaged; integers, such as indices and counters, and buffers that
    contain infinities are copied. The copy is never trained and stays in eval mode, so images that pass through it during
    training do not change its statistics.

    Args:
        network: on any device; copied.
        decay: in (0, 1); ESRGAN's code has 0.999.

    Raises:
        InputError: decay is out of range.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 < decay < 1:
            raise InputError(f"model.ema={decay}: must be between 0 and 1, such as 0.999, or null for no averaging")
        super().__init__(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
        self.requires_grad_(False)  # otherwise DDP waits for its gradients
        self.eval()
        self._averaged: list[Pairs] | None = None
        self._copied: list[tuple[Tensor, Tensor]] = []

    def train(self, mode: bool = True) -> "Average":
        return super().train(False)

    def begin(self) -> None:
        """Forget the tensors' addresses: a fit may have moved them to another device, or loaded others."""
        self._averaged = None

    def update_parameters(self, model: nn.Module, overflow: Tensor | None = None) -> None:
        """Update from `model`, the network it copies. Only the first call after `begin` synchronises the device.

        Args:
            overflow: on the device; above 0 if the gradients overflowed, which leaves the average as it is. None: they did
                not.
        """
        if self._averaged is None:
            if overflow is not None and overflow.any():
                return
            self._pair(model)
            if self.n_averaged == 0:
                with torch.no_grad():
                    for ours, theirs in zip(_tensors(self.module), _tensors(model), strict=True):
                        ours.copy_(theirs)
                self.n_averaged += 1
                return
        stepped = None if overflow is None else ~overflow.any()
        with torch.no_grad():
            for ours, theirs in self._averaged:
                self.multi_avg_fn(ours, _followed(ours, theirs, stepped), self.n_averaged)
            for ours, theirs in self._copied:
                ours.copy_(*_followed([ours], [theirs], stepped))
        self.n_averaged += 1 if stepped is None else stepped

    def _pair(self, model: nn.Module) -> None:
        kinds: dict[tuple[torch.device, torch.dtype], Pairs] = {}
        self._copied = []
        for ours, theirs in zip(_tensors(self.module), _tensors(model), strict=True):
            constant = not isinstance(theirs, nn.Parameter) and not theirs.isfinite().all()  # inf - inf is not a number
            if constant or not (theirs.is_floating_point() or theirs.is_complex()):
                self._copied.append((ours, theirs))
                continue
            kind = kinds.setdefault((ours.device, ours.dtype), ([], []))
            kind[0].append(ours)
            kind[1].append(theirs)
        self._averaged = list(kinds.values())


def _followed(ours: list[Tensor], theirs: list[Tensor], stepped: Tensor | None) -> list[Tensor]:
    """The network's tensors; ours if it did not step, of which the average is what it was. Nothing is read from the device."""
    return theirs if stepped is None else [torch.where(stepped, *pair) for pair in zip(theirs, ours, strict=True)]


def _tensors(module: nn.Module) -> chain[Tensor]:
    return chain(module.parameters(), module.buffers())
