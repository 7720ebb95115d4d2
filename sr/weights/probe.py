"""Checks on a photograph whether weights work in a network: this shows what names and shapes of tensors cannot.

A network with the wrong input range, dilation or skip loads without an error and produces noise. Here it enlarges a small
part of a photograph of scikit-image. Its PSNR is compared with that of bicubic (good) and of a flat patch in the mean colour
(bad).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.device.count import parameters
from sr.errors import InputError, NotFiniteError
from sr.functional.frames import is_burst, is_clip
from sr.functional.resize import imresize
from sr.image.photograph import FILE, PATTERN, photograph
from sr.infer.upscaler import upscale
from sr.network.upsample import skipped

SIDES = (32, 16)  # LR pixels; the second for networks with more than LARGE parameters, at scales above 1
LARGE = 2e6
# Fraction of the way from the flat patch (0) to bicubic (1), in dB.
NOISE, CLEAR = 1 / 3, 0.6  # below NOISE: refused; from CLEAR on: no message. GANs reach 0.8, others more than 1
EXACT = 30.0  # dB that bicubic reaches at most: at x1 it equals the original
# dB that a network must gain over its skip connection alone, unless its result differs clearly (GANs); and over another
# scale.
BETTER, CHANGED = 0.3, 30.0
NEAR, ALIKE = 1.0, 45.0  # dB: two variants are about equally good; two results are the same picture
PATTERN_SIDE, PATTERN_NEAR = 64, 0.2  # LR pixels of the pattern that decides between such two; dB on it that count as equal
GOOD = 1.05  # same fraction: from here on no other pixel range is tried; the right range of 255 gains 4 dB


@dataclass(frozen=True)
class Result:
    """A network's result for the photograph.

    Args:
        sr: (1, C, H, W), without a border.
        psnr: dB against the original, over all channels, without quantisation; -inf where a value is not finite.
        bicubic, flat: dB of the marks.
        idle: the network adds almost nothing to its interpolated input (`skip`), which alone would pass for an enlargement.
    """

    sr: Tensor
    psnr: float
    bicubic: float
    flat: float
    idle: bool = False

    @property
    def gain(self) -> float:
        """dB over the bicubic enlargement."""
        return self.psnr - self.bicubic

    @property
    def share(self) -> float:
        """Position between the flat patch (0) and bicubic (1); 0 for an idle network."""
        return 0.0 if self.idle else (self.psnr - self.flat) / (min(self.bicubic, EXACT) - self.flat)


@torch.no_grad()  # not inference mode: networks that cache tensors (SPAN) may be trained later
def probe(network: nn.Module, channels: int | None = None, side: int | None = None, name: str = FILE) -> Result:
    """Let a network of any scale, including 1, enlarge the photograph: RGB; the mean for 1 channel; RGBRG... for others.

    A network for clips gets it as a clip that stands still.

    Args:
        channels: of the photograph; None: as many as the network takes.
        side: LR pixels; None: as many as take at most a second.
        name: name of the photograph, see sr/image/photograph.py.
    """
    channels = channels or getattr(network, "channels", 3)
    side = side or SIDES[(parameters(network) or 0) > LARGE and network.scale > 1]
    border = side // 8 * network.scale  # padding affects the border most
    hr = photograph(side * network.scale, channels, name)
    lr = hr if network.scale == 1 else imresize(hr, 1 / network.scale, rounding=True)
    training = network.training
    sr = upscale(Still(network.eval()) if is_clip(network) else network.eval(), lr)
    network.train(training)
    marks = imresize(lr, network.scale), lr.mean((2, 3), keepdim=True).expand_as(hr)
    skip = skipped(lr, network.scale, getattr(network, "skip", "none"))
    images = (sr, *marks, torch.zeros_like(hr) + skip, hr)
    sr, bicubic, flat, added, hr = (image[..., border:-border, border:-border] for image in images)
    psnr = _psnr(sr, hr)
    idle = bool(added.any()) and psnr < _psnr(added, hr) + BETTER and _psnr(sr, added.clamp(0, 1)) > CHANGED
    return Result(sr, psnr, _psnr(bicubic, hr), _psnr(flat, hr), idle)


class Still(nn.Module):
    """A network for clips or bursts as one for pictures: it gets equal frames, and of a clip the middle one is the result."""

    def __init__(self, network: nn.Module, frames: int = 5) -> None:
        super().__init__()
        self.network, self.frames = network, frames
        self.scale, self.multiple_of, self.channels = network.scale, network.multiple_of, network.channels

    def forward(self, lr: Tensor) -> Tensor:
        sr = self.network(lr[:, None].expand(-1, self.frames, -1, -1, -1))
        return sr if is_burst(self.network) else sr[:, self.frames // 2]


def _psnr(image: Tensor, hr: Tensor) -> float:
    error = (image.clamp(0, 1) - hr).square().mean() if image.isfinite().all() else torch.tensor(torch.inf)
    return float(-10 * torch.log10(error.clamp(min=1e-10)))


@dataclass(frozen=True)
class Candidate:
    """One network that a file may contain.

    Args:
        name: its class.
        build: builds it with the file's weights.
        options: the options that the file does not tell.
        scale: the scale that was passed, if the file does not tell it.
        other_scales: the same candidate for each other scale that the shapes allow.
    """

    name: str
    build: Callable[[], nn.Module]
    options: Mapping[str, Any] = field(default_factory=dict)
    scale: int | None = None
    other_scales: Mapping[int, Callable[[], nn.Module]] = field(default_factory=dict)

    def adds_to(self, other: "Candidate") -> bool:
        """Whether it has all options of another candidate, with equal values, and more."""
        return all(self.options.get(key) == value for key, value in other.options.items())

    def words(self, prefix: str = "", between: str = ", ") -> str:
        """The options as the command line takes them: rgb_range=1.0, dilation=[1,2,3]."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in self.options.items()}
        return between.join(f"{prefix}{key}={str(value).replace(' ', '')}" for key, value in plain.items())

    def __str__(self) -> str:
        return f"{self.name} with {self.words()}" if self.options else self.name


