"""A stream of frames through a network, with a few frames in memory: pictures one by one, clips in segments.

Networks for pictures get batches of frames. Networks for clips get segments of a scene; two neighbouring ones share frames, so
that each frame has others before and after it. Each segment is cut into tiles in space (sr/infer/upscaler.py). What becomes of
a frame depends on the frames alone, not on where a job was stopped and went on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError, NotFiniteError
from sr.functional.frames import is_clip
from sr.functional.pixels import levels
from sr.functional.resize import imresize
from sr.infer.scenes import SceneCuts
from sr.infer.strips import NOT_FINITE
from sr.infer.upscaler import Upscaler, channels

RESULTS = 512e6  # bytes of the results of a segment, if its length is chosen by memory
LONGEST = 48  # frames: enough for recurrent networks, and their features of 48 tiles of 192 pixels fit into 2 GB


@dataclass(frozen=True)
class Segments:
    """How a network for clips goes through a scene.

    Args:
        length: frames of a segment; None: 48, or as many as have results of 512 MB, but at least twice `overlap`.
        overlap: frames that two segments share. The outer 3/8 on each side are discarded and the middle quarter is blended, as
            with tiles. Networks with a `reach_t` share twice that, and nothing is blended: the result is the whole clip's.
    """

    length: int | None = None
    overlap: int = 16

    def __post_init__(self) -> None:
        if type(self.overlap) is not int or self.overlap < 0:
            raise InputError(f"video.overlap={self.overlap}: pass a number of frames")
        if self.length is not None and (type(self.length) is not int or self.length <= self.overlap):
            raise InputError(f"video.segment={self.length}: pass more frames than video.overlap={self.overlap}, or null")

    def settled(self, reach: int | None, frame_bytes: int) -> "Segments":
        """With the length and overlap for a network and for results of this size per frame."""
        overlap = self.overlap if reach is None else 2 * reach
        length = self.length or max(2 * overlap, min(LONGEST, int(RESULTS / frame_bytes)), 1)
        return Segments(max(length, overlap + 1), overlap)

    def weights(self, reach: int | None) -> np.ndarray:
        """(overlap,): the share of the later segment in the frames that two segments have in common."""
        position = np.arange(self.overlap) + 0.5
        if reach is not None:
            return (position > self.overlap / 2).astype(np.float32)
        x = ((position - self.overlap * 3 / 8) / max(self.overlap / 4, 1e-9)).clip(0, 1)
        return (x * x * (3 - 2 * x)).astype(np.float32)


class FrameUpscaler:
    """Enlarges frames (H, W, 3), uint8 or uint16, to frames of the same type.

    Args:
        upscaler: with the network and its tiles.
        segments: for networks for clips.
        batch: frames per pass of a network for pictures.
        size: height and width of the results; the network's are resized to it (MATLAB's bicubic). None: by `outscale`.
        outscale: factor of the results; None: the network's.
        cuts: as in SceneCuts.
    """

    def __init__(
        self,
        upscaler: Upscaler,
        segments: Segments = Segments(),  # noqa: B008  frozen
        *,
        batch: int = 1,
        size: tuple[int, int] | None = None,
        outscale: float | None = None,
        cuts: float | None = 10.0,
    ) -> None:
        self.upscaler, self.segments, self.batch, self.cuts = upscaler, segments, batch, cuts
        self.size, self.outscale = size, None if outscale is None or upscaler.reaches(outscale) else outscale
        network = upscaler.network
        self.reach = getattr(network, "reach_t", None)
        self.window = 1 if self.reach is None else 2 * self.reach + 1
        self.scenes = 0  # cuts found

    def __call__(self, frames: Iterable[np.ndarray], start: int = 0) -> Iterator[np.ndarray]:
        """The results from frame `start` on, in order; `frames` are all from the first on."""
        return self._clips(iter(frames), start) if is_clip(self.upscaler.network) else self._pictures(iter(frames), start)

    def newest(self, frames: list[np.ndarray]) -> np.ndarray:
        """The result of the last of a few frames; a network for pictures looks at that one alone."""
        lr = _tensor(frames)
        return self._run(lr[None] if is_clip(self.upscaler.network) else lr[-1:], frames[-1].dtype)[-1]

    def result(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the results for those of a frame."""
        if self.size is None and self.outscale is not None:
            return tuple(max(round(side * self.outscale), 1) for side in (height, width))
        return self.size or self.upscaler.size(height, width)

    def _pictures(self, frames: Iterator[np.ndarray], start: int) -> Iterator[np.ndarray]:
        together: list[np.ndarray] = []
        for number, frame in enumerate(frames):
            if number < start:
                continue
            together.append(frame)
            if len(together) == self.batch:
                yield from self._run(_tensor(together), frame.dtype)
                together = []
        if together:
            yield from self._run(_tensor(together), together[0].dtype)

    def _clips(self, frames: Iterator[np.ndarray], start: int) -> Iterator[np.ndarray]:
        """Segment after segment. `held` are frames from number `first` on; `tail` are results of those shared with the last."""
        cuts = SceneCuts(self.cuts, max(self.window, self.segments.overlap))
        following = next(frames, None)
        if following is None:
            return
        bytes_of = int(np.prod(self.result(*following.shape[:2]))) * 3 * following.itemsize
        plan = self.segments.settled(self.reach, bytes_of)
        share = plan.weights(self.reach)
        held, first, tail = [], 0, None
        cuts.begins(following)
        while following is not None:
            held.append(following)
            following = next(frames, None)
            cut = following is not None and cuts.begins(following)
            self.scenes += cut
            ends = cut or following is None
            if not ends and len(held) < plan.length:
                continue
            done = len(held) if ends else len(held) - plan.overlap
            if first + len(held) > start:
                made = self._segment(held, tail, share)
                yield from made[max(start - first, 0) : done]
                tail = None if ends else made[done:]
            first += done
            held = [] if ends else held[done:]
            tail = None if ends else tail

    def _segment(self, held: list[np.ndarray], tail: list[np.ndarray] | None, share: np.ndarray) -> list[np.ndarray]:
        """The results of a segment; the first ones are blended with `tail`."""
        made = self._run(_tensor(held)[None], held[0].dtype)
        for number, before in enumerate(tail or []):
            weight = float(share[number])
            if weight == 0:
                made[number] = before
            elif weight < 1:
                both = before * np.float32(1 - weight) + made[number] * np.float32(weight)
                made[number] = np.floor(both + np.float32(0.5)).astype(before.dtype)
        return made

    def _run(self, lr: Tensor, dtype: np.dtype) -> list[np.ndarray]:
        """(B, 3, h, w) or (1, T, 3, h, w) float32 -> as many frames of `dtype`."""
        height, width = lr.shape[-2:]
        lr = lr[..., : channels(self.upscaler.network), :, :]
        own, target = self.upscaler.size(height, width), self.result(height, width)
        made = [np.empty((*target, 3), dtype) for _ in range(lr.shape[:-3].numel())]
        if own != target:
            for frame, sr in zip(made, _frames(self.upscaler(lr)), strict=True):
                frame[...] = _pixels(imresize(sr[None], size=target)[0], dtype)
            return made
        for top, left, block in self.upscaler.blocks(lambda rows, columns: lr[..., rows, columns], height, width):
            for frame, sr in zip(made, _frames(block), strict=True):
                frame[top : top + sr.shape[-2], left : left + sr.shape[-1]] = _pixels(sr, dtype)
        return made


def _tensor(frames: list[np.ndarray]) -> Tensor:
    """(T, 3, h, w) float32 in [0, 1]."""
    return torch.from_numpy(np.stack(frames).astype(np.float32)).div_(np.iinfo(frames[0].dtype).max).permute(0, 3, 1, 2)


def _frames(made: Tensor) -> Tensor:
    if not torch.isfinite(made.sum()):
        raise NotFiniteError(NOT_FINITE)
    return made.reshape(-1, *made.shape[-3:])


def _pixels(made: Tensor, dtype: np.dtype) -> np.ndarray:
    """(C, h, w) in [0, 1] -> (h, w, C), rounded half up and clipped; one channel becomes three by assignment."""
    return levels(made, np.iinfo(dtype).max).permute(1, 2, 0).cpu().numpy().astype(dtype)
