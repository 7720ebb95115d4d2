"""Real clips for tests: cut from photographs by a moving window, as folders of frames and as video files."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sr.data.source.sample import Sample
from sr.image import file as image


def moving(name: str, frames: int, height: int = 40, width: int = 48, step: tuple[int, int] = (1, 2)) -> np.ndarray:
    """(T, H, W, 3) uint8: a window that moves over one of scikit-image's photographs."""
    photo, (down, right) = _photo(name), step
    tops, lefts = (20 + down * np.arange(frames), 30 + right * np.arange(frames))
    return np.stack([photo[top : top + height, left : left + width] for top, left in zip(tops, lefts, strict=True)])


@cache
def _photo(name: str) -> np.ndarray:
    return next(image.read_rgb8(file) for file, _ in Sample().files() if file.stem == name)


def write_frames(folder: Path, frames: np.ndarray, start: int = 0) -> Path:
    """Frames as 0.png, 1.png ... 10.png: in the order of numbers, not of letters."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, start):
        Image.fromarray(frame).save(folder / f"{number}.png", compress_level=1)
    return folder


def write_video(file: Path, frames: np.ndarray) -> Path:
    """FFV1 in Matroska: the same pixels when read."""
    av = pytest.importorskip("av", reason='needs pip install ".[video]"')
    with av.open(str(file), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return file