Tried = tuple[Candidate, nn.Module, Result]


def choose(tiers: Sequence[Sequence[Candidate]], source: str | Path) -> tuple[Candidate, nn.Module, list[str]]:
    """The candidate that enlarges the photograph best, and messages about it.

    All candidates of a tier are tried. Those of the next tier are limited if one is already as good as bicubic (for a large
    network: a clear enlargement): to candidates that extend its options (for a large network: none). If two are about
    equally good, a brick pattern decides: it shows the effect of a wrong dilation. The first candidate is the network as
    released by its authors.

    Raises:
        InputError: none of them enlarges it.
        NotFiniteError: all return non-finite values.
    """
    tried: list[Tried] = []
    order: list[Candidate] = []
    for tier in tiers:
        if tried and tried[0][2].share >= (CLEAR if parameters(tried[0][1]) > LARGE else 1):
            if parameters(tried[0][1]) > LARGE:
                break
            tier = [candidate for candidate in tier if candidate.adds_to(tried[0][0])]
        for candidate in tier:
            network = candidate.build()
            tried.append((candidate, network, probe(network)))
            order.append(candidate)
        tried.sort(key=lambda one: (one[2].idle, -one[2].psnr))  # stable: on a tie the authors' own comes first
    tried, undecided = _decided(tried, order)
    candidate, network, result = tried[0]
    check_finite(result, source)
    better = _better_scale(candidate, result)
    if better is None:
        check_range(network, result, source)
    if result.share < NOISE:
        first = tiers[0][0]
        count = "" if len(tried) == 1 else f" with any of the {len(tried)} variants that are known"
        cure = "use its authors' code, or add the variant to the network's file"
        raise InputError(
            f"{source}: has the tensors of {first.name}, but does not enlarge a photograph{count} ({figures(result)}): "
            + (
                f"pass scale={better[0]}"
                if better
                else f"scale={first.scale} is not its scale, or it is damaged"
                if first.scale
                else f"it is another variant: {cure}"
            )
        )
    said = []
    if better:
        said.append(
            f"{source}: enlarges a photograph better at scale={better[0]} ({better[1].gain:.1f} dB over bicubic) than at "
            f"scale={candidate.scale}, which was passed ({result.gain:.1f} dB): pass scale={better[0]} if that is its scale"
        )
    own = next((other for one, _, other in tried if one is tiers[0][0]))
    if candidate is not tiers[0][0] and own.psnr < result.psnr - NEAR:
        said.append(f"{source}: read as {candidate} ({figures(result)}); the released variant reaches {own.psnr:.1f} dB")
    if undecided is not None:
        other, _, theirs = undecided
        said.append(
            f"{source}: {candidate} ({result.psnr:.1f} dB) and {other} ({theirs.psnr:.1f} dB) enlarge a photograph about "
            "equally well, and the file does not tell which is right; using the first"
        )
    return candidate, network, said + doubt(result, source)


