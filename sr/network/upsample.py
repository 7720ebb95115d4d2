"""Sub-pixel upsampling shared by the families that upsample their features at the end."""

from collections.abc import Sequence

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError


def check_scale(scale: int, allowed: tuple[int, ...]) -> int:
    """Return `scale` if it is in `allowed`; otherwise raise InputError."""
    if scale not in allowed:
        raise InputError(f"scale {scale!r} is not supported; choose one of {', '.join(map(str, allowed))}")
    return scale


def features_alone(name: str) -> InputError:
    """The error of a network that was built as a backbone, without the layers that enlarge (sr/network/any_scale.py)."""
    return InputError(f"{name} with scale=null gives features alone: pass scale=2, 3, 4 or 8")


def check_channels(channels: int) -> int:
    """Return the number of bands if it is a whole number of at least 1; otherwise raise InputError."""
    if type(channels) is not int or channels < 1:
        raise InputError(f"channels {channels!r} is not supported; choose a whole number from 1 up")
    return channels


def check_widths(widths: Sequence[int] | None, n_feats: int, count: int) -> list[int]:
    """The channels of `count` layers: those of a pruned network, or `n_feats` everywhere. InputError: not that many numbers."""
    found = [n_feats] * count if widths is None else list(widths)
    if len(found) != count or any(type(width) is not int or width < 1 for width in found):
        raise InputError(f"network.widths={found}: pass {count} whole numbers from 1 up")
    return found


def stages(scale: int) -> list[int]:
    """Factors of the single steps: 8 -> [2, 2, 2], 3 -> [3], 1 -> []. InputError: neither a power of two nor 3."""
    if scale == 3:
        return [3]
    if scale < 1 or scale & (scale - 1):
        raise InputError(f"scale {scale!r} has no sub-pixel stages; choose 3 or a power of two")
    return [2] * (scale.bit_length() - 1)


class Upsampler(nn.Sequential):
    """(N, n_feats, H, W) -> (N, n_feats, sH, sW): convolution and PixelShuffle per stage, without activation.

    Sub-pixel convolution: Shi et al. 2016, arXiv:1609.05158, section 2.2. The keys 0.weight, 2.weight ... are those of
    EDSR-PyTorch, RCAN, IMDN and BasicSR.
    """

    def __init__(self, *, scale: int, n_feats: int) -> None:
        layers: list[nn.Module] = []
        for factor in stages(scale):
            layers += [nn.Conv2d(n_feats, n_feats * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        super().__init__(*layers)


class DirectUpsampler(nn.Sequential):
    """(N, n_feats, H, W) -> (N, channels, sH, sW): one convolution and one PixelShuffle of scale**2; key 0.weight.

    The tail of light networks, which compute nothing on the HR grid: IMDN, RFDN, RLFN, BSRN.
    """

    def __init__(self, *, scale: int, n_feats: int, channels: int = 3) -> None:
        super().__init__(nn.Conv2d(n_feats, channels * scale**2, 3, padding=1), nn.PixelShuffle(scale))


def check_skip(skip: str) -> str:
    """Return `skip` if `skipped` knows it; otherwise raise InputError."""
    if skip not in ("none", "nearest", "bilinear", "bicubic"):
        raise InputError(f"network.skip={skip}: choose none, nearest, bilinear or bicubic")
    return skip


def skipped(lr: Tensor, scale: int, skip: str) -> Tensor | float:
    """The upsampled input that a network adds to its result, (N, C, sH, sW); 0 for "none"."""
    return 0.0 if skip == "none" else F.interpolate(lr, scale_factor=scale, mode=skip)
