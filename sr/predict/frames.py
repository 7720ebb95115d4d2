"""Upscales folders of frames by networks for clips: each folder is one clip, in the order of its file names."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn
from tqdm import tqdm

from sr.device.ahead import Behind, ahead
from sr.errors import InputError, MissingError, NotFiniteError
from sr.files import natural
from sr.image import file as image
from sr.image.writer import Writer
from sr.infer.clip import FrameUpscaler
from sr.predict.result import Result
from sr.predict.video import VideoSettings, frame_upscaler

Pairs = Sequence[tuple[Path, Path]]


def predict_frames(
    network: nn.Module, files: Pairs, settings: VideoSettings, *, overwrite: bool = False, **options: Any
) -> Result:
    """Upscale each folder's frames to their output files; a folder that fails costs one line on stderr.

    A job that was stopped goes on at the first frame without a result.

    Args:
        files: (frame, result) of all folders, as from `sr.predict.plan.plan`.
        options: as for `sr.predict.video.frame_upscaler`.

    Raises:
        InputError: invalid settings. StorageError: a full disk.
    """
    frames = frame_upscaler(network, settings, **options)
    result = Result()
    ordered = sorted(files, key=lambda pair: (str(pair[0].parent), natural(pair[0].name)))
    try:
        for folder, found in groupby(ordered, key=lambda pair: pair[0].parent):
            pairs = list(found)
            start = 0 if overwrite else next((n for n, (_, target) in enumerate(pairs) if not target.exists()), len(pairs))
            result.skipped += start
            try:
                if start < len(pairs):
                    _clip(frames, folder, pairs, start, result)
            except (InputError, MissingError) as error:
                result.fail(str(error))
            except NotFiniteError as error:
                result.fail(f"{folder}: {error}")
    finally:
        print(result)
    return result


def _clip(frames: FrameUpscaler, folder: Path, pairs: Pairs, start: int, result: Result) -> None:
    if len(pairs) < frames.window:
        print(
            f"{folder}: its length of {len(pairs)} is shorter than the network's window of {frames.window} frames",
            file=sys.stderr,
        )
    reading, behind = ahead(_read(folder, [source for source, _ in pairs])), Behind()
    progress = tqdm(total=len(pairs), initial=start, desc=folder.name, unit=" frames", smoothing=0.05)
    results = frames(reading, start)
    try:
        for (_, target), pixels in zip(pairs[start:], results, strict=True):
            behind(_write, target, pixels)
            result.written += 1
            progress.update()
        behind.wait()
    finally:
        results.close()
        reading.close()
        behind.close()
        progress.close()


def _read(folder: Path, files: Sequence[Path]) -> Iterator[np.ndarray]:
    first = None
    for file in files:
        pixels = image.read(file).pixels
        first = pixels if first is None else first
        if pixels.shape != first.shape or pixels.dtype != first.dtype:
            sizes = [f"{each.shape[1]}x{each.shape[0]} of {8 * each.itemsize} bits" for each in (pixels, first)]
            raise InputError(
                f"{folder}: {file.name} is {sizes[0]}, but the frames before are {sizes[1]}: one folder is one clip"
            )
        yield pixels


def _write(target: Path, pixels: np.ndarray) -> None:
    with Writer(target, pixels.shape, pixels.dtype) as writer:
        writer.write(pixels)