def _decided(tried: list[Tried], order: list[Candidate]) -> tuple[list[Tried], Tried | None]:
    """Order candidates that are about as good as the first by their result on the pattern; ties keep the order of `order`.

    On a tie the earliest in `order` comes first: the authors' own, then other releases.
    """
    first = tried[0][2]
    near = [one for one in tried[1:] if not one[2].idle and one[2].psnr > first.psnr - NEAR]
    if first.share < NOISE or not near:
        return tried, None
    seen = [(one, probe(one[1], side=PATTERN_SIDE, name=PATTERN)) for one in (tried[0], *near)]
    most = max(result.psnr for _, result in seen)
    (best, shown), *others = sorted(
        (one for one in seen if one[1].psnr >= most - PATTERN_NEAR), key=lambda one: order.index(one[0][0])
    )
    undecided = (one for one, theirs in others if _psnr(theirs.sr, shown.sr.clamp(0, 1)) < ALIKE)
    return [best, *(one for one in tried if one is not best)], next(undecided, None)


class _Scaled(nn.Module):
    """Adapts a network for pixels in another range to [0, 1]: network(lr * rgb_range) / rgb_range."""

    def __init__(self, network: nn.Module, rgb_range: float) -> None:
        super().__init__()
        self.network, self.rgb_range = network, rgb_range
        self.scale, self.multiple_of = network.scale, getattr(network, "multiple_of", 1)
        self.channels, self.clips = getattr(network, "channels", 3), is_clip(network)

    def forward(self, lr: Tensor) -> Tensor:
        return self.network(lr * self.rgb_range) / self.rgb_range


def check_range(network: nn.Module, result: Result, source: str | Path) -> None:
    """Refuse weights for another pixel range than the network's: in a plain network they give a blur, not noise.

    Only results about as good as bicubic, or worse, are checked.

    Raises:
        InputError: with 255 times the range (for an `rgb_range` of 255 also with 1/255) the enlargement is clearly better.
    """
    if result.share >= GOOD:
        return
    own = getattr(network, "rgb_range", 1.0)
    for other in (1.0, 255.0):
        if other != own and (better := probe(_Scaled(network, other / own))).psnr > result.psnr + NEAR:
            first, last = ("multiply", "divide") if other > own else ("divide", "multiply")
            cure = (
                f"pass ++network.rgb_range={other:g}"
                if hasattr(network, "rgb_range")
                else (
                    f"{first} the weights of its first convolution by 255, and {last} weights and bias of its last one by 255, "
                    "or use its authors' code"
                )
            )
            raise InputError(
                f"{source}: is {type(network).__name__} for pixels from 0 to {other:g} ({better.psnr:.1f} dB on a photograph), "
                f"which works on 0 to {own:g} here ({figures(result)}): {cure}"
            )


def _better_scale(candidate: Candidate, result: Result) -> tuple[int, Result] | None:
    """Another scale than the one that was passed at which the network gains more over bicubic, with its result."""
    made = {scale: probe(build()) for scale, build in candidate.other_scales.items()}
    made = {scale: one for scale, one in made.items() if one.share >= CLEAR and one.gain > result.gain + BETTER}
    return max(made.items(), key=lambda one: one[1].gain, default=None)


def check_finite(result: Result, source: str | Path) -> None:
    """Raise NotFiniteError if a value of the result is not finite."""
    if np.isneginf(result.psnr):
        raise NotFiniteError(f"{source}: the network returns NaN or infinite pixels for a photograph; its weights are broken")


def doubt(result: Result, source: str | Path) -> list[str]:
    """A message if the result is neither noise nor a clear enlargement."""
    if result.share >= CLEAR:
        return []
    return [f"{source}: its result for a photograph is far from the original ({figures(result)}): check its output"]


def figures(result: Result) -> str:
    if result.idle:
        return "it adds nothing to its interpolated input"
    return f"{result.psnr:.1f} dB, bicubic {result.bicubic:.1f} dB"
