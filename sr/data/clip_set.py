"""Clips for validation and test: whole frames, with LR from files or made by a degradation."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.data.hold_out import draws
from sr.data.source.clips import name_of
from sr.data.storage import Storage
from sr.degradation.chain import Chain
from sr.errors import InputError
from sr.image import clip as clips
from sr.image.kind import Kind
from sr.say import warn

_KEPT = 64  # clips of a set whose LR stays in memory
Pairs = Sequence[tuple[Path, Path | None]]


class ClipSet:
    """Index -> {"name", "hr": (T, C, H, W), "lr": (T, C, h, w), "scale", "frames": T}, clips of the kind's type.

    HR is cropped at its end to whole LR pixels. The random numbers of a clip's LR depend on its name alone, so runs with any
    seed measure the same LR. Scores are of each frame, averaged per clip, then over the clips.

    Args:
        pairs: (HR clip, LR clip or None) of each; folders of frames or video files.
        root: folder below which a clip's place is its name; None: their own names.
        degradation: makes LR where there is none.
        kind: the pixel format.
        frames: how many frames of each clip are used, from the first; None: all.
        border: pixels cut from each side before scoring, in place of the metrics' own; papers on video cut none.
        centre: score the middle frame alone, of which the network sees all others, as papers do for Vimeo-90K.
        flip_seq: a recurrent network gets each clip and then the same backwards (sr/model/enlarge.py), as in these papers.
        store: decoded HR clips of these pairs; None: files are decoded when they are measured.
    """

    has_hr, clips = True, True

    def __init__(
        self,
        pairs: Pairs,
        root: Path | None,
        degradation: Chain,
        kind: Kind,
        frames: int | None = None,
        border: int | None = 0,
        centre: bool = False,
        flip_seq: bool = False,
        store: Storage | None = None,
    ) -> None:
        self.degradation, self.kind, self.scale = degradation, kind, degradation.scale
        self.limit, self.border, self.store = frames, border, store
        self.centre, self.flip_seq = centre, flip_seq
        self._root, self._pairs, self._made = root, pairs, {}

    @property
    def clip_pairs(self) -> Pairs:
        """(HR clip, LR clip or None) of each."""
        return self._pairs

    @cached_property
    def names(self) -> list[str]:
        """The name of each clip, its place below the root; all different."""
        files = [hr for hr, _ in self.clip_pairs]
        names = [name_of(file, self._root or file).replace("/", "_") for file in files]
        counts = Counter(names)
        return [f"{file.parent.name}_{name}" if counts[name] > 1 else name for file, name in zip(files, names, strict=True)]

    @property
    def files(self) -> list[Path]:
        """All HR files: frames and videos."""
        return [file for hr, _ in self.clip_pairs for file in (clips.frame_files(hr) if hr.is_dir() else [hr])]

    def prepare(self) -> None:
        """Look all clips through, so that a damaged one stops the run before it trains. InputError: see `sr.image.clip`."""
        for hr, lr in self.clip_pairs:
            look_through((hr, lr), self.kind, self.limit)
            if lr is not None:
                check_pair(hr, lr, self.scale)
        if len(set(self.names)) < len(self):
            raise InputError(f"several clips have the same name: {', '.join(sorted(self.names))}: rename one")

    def __len__(self) -> int:
        return len(self.clip_pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        hr_file, lr_file = self.clip_pairs[index]
        hr, lr = self._hr(index, hr_file), self._made.get(index)
        if lr is None:
            lr = self._degraded(hr, index) if lr_file is None else self._tensor(self._read(lr_file))
        if index < _KEPT:  # for the next validation
            self._made[index] = lr
        return {"name": self.names[index], "hr": hr, "lr": lr, "scale": np.float32(self.scale), "frames": len(hr)}

    def _hr(self, index: int, file: Path) -> Tensor:
        pixels = self._read(file) if self.store is None else self.store[index][: self.limit]
        height, width = (side // self.scale * self.scale for side in pixels.shape[1:3])
        if not height or not width:
            raise InputError(f"{file}: frames are smaller than the scale {self.scale}")
        return self._tensor(pixels[:, :height, :width])

    def _read(self, clip: Path) -> np.ndarray:
        return np.stack(list(islice(clips.frames(clip, self.kind), self.limit)))

    def _tensor(self, pixels: np.ndarray) -> Tensor:
        """(T, H, W, C) -> (T, C, H, W)."""
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))

    def _degraded(self, hr: Tensor, index: int) -> Tensor:
        drawn = self.degradation.sample(draws(0, self.names[index], "validation"))
        try:
            if drawn:  # a codec sees all frames, and noise counts them
                return self.kind.to_stored(self.degradation(self.kind.scaled(hr)[None], drawn)[0])
            return torch.cat([self.kind.to_stored(self.degradation(self.kind.scaled(one)[None], {})) for one in hr])
        except InputError as error:  # such as frames that are smaller than a kernel
            raise InputError(f"{self.clip_pairs[index][0]}: {error}") from None


def check_pair(hr: Path, lr: Path, scale: int) -> None:
    """InputError: the number or the size of the frames of an HR and an LR clip do not fit."""
    (frames, *size), (few, *low) = clips.facts(hr), clips.facts(lr)
    if frames and few and frames != few:
        raise InputError(f"{lr}: {few} frames, but {hr} has {frames}")
    if [side // scale for side in size] != low:
        raise InputError(
            f"{lr}: {low[0]}x{low[1]} pixels, but {hr} of {size[0]}x{size[1]} needs {size[0] // scale}x{size[1] // scale}"
        )


def look_through(pair: tuple[Path, Path | None], kind: Kind, limit: int | None) -> None:
    """Read what can be read soon: of folders the headers, of videos the first `limit` frames. InputError: it is damaged."""
    for one in filter(None, pair):
        clips.check(one)
        for _ in islice(clips.frames(one, kind), limit) if not one.is_dir() else ():
            pass


def usable(pairs: Pairs, kind: Kind, limit: int | None) -> list[tuple[Path, Path | None]]:
    """The pairs of which the first `limit` frames can be read, with a warning for each other one."""
    found = []
    for pair in pairs:
        try:
            look_through(pair, kind, limit)
            found.append(pair)
        except InputError as error:
            warn(f"validation leaves out {error}")
    return found
