"""Base class of networks in exported files: a finished network like any other for tiles, evaluation and predict.py."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sr.backend.facts import Facts
from sr.errors import InputError, first_line
from sr.infer.memory import out_of_memory
from sr.say import warn

SIDES = (24, 64)  # LR pixels, at least, of the images on which a file is tried


class Exported(nn.Module, ABC):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW), float32, on LR's device.

    A subclass opens the file in `__init__` and implements `run`. It has no parameters: nothing of it can be trained.

    Args:
        files: the file, named in messages, and those with its weights, if it has some.
        facts: what its metadata says; None for files of other programs, of which the scale is found by running it once.
        channels: of the input, as the graph says.
        sides: height and width of the input, if the graph has a fixed size.
        one: whether the graph takes one image at a time.

    Raises:
        InputError: it does not enlarge an image as its metadata says, or by no whole number.
    """

    program = "another program"

    def __init__(
        self, files: Sequence[str | Path], facts: Facts | None, channels: int, sides: tuple[int, int] | None, one: bool
    ) -> None:
        super().__init__()
        self.files, self.path = files, (path := files[0])
        self.facts, self.channels, self.sides, self.one = facts, channels, sides, one
        self.called = facts.network if facts else Path(path).name  # in messages
        self.own_precision = facts.precision if facts else "32"
        self.multiple_of = facts.multiple_of if facts else 1
        if facts and facts.channels != channels:
            raise InputError(f"{path}: its graph takes {channels} channels, its metadata says {facts.channels}")
        self.register_buffer("place", torch.empty(0), persistent=False)  # follows `.to(device)`, for programs with devices
        if sides and min(sides) < 1:
            raise InputError(f"{path}: its graph takes images of {sides[1]}x{sides[0]} pixels")
        self.scale = self._found()

    @abstractmethod
    def run(self, lr: np.ndarray) -> np.ndarray:
        """float32 (N, C, H, W) -> (N, C, sH, sW). Errors are of any class."""

    def reason(self, error: Exception) -> str:
        """What is wrong, from the program's error, in one line."""
        return first_line(error)

    def forward(self, lr: Tensor) -> Tensor:
        array = np.ascontiguousarray(lr.detach().cpu().numpy(), np.float32)
        parts = np.split(array, len(array)) if self.one else [array]
        sr = np.concatenate([self._tried(part) for part in parts])
        if sr.shape != (len(array), self.channels, *(side * self.scale for side in array.shape[-2:])):
            raise self._failed(array, f"it gave {sr.shape}")
        return torch.from_numpy(sr.astype(np.float32, copy=False)).to(lr.device)

    def _tried(self, lr: np.ndarray) -> np.ndarray:
        """`run`, whose errors become one line; a lack of memory is left to the caller, who can take smaller tiles."""
        try:
            return self.run(lr)
        except Exception as error:  # the program's own classes
            if out_of_memory(error):
                raise
            raise self._failed(lr, self.reason(error)) from None

    def _failed(self, lr: np.ndarray, reason: str) -> InputError:
        return InputError(f"{self.path}: {self.program} fails on an image of {lr.shape[-1]}x{lr.shape[-2]} pixels ({reason})")

    def _found(self) -> int:
        """The scale, by enlarging one image."""
        sides = self.sides or tuple(-(-side // self.multiple_of) * self.multiple_of for side in SIDES)
        lr = np.full((1, self.channels, *sides), 0.5, np.float32)
        sr = self._tried(lr)
        scale = sr.shape[-1] // sides[1] if getattr(sr, "ndim", 0) == 4 else 0
        if scale < 1 or sr.shape != (1, self.channels, *(side * scale for side in sides)):
            raise InputError(
                f"{self.path}: turns {lr.shape} into {getattr(sr, 'shape', type(sr).__name__)}, which is no enlarged image"
            )
        if not np.isfinite(sr).all():
            raise InputError(f"{self.path}: gives NaN or infinite values for a gray image")
        if self.facts and self.facts.scale != scale:
            raise InputError(f"{self.path}: enlarges by {scale}, its metadata says {self.facts.scale}")
        if not self.facts:
            channels = f"{self.channels} channel{'s' * (self.channels > 1)}"
            warn(f"{self.path}: has no metadata of ours; it enlarged an image of {channels} by {scale}")
        return scale
