"""What is checked of a network's result for a tiny image or volume; see sr/weights/contract.py."""

from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.frames import is_burst
from sr.network.inputs import takes_size

_WAVES = (0.31, 0.23, 0.37)  # along D, H and W


def check_scale(network: nn.Module, scale: int) -> None:
    """InputError: the network enlarges by another scale than the run."""
    if network.scale != scale and not takes_size(network):
        name = name_of(network)
        raise InputError(f"{name} enlarges by {network.scale}, but scale={scale}: pass network.scale={scale}, or change scale")


def check_image(network: nn.Module, lr: Tensor, sr: Any, size: tuple[int, ...], when: str) -> None:
    """InputError: SR of LR (1, ..., C, *sides) is not one tensor (1, ..., C, *size) of finite values, of a burst
    (1, C, *size)."""
    name = name_of(network)
    if not isinstance(sr, Tensor):
        raise InputError(f"{name}: forward returns a {type(sr).__name__}, expected one tensor, LR (N, ..., C, h, w) enlarged")
    lead = lr.shape[: -len(size)]
    wanted = (lead[0], lead[-1], *size) if is_burst(network) else (*lead, *size)
    if tuple(sr.shape) != wanted:
        raise InputError(f"{name} turns {tuple(lr.shape)} into {tuple(sr.shape)}; expected {wanted} {when}")
    if not sr.is_floating_point() or not torch.isfinite(sr.detach().sum()):
        what = "NaN or infinite values" if sr.is_floating_point() else f"{sr.dtype}"
        raise InputError(f"{name} returns {what} for an image in [0, 1]; expected finite values in a floating dtype")


def check_learns(network: nn.Module, sr: Tensor) -> None:
    """InputError: no gradient of SR reaches the parameters of the network that are to be trained."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    which = f"{name_of(network)}: no gradient reaches"
    if learning and not sr.requires_grad:
        raise InputError(f"{which} its {len(learning)} parameters (no_grad, detach or numpy in forward?)")
    if learning and not _reached(sr, learning):
        raise InputError(f"{which} any of its {len(learning)} parameters; forward does not use them")


def patch_error(network: nn.Module, patch: int) -> InputError:
    """The error for a patch size that is no multiple of what the network accepts."""
    multiple = network.multiple_of
    near = max(patch // multiple, 1) * multiple
    return InputError(
        f"data.patch_size={patch}: {name_of(network)} accepts only multiples of {multiple}; pass data.patch_size={near}"
    )


def waves(module: nn.Module, *sizes: int) -> Tensor:
    """(1, C, *sizes) in [0, 1] on the module's device, C its channels or 3: waves that differ per channel."""
    channels = getattr(module, "channels", None) or 3
    *depth, y, x = torch.meshgrid(*map(torch.arange, sizes), indexing="ij")
    steps = _WAVES[3 - len(sizes) :]
    made = [
        (sum(z * steps[0] for z in depth) + (4 - k) * y * steps[-2] + (k + 2) * x * steps[-1]).sin() for k in range(channels)
    ]
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    return (torch.stack(made) * 0.4 + 0.5)[None].to(device)


def name_of(made: Any) -> str:
    return type(made).__name__


def _reached(sr: Tensor, parameters: list[nn.Parameter]) -> bool:
    """Whether the autograd graph of a result reaches one of the parameters; computes nothing."""
    wanted, seen, waiting = {id(p) for p in parameters}, set(), [sr.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", None)) in wanted:
            return True
        waiting += [following for following, _ in node.next_functions]
    return False
