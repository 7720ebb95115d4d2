"""LR volumes by a slice profile: the sensitivity of a slice along its thickness, as a scanner has it.

An LR voxel is a weighted mean of HR voxels, centred on those that it covers. Along D this makes thick slices of thin ones; with
`axes=isotropic` the same profile is applied along D, H and W one after the other.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.axes import Factors, check_volume, factors, text
from sr.functional.draws import Draws
from sr.functional.volume import filtered

Profile = Literal["box", "gaussian", "sinc"]
PROFILES = ("box", "gaussian", "sinc")
_FWHM = 2 * math.sqrt(2 * math.log(2))  # full width at half maximum of a Gaussian of sigma 1
_LOBES = 3  # zero crossings of the sinc on each side, at which its window ends
_MOST = 4.0  # largest thickness


class SliceProfile(nn.Module):
    """HR (N, C, fD * D, fH * H, fW * W) in [0, 1] -> LR (N, C, D, H, W), neither rounded nor clipped.

    box: the mean over the thickness. gaussian: its full width at half maximum is the thickness; cut at 3 sigma. sinc:
    sinc(x / thickness) times a Hann window that ends at the third zero crossing on each side: nearly an ideal low-pass filter.

    Args:
        scale, axes: see sr/functional/axes.py.
        profile: box, gaussian or sinc.
        thickness: of a slice, in distances between slices: 1: slices touch, 1.5: they overlap, 0.8: there are gaps. Two
            numbers [low, high]: drawn for each sample, uniformly.

    Raises:
        InputError: an unknown profile, or a thickness outside (0, 4].
    """

    def __init__(
        self,
        *,
        scale: int,
        axes: str | list[int] = "through_plane",
        profile: Profile = "gaussian",
        thickness: float | list[float] = 1.0,
    ) -> None:
        super().__init__()
        if profile not in PROFILES:
            raise InputError(f"profile={profile}: choose {', '.join(PROFILES)}")
        low, high = thickness if isinstance(thickness, Sequence) and len(thickness) == 2 else (thickness, thickness)
        if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in (low, high)) or not 0 < low <= high <= _MOST:
            raise InputError(f"thickness={thickness}: pass a number above 0 and up to {_MOST:g}, or [low, high]")
        self.scale, self.factors = scale, factors(scale, axes)
        self.profile, self.thickness = profile, (float(low), float(high))
        reach = [(len(weights(profile, f, high)) - f) // 2 if f > 1 else 0 for f in self.factors]
        self.margin: Factors = tuple(-(-r // f) * f for r, f in zip(reach, self.factors, strict=True))

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"thickness": (count,)}, if it is drawn."""
        low, high = self.thickness
        return {} if low == high else {"thickness": draws.uniform(low, high)}

    @property
    def called(self) -> str:
        """What tells it from other profiles, for people."""
        low, high = self.thickness
        return f"{self.profile}, thickness {low:g}" + (f" to {high:g}" if low < high else "")

    def words(self, parameters: dict[str, Any]) -> str:
        thickness = float(parameters.get("thickness", self.thickness[0]))
        return f"{self.profile} profile 1/{text(self.factors)}, thickness {thickness:.3g}"

    def forward(self, hr: Tensor, parameters: dict[str, Any]) -> Tensor:
        check_volume(hr, "hr")
        if any(size % f for size, f in zip(hr.shape[2:], self.factors, strict=True)):
            raise InputError(f"HR of {text(hr.shape[2:])} voxels is not a multiple of {text(self.factors)}; crop it first")
        each = np.broadcast_to(np.asarray(parameters.get("thickness", self.thickness[0]), np.float64), len(hr)).tolist()
        lr = hr.new_empty(len(hr), hr.shape[1], *(size // f for size, f in zip(hr.shape[2:], self.factors, strict=True)))
        for volume, out, thickness in zip(hr, lr, each, strict=True):
            for axis, factor in enumerate(self.factors):
                if factor > 1:
                    volume = filtered(volume, axis - 3, weights(self.profile, factor, thickness), factor)
            out.copy_(volume)
        return lr


def weights(profile: Profile, factor: int, thickness: float) -> list[float]:
    """The weights of HR voxels around the centre of an LR voxel, which covers `factor` of them; their sum is 1.

    A box weighs each HR voxel by the part of it that lies within the thickness.
    """
    width = factor * thickness  # HR voxels
    reach = {"box": width / 2, "gaussian": 3 * width / _FWHM, "sinc": _LOBES * width}[profile]
    side = max(math.ceil(reach - factor / 2), 0)  # HR voxels needed beyond those covered, on each side
    x = np.arange(factor + 2 * side) - (factor + 2 * side - 1) / 2
    if profile == "box":
        found = np.clip(width / 2 - np.abs(x) + 0.5, 0, min(1.0, width))
    elif profile == "gaussian":
        found = np.exp(-((x * _FWHM / width) ** 2) / 2)
    else:
        found = np.sinc(x / width) * np.cos(np.pi * x / (2 * reach)) ** 2 * (np.abs(x) < reach)
    return (found / found.sum()).tolist()
