"""Checks of networks, losses, metrics and discriminators on a tiny image before training starts.

Contracts have defaults: a plain nn.Module is a network with `multiple_of` 1 and the run's scale, or a loss with weight 1.
A broken contract would otherwise show after a thousand steps, at the first validation.
"""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import LIBRARIES, InputError, first_line
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.network.inputs import SIZE, alone, chosen, conditions, fits, takes_size
from sr.weights import contract_clip, contract_volume
from sr.weights.tried import check_image, check_learns, check_scale, name_of, patch_error, waves
from sr.weights.untouched import as_it_was

_SIDES = (8, 32, 64)  # LR pixels: the smallest that nearly every network accepts, then larger ones
_OWN = ("sr.loss.", "sr.metric.", "sr.discriminator.")  # tests cover every class of these
_TESTED = ("sr.network.", "spandrel.architectures.")  # and these


def defaults(network: nn.Module, scale: int | None) -> nn.Module:
    """Set missing `multiple_of`, `channels` and `scale` of a network: 1, 3, and `scale`.

    Raises:
        InputError: no scale is known, or one of the attributes is not a whole number above 0.
    """
    for name, value in (("multiple_of", 1), ("channels", 3)):
        if getattr(network, name, None) is None:
            setattr(network, name, value)
    if getattr(network, "scale", None) is None:
        network.scale = scale
    for name in ("scale", "channels", "multiple_of"):
        value = getattr(network, name)
        if type(value) is not int or value < 1:
            raise InputError(f"{name_of(network)}.{name} is {value!r}: set it to a whole number of at least 1")
    if takes_size(network) and not _is_range(scales := getattr(network, "scales", None)):
        raise InputError(f"{name_of(network)}.scales is {scales!r}: set it to the smallest and largest scale, such as (1, 4)")
    return network


def _is_range(scales: Any) -> bool:
    numbers = isinstance(scales, Sequence) and len(scales) == 2 and all(isinstance(one, int | float) for one in scales)
    return numbers and 0 <= scales[0] <= scales[1]


def network(network: nn.Module, scale: int, patches: Collection[int] = ()) -> nn.Module:
    """Check that a network enlarges (1, C, H, W), C its `channels`, by `scale`, to finite values, and that it can learn.

    Networks for clips and bursts (sr/functional/frames.py) get (1, T, C, H, W).

    Afterwards the network is unchanged: weights, buffers, mode of every module, random numbers. One with a `size` argument
    is tried at two sizes; one that needs other keys of a batch, whose shapes are unknown, or that trains on each image, is not
    tried.

    Args:
        scale: scale of the run.
        patches: sides of the training patches in LR pixels.

    Raises:
        InputError: one line that says what is wrong. Errors inside the network's own code are raised unchanged.
    """
    defaults(network, scale)
    if is_volume(network):
        return contract_volume.network(network, scale, patches)
    check_scale(network, scale)
    multiple = network.multiple_of
    if conditions(network) or fits(network):
        return network
    with as_it_was(network), torch.enable_grad():
        network.eval()
        lr, sr = _enlarged(network, multiple)
        own = network.scale
        check_image(network, lr, sr, (lr.shape[-2] * own, lr.shape[-1] * own), f"at scale={own}")
        if is_clip(network):
            contract_clip.check(network, lr)
        if takes_size(network):
            _check_size(network, lr, own)
        for patch in patches:
            if patch % multiple:
                _check_patch(network, patch)
        check_learns(network, sr)
    return network


