"""Architectures of the package spandrel (SwinIR, HAT, DAT and others) with our interface.

Their YAMLs are named after the architecture, swinir_light.yaml or hat.yaml: the one exception to the rule that a YAML's name
begins with that of its module. A variant, or a further architecture of `NAMES`, needs only a YAML.
"""

import functools
import importlib
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError, first_line
from sr.network.options import fitted
from sr.network.safmn import replace_modulation
from sr.network.span import replace_blocks
from sr.network.upsample import check_channels, check_scale

# Names of the scale, the features and the blocks (groups of layers in transformers) in each constructor.
NAMES = {
    "ATD": ("upscale", "embed_dim", "depths"),
    "DAT": ("upscale", "embed_dim", "depth"),
    "DRCT": ("upscale", "embed_dim", "depths"),
    "HAT": ("upscale", "embed_dim", "depths"),
    "MoSR": ("upscale", "dim", "n_block"),
    "OmniSR": ("up_scale", "num_feat", "res_num"),
    "PLKSR": ("upscaling_factor", "dim", "n_blocks"),
    "RGT": ("upscale", "embed_dim", "depth"),
    "SAFMN": ("upscaling_factor", "dim", "n_blocks"),
    "SPAN": ("upscale", "feature_channels", None),
    "Swin2SR": ("upscale", "embed_dim", "depths"),
    "SwinIR": ("upscale", "embed_dim", "depths"),
}
# Names of the input and output channels, in constructors that support more than RGB.
CHANNELS = {
    "ATD": ("in_chans",),
    "DAT": ("in_chans",),
    "DRCT": ("in_chans",),
    "HAT": ("in_chans",),
    "MoSR": (
        "in_ch",
        "out_ch",
    ),
    "OmniSR": (
        "num_in_ch",
        "num_out_ch",
    ),
    "RGT": ("in_chans",),
    "SPAN": (
        "num_in_ch",
        "num_out_ch",
    ),
    "Swin2SR": ("in_chans",),
    "SwinIR": ("in_chans",),
}
_RESTORES_BY_NONE = ("ATD", "Swin2SR", "SwinIR")  # upsampler "": their authors' restoration, which adds to the input


class Spandrel(nn.Module):
    """Builds spandrel's own module, with official keys; (N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW).

    The result is not an instance of this class but of `architecture`'s, with `scale` and `multiple_of` as attributes.
    `n_feats` and `n_blocks` are translated by NAMES; SPAN always has six blocks. `options` are the constructor's other
    arguments; one number is enough if every block has the same depth or heads. At scale 1 (restoration) ATD, SwinIR and
    Swin2SR have no upsampler, whatever `options` say, and add to the input. No mean is subtracted from images other than RGB.

    Raises:
        InputError: an architecture that is not in NAMES, unknown options, an unsupported scale, channels other than 3 for an
            architecture that supports only RGB (PLKSR, SAFMN).
    """

    def __new__(
        cls,
        *,
        scale: int | None = 4,
        channels: int = 3,
        architecture: str = "SwinIR",
        n_feats: int = 180,
        n_blocks: int | None = 6,
        options: Mapping[str, Any] | None = None,
    ) -> nn.Module:
        if architecture not in NAMES:
            raise InputError(f"unknown architecture {architecture!r}; choose one of {', '.join(NAMES)}")
        options = dict(options or {})
        if scale is None:
            return _backbone(architecture, check_channels(channels), n_feats, n_blocks, options)
        check_scale(scale, (1, 2, 4) if options.get("upsampler") == "nearest+conv" else (1, 2, 3, 4, 8))
        if scale == 1 and architecture in _RESTORES_BY_NONE:
            options["upsampler"] = ""
        options |= _channels(architecture, check_channels(channels), options)
        found = getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), architecture)
        options = fitted(found, options, n_feats, n_blocks)
        for name, value in zip(NAMES[architecture], (scale, n_feats, n_blocks), strict=True):
            if name is not None:
                options.setdefault(name, value)
        try:
            built = found(**options)
        except (
            TypeError,
            ValueError,
            AssertionError,
            RuntimeError,
            ArithmeticError,
            LookupError,
        ) as error:  # an error of the library
            raise InputError(f"{architecture} cannot be built with these options: {first_line(error)}") from error
        return adapt(built, scale, channels=channels)


