"""What one image teaches: pairs of HR fathers and LR sons, the learning rate, gradual scales, and the final image.

Shocher, Cohen, Irani 2018, arXiv:1712.06087, section 3, with the numbers of the authors' code (configs.py). Two things differ
from that code: fathers lie inside the shrunken image, mirrored at its edges, where the code's window partly misses it and is
black there; and a father is no larger than the shrunken image.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.given_kernel import aligned, downscaled, read_kernel
from sr.functional.resize import imresize
from sr.functional.views import turned_back, viewed
from sr.schedule.slope import Slope

_AS_IS, _EXACT = 0.05, 0.5  # probabilities: no flip or turn; no interpolation (with the first)
_MIN_SCALE, _DIFFERENCE, _SHEAR = 0.5, 0.25, 0.1  # smallest father; deviations of the scales of both axes, and of the shear
_LEAST = 8  # LR pixels of the smallest son


class Task:
    """Self-supervised training on one image; `pair` is a pure function of (seed, image, i) and the scales reached before.

    Args:
        image: (1, C, H, W) in [0, 1].
        scale: of the final image.
        seed: of the pairs and of the first weights, together with the image's content.
        gradual: reach `scale` in steps of half, one axis after the other; each result is a father of the next step. Six
            steps for x2 (X2_GRADUAL_IDEAL_CONF), with as many times the work.
        crop: longest side of a father.
        noise: standard deviation of the noise that is added to sons; 0.0125 for real photographs in the authors' code.
        kernel: file of the blur kernel by which sons are made (sr/functional/given_kernel.py); None: MATLAB's bicubic.
            A kernel may be asymmetric: then fathers are neither flipped nor turned, and there is no ensemble.
        back_projection: iterations after each view and after their median; 2 with a kernel, 0 for noisy images in the
            authors' code.
        max_steps: of each scale; the learning-rate rule (`sr.schedule.slope.Slope`) mostly ends it earlier.

    Raises:
        InputError: an image too small for its scale, an invalid option. Others as of `read_kernel`.
    """

    def __init__(
        self,
        image: Tensor,
        *,
        scale: int = 2,
        seed: int = 0,
        gradual: bool = False,
        crop: int = 128,
        noise: float = 0.0,
        kernel: str | None = None,
        back_projection: int = 10,
        max_steps: int = 3000,
    ) -> None:
        if type(scale) is not int or scale < 2:
            raise InputError(f"scale={scale}: ZSSR enlarges by a whole number from 2 up")
        if kernel is not None and gradual:
            raise InputError(f"kernel={kernel} is for one scale: remove gradual=true")
        if not 0 <= noise < math.inf or back_projection < 0 or max_steps < 1:
            raise InputError("ZSSR's noise and back_projection must be at least 0, and max_steps at least 1")
        self.kernel = None if kernel is None else aligned(read_kernel(kernel), scale)
        self.scales = _gradual(scale) if gradual else [(Fraction(scale), Fraction(scale))]
        self.multiple = math.lcm(*(side.numerator for pair in self.scales for side in pair))
        self.least = least = _LEAST * self.multiple
        if min(image.shape[-2:]) < least or crop < least:
            height, width = image.shape[-2:]
            which = f"crop={crop}" if crop < least else f"an image of {width}x{height} pixels"
            raise InputError(f"{which} is too small for ZSSR x{scale}: it needs at least {least}x{least}")
        self.crop, self.noise, self.back_projection, self.max_steps = crop, noise, back_projection, max_steps
        self.seed = int.from_bytes(content(image, seed)[:8], "little")
        self.sources: list[tuple[Tensor, float]] = [(image, 1.0)]  # images and their scales, the input first
        self.at, self.rule = 0, Slope(max_steps=max_steps)

    @property
    def done(self) -> bool:
        return self.at == len(self.scales)

    @property
    def scale(self) -> tuple[Fraction, Fraction]:
        """Of rows and columns, at present."""
        return self.scales[min(self.at, len(self.scales) - 1)]

    def to(self, device: torch.device) -> None:
        self.sources = [(image.to(device), scale) for image, scale in self.sources]

    def generator(self) -> torch.Generator:
        """Of the network's first weights."""
        return torch.Generator().manual_seed(self.seed % 2**63)

    # -- training --------------------------------------------------------------------------------------------------

    def pair(self, index: int) -> tuple[Tensor, Tensor]:
        """Son (1, C, h, w) and father (1, C, H, W) of step `index`."""
        draws = Draws(self.seed, index, 1, "zssr")
        mode, scale, y, x, turn, flip = (float(draws.uniform()[0]) for _ in range(6))
        difference, shear_y, shear_x = (float(draws.normal()[0]) for _ in range(3))
        wanted = 1.0 if mode < _AS_IS else _MIN_SCALE + scale * (self.sources[-1][1] - _MIN_SCALE)
        image, base = next(source for source in self.sources if source[1] > wanted - 1e-6)
        turns, flips = (0, False) if mode < _AS_IS or self.kernel is not None else (int(4 * turn), flip < 0.5)
        if mode < _EXACT:
            (top, height), (left, width) = (self._window(side, at) for side, at in zip(image.shape[-2:], (y, x), strict=True))
            father = viewed(image[..., top : top + height, left : left + width], turns, flips)
        else:
            zoom, difference = wanted / base, _DIFFERENCE * difference / 2
            zooms = max(zoom - difference, 0.1), max(zoom + difference, 0.1)
            angle = 0.0 if self.kernel is not None else 2 * math.pi * turn
            father = self._warped(image, zooms, (y, x), angle, (_SHEAR * shear_y, _SHEAR * shear_x), flips)
        son = self.down(father, self._low(father))
        if self.noise:
            generator = torch.Generator().manual_seed(int(draws.seeds()[0]))
            son = son + self.noise * torch.randn(son.shape, generator=generator).to(son.device)
        return son.clamp(0, 1), father

    def _window(self, length: int, at: float) -> tuple[int, int]:
        side = min(self.crop, length) // self.multiple * self.multiple
        return round(at * (length - side)), side

    def _warped(
        self,
        image: Tensor,
        zooms: tuple[float, float],
        at: tuple[float, float],
        angle: float,
        shear: tuple[float, float],
        flips: bool,
    ) -> Tensor:
        """A window of the image, zoomed, turned and sheared, by cubic interpolation (a = -0.75) without antialiasing, as
        OpenCV's warpPerspective with INTER_CUBIC."""
        long = [side * zoom for side, zoom in zip(image.shape[-2:], zooms, strict=True)]
        height, width = (max(self._window(int(side), 0)[1], self.least) for side in long)
        offset = [(u - 0.5) * max(side - window, 0) for u, side, window in zip(at, long, (height, width), strict=True)]
        cos, sin = math.cos(angle), math.sin(angle)
        sheared = torch.tensor([[1, shear[1]], [shear[0], 1]], dtype=torch.float64)
        turned = torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)
        zoomed = torch.tensor([[-zooms[1] if flips else zooms[1], 0], [0, zooms[0]]], dtype=torch.float64)
        back = torch.linalg.inv(sheared @ turned @ zoomed)  # from the window to the image, x before y
        rows = torch.arange(height, dtype=torch.float64) + 0.5 - height / 2 + offset[0]
        columns = torch.arange(width, dtype=torch.float64) + 0.5 - width / 2 + offset[1]
        places = torch.stack([columns.expand(height, -1), rows[:, None].expand(-1, width)], -1) @ back.T
        grid = 2 * places / torch.tensor(image.shape[:-3:-1], dtype=torch.float64)
        grid = grid.to(image)[None]
        return F.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp_(0, 1)

    def after_step(self, network: nn.Module) -> None:
        """After an optimizer step: the learning rate of the next one, the next scale, or the end."""
        self.rule.step(self.error(network) if self.rule.measures else None)
        if self.rule.done:
            if self.at + 1 < len(self.scales):
                self.sources.append((self.enlarged(network, self.sources[0][0], self.scale), float(min(self.scale))))
                self.rule = Slope(max_steps=self.max_steps)
            self.at += 1

    @torch.no_grad()
    def error(self, network: nn.Module) -> float:
        """Mean squared error of the input, made again from its son."""
        image = self.sources[0][0]
        height, width = (side // self.multiple * self.multiple for side in image.shape[-2:])
        image = image[..., :height, :width]
        with float32(image.device.type):
            made = network(self.down(image, self._low(image)), size=(height, width)).clamp(0, 1)
        return float(F.mse_loss(made, image))

    def _low(self, image: Tensor) -> tuple[int, int]:
        return tuple(int(side / factor) for side, factor in zip(image.shape[-2:], self.scale, strict=True))

    # -- the result ------------------------------------------------------------------------------------------------

    def down(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """(1, C, H, W) -> (1, C, *size), as the input is thought to be made."""
        return imresize(image, size=size) if self.kernel is None else downscaled(image, self.kernel, int(self.scale[0]))

    @torch.no_grad()
    def enlarged(self, network: nn.Module, lr: Tensor, scale: tuple[Fraction, Fraction] | None = None) -> Tensor:
        """(1, C, H, W) by `scale`, None: the last: the median of the flipped and turned views, back-projected."""
        scale = scale or self.scales[-1]
        size = tuple(round(side * factor) for side, factor in zip(lr.shape[-2:], scale, strict=True))
        square = scale[0] == scale[1]
        turns = (0,) if self.kernel is not None else range(4) if square else (0, 2)
        views = [(turn, flip) for flip in ((False,) if self.kernel is not None else (False, True)) for turn in turns]
        made = []
        with float32(lr.device.type):
            for turn, flip in views:
                sr = network(viewed(lr, turn, flip), size=size[::-1] if turn % 2 else size).clamp_(0, 1)
                made.append(self._back_projected(turned_back(sr, turn, flip), lr))
            ordered = torch.stack(made).sort(0).values
            middle = (ordered[(len(made) - 1) // 2] + ordered[len(made) // 2]) / 2  # the mean of both of an even number
            return self._back_projected(middle, lr)

    def _back_projected(self, sr: Tensor, lr: Tensor) -> Tensor:
        """SR that gives LR again: Irani, Peleg 1991, doi:10.1016/1049-9652(91)90045-L."""
        for _ in range(self.back_projection):
            sr = (sr + imresize(lr - self.down(sr, tuple(lr.shape[-2:])), size=tuple(sr.shape[-2:]))).clamp_(0, 1)
        return sr

    # -- state -----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at, "rule": self.rule.state_dict(), "sources": [image for image, _ in self.sources[1:]]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.at = state["at"]
        self.rule.load_state_dict(state["rule"])
        images = [image.to(self.sources[0][0].device) for image in state["sources"]]
        self.sources = [self.sources[0], *((image, float(min(pair))) for image, pair in zip(images, self.scales, strict=False))]


def content(image: Tensor, *others: object) -> bytes:
    """A hash of an image's pixels and of the text of other values."""
    pixels = image.detach().cpu().contiguous()
    return blake2b(repr((*pixels.shape, *others)).encode() + pixels.numpy().tobytes(), digest_size=16).digest()


def _gradual(scale: int) -> list[tuple[Fraction, Fraction]]:
    """(1, 1.5), (1.5, 1), (1.5, 1.5), (1.5, 2), (2, 1.5), (2, 2) for x2."""
    found, before = [], Fraction(1)
    while before < scale:
        after = before + Fraction(1, 2)
        found += [(before, after), (after, before), (after, after)]
        before = after
    return found