def _enlarged(network: nn.Module, multiple: int) -> tuple[Tensor, Any]:
    """A tiny image, the smallest that the network accepts, and the network's output for it.

    Raises:
        InputError: it accepts only squares of 64 pixels, so that it lacks `multiple_of`; options of a library's class that
            do not fit together.
    """
    first: Exception | None = None
    for side in _SIDES:
        height = -(-side // multiple) * multiple
        # Not square, to tell H from W; 64 pixels, which every power of two divides. Large attention windows are slow.
        square = side == _SIDES[-1] or (multiple >= 8 and _of(network, _TESTED))
        lr = _image(network, height, height if square else height + multiple)
        try:
            sr = _called(network, lr)
        except Exception as error:
            first = first or error
            continue
        if side == _SIDES[-1]:
            raise InputError(
                f"{name_of(network)} accepts {height}x{height} pixels but not 32x{32 + multiple} (multiple_of={multiple}): set "
                "its attribute multiple_of to the number that height and width must be a multiple of"
            ) from first
        return lr, sr
    if _of(network, LIBRARIES):
        raise InputError(f"network: {name_of(network)} fails; its options do not fit together: {first_line(first)}") from first
    raise first


def _called(network: nn.Module, lr: Tensor) -> Any:
    return network(lr, **chosen(network, alone(lr, network.scale)))


def _check_size(network: nn.Module, lr: Tensor, scale: int) -> None:
    """A size that is not a multiple of LR's, with different factors for height and width."""
    size = (lr.shape[-2] * scale + 1, lr.shape[-1] * scale - 1)
    with torch.no_grad():
        sr = network(lr, **chosen(network, alone(lr, scale) | {SIZE: size}))
    check_image(network, lr, sr, size, f"with size={size}")


def _check_patch(network: nn.Module, patch: int) -> None:
    """Check patch sizes: training does not pad patches, only evaluation does."""
    try:
        with torch.no_grad():
            _called(network, _image(network, patch, patch))
    except Exception as error:
        raise patch_error(network, patch) from error


def loss(key: str, made: Any, channels: int = 3, side: int = 64) -> Any:
    """Check that a loss from outside sr.loss maps (sr, hr) to a finite scalar with a gradient.

    Args:
        key: config key for messages: "loss.mine".
        side: side of the HR patches.

    Raises:
        InputError: it does not. Errors inside its own code are raised unchanged.
    """
    if not _from_outside(key, made):
        return made
    with as_it_was(made), torch.enable_grad():
        sr, hr = _pair(made, channels, side)
        sr.requires_grad_(True)
        value = made(sr, hr)
        if not isinstance(value, Tensor) or value.ndim:
            what = f"(shape {tuple(value.shape)})" if isinstance(value, Tensor) else f"({type(value).__name__})"
            raise InputError(f"{key}: {name_of(made)} must return a scalar, the mean over the batch {what}")
        if not torch.isfinite(value):
            raise InputError(f"{key}: {name_of(made)} returns {value.item()} for two images in [0, 1]")
        if not value.requires_grad:
            raise InputError(f"{key}: {name_of(made)} passes no gradient to the network's image")
        (gradient,) = torch.autograd.grad(value, sr, allow_unused=True)
        if gradient is None or not torch.isfinite(gradient).all():
            raise InputError(f"{key}: {name_of(made)} passes no finite gradient to the network's image")
    return made


def metric(key: str, made: Any, channels: int = 3, side: int = 96) -> Any:
    """Check that a metric from outside sr.metric returns one number per image; it receives only SR if `reference = False`.

    Raises:
        InputError: it does not. Errors inside its own code are raised unchanged.
    """
    if not _from_outside(key, made):
        return made
    with as_it_was(made), torch.no_grad():
        sr, hr = _pair(made, channels, side)
        score = copy.deepcopy(made)(*((sr, hr) if getattr(made, "reference", True) else (sr,)))
    if not isinstance(score, Tensor) or score.numel() != 1:
        what = f"shape {tuple(score.shape)}" if isinstance(score, Tensor) else type(score).__name__
        raise InputError(f"{key}: {name_of(made)} returns {what} for one image; expected one number per image")
    return made


def discriminator(made: nn.Module, side: int, channels: int = 3) -> nn.Module:
    """Check that a discriminator from outside sr.discriminator returns finite logits of (1, C, side, side), with a gradient.

    Raises:
        InputError: it does not. Errors inside its own code are raised unchanged.
    """
    if not _from_outside("discriminator", made):
        return made
    with as_it_was(made), torch.enable_grad():
        made.eval()
        logits = made(_pair(made, channels, side)[0].requires_grad_(True))
        if not isinstance(logits, Tensor) or not logits.requires_grad or not torch.isfinite(logits.detach()).all():
            raise InputError(
                f"discriminator: {name_of(made)} does not return finite logits with a gradient for {side}x{side} pixels"
            )
    return made


def _from_outside(key: str, made: Any) -> bool:
    """Whether it must be checked: tests cover the classes of this project. InputError: it is not a module."""
    if not isinstance(made, nn.Module):
        raise InputError(f"{key}: {name_of(made)} is not an nn.Module")
    return not _of(made, _OWN)


def _image(module: nn.Module, height: int, width: int) -> Tensor:
    """A picture (1, C, H, W) in [0, 1] on the module's device, or frames (1, T, C, H, W) of one that moves."""
    image = waves(module, height, width)
    return contract_clip.moving(image) if is_clip(module) or is_burst(module) else image


def _pair(module: nn.Module, channels: int, side: int) -> tuple[Tensor, Tensor]:
    """Two different images of a batch of one, (1, C, side, side) in [0, 1]."""
    hr = waves(module, side, side)
    hr = torch.cat([hr] * -(-channels // hr.shape[1]), dim=1)[:, :channels]
    return (hr * 0.9 + 0.04).clone(), hr


def _of(made: Any, packages: tuple[str, ...]) -> bool:
    return f"{type(made).__module__}.".startswith(packages)


def all_of(check: Callable[..., Any], group: str, parts: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The objects of a config group by name, each checked."""
    return {name: check(f"{group}.{name}", made, **options) for name, made in parts.items()}