def _backbone(architecture: str, channels: int, n_feats: int, n_blocks: int | None, options: dict[str, Any]) -> nn.Module:
    """SwinIR's features alone, for networks of any scale (sr/network/any_scale.py)."""
    if architecture != "SwinIR":
        raise InputError(f"network.backbone: {architecture} gives no features here; of spandrel's networks only SwinIR does")
    from sr.network.swinir_features import SwinIRFeatures

    names = dict(zip(NAMES[architecture][1:], (n_feats, n_blocks), strict=True))
    options = _channels(architecture, channels, options) | fitted(SwinIRFeatures.__base__, options, n_feats, n_blocks)
    built = SwinIRFeatures(**{**names, **options})
    built.multiple_of = _multiple_of(architecture, {"window_size": built.window_size})
    built.scale, built.channels = None, channels
    return built


def _channels(architecture: str, channels: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's options for this number of channels."""
    names = CHANNELS.get(architecture, ())
    if channels != 3 and not names:
        raise InputError(f"network.channels={channels}: {architecture} supports only 3 channels; choose another network")
    for name in names:
        if options.get(name, channels) != channels:
            raise InputError(f"network.options.{name}={options[name]}: pass network.channels={options[name]} instead")
    mean = {"norm": False} if architecture == "SPAN" and channels != 3 else {}  # its mean has three numbers
    return {name: channels for name in names} | mean


def adapt(network: nn.Module, scale: int, multiple_of: int = 1, channels: int = 3) -> nn.Module:
    """Add our interface to a spandrel module: `scale`, `channels`, `multiple_of`, range, gradients for trained parameters."""
    network.scale, network.channels = scale, channels
    options = getattr(network, "hyperparameters", {})
    network.multiple_of = math.lcm(multiple_of, _multiple_of(type(network).__name__, options))
    if type(network).__name__ == "SPAN":
        replace_blocks(network)
    if type(network).__name__ == "SAFMN":
        replace_modulation(network)
    if type(network).__name__ == "OmniSR":  # its authors train and test on [-1, 1], which spandrel leaves to the caller
        network.register_forward_pre_hook(_to_symmetric)
        network.register_forward_hook(_from_symmetric)
    return network


def variants(network: nn.Module) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the weights of spandrel's networks do not tell, with the values of known releases.

    Each is (options for network=..., attributes that set them on a finished network).
    """
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if type(network).__name__ == "SPAN" and network.is_norm:  # later releases neither subtract the mean nor scale
        found.append(({"options.norm": False}, {"no_norm": torch.zeros(1)}))
    reach = getattr(network, "img_range", None)
    if isinstance(reach, float | int):
        found += [({"options.img_range": value}, {"img_range": value}) for value in (1.0, 255.0) if value != reach]
    return found


def unmerged(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors; for a SPAN saved with only its merged convolutions (`eval_conv`), also those that it merges.

    SPAN computes `eval_conv` from `sk` and `conv` whenever it is used. Here `sk` is 0, and `conv` passes its input on,
    convolves with the merged kernel, and passes the result on: merging them gives the saved kernel, to the last bit.
    """
    found = dict(tensors)
    for key in [key for key in tensors if key.endswith("eval_conv.weight")]:
        name = key.removesuffix("eval_conv.weight")
        kernel, bias = tensors[key], tensors.get(f"{name}eval_conv.bias")
        if bias is None or kernel.ndim != 4 or any(other.startswith((f"{name}sk.", f"{name}conv.")) for other in tensors):
            continue
        n_out, n_in = kernel.shape[:2]
        new = functools.partial(torch.zeros, dtype=kernel.dtype)
        into, middle, out = new(2 * n_in, n_in, 1, 1), new(2 * n_out, 2 * n_in, 3, 3), new(n_out, 2 * n_out, 1, 1)
        into[:n_in, :, 0, 0], middle[:n_out, :n_in], out[:, :n_out, 0, 0] = torch.eye(n_in), kernel, torch.eye(n_out)
        weights = {"sk": new(n_out, n_in, 1, 1), "conv.0": into, "conv.1": middle, "conv.2": out}
        biases = {"sk": new(n_out), "conv.0": new(2 * n_in), "conv.1": new(2 * n_out), "conv.2": bias}
        found |= {f"{name}{part}.weight": value for part, value in weights.items()}
        found |= {f"{name}{part}.bias": value for part, value in biases.items()}
    return found


def _to_symmetric(network: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0] * 2 - 1,)


def _from_symmetric(network: nn.Module, inputs: tuple[Tensor], sr: Tensor) -> Tensor:
    return (sr + 1) / 2


def _multiple_of(architecture: str, options: Mapping[str, Any]) -> int:
    """Attention windows must cover the image; the modules would pad to them themselves, each in its own way."""
    if "split_size" in options:
        return math.lcm(*options["split_size"])
    if architecture == "SAFMN":
        return 8  # it pools by 2, 4 and 8
    return options.get("window_size", 1)
