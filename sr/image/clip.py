"""Clips on disk: a folder of frames, or a video file (sr/image/video.py). Frames are read one at a time."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sr.errors import InputError, MissingError
from sr.files import natural
from sr.image import file as image
from sr.image import formats, video
from sr.image.kind import Kind

LEAST = 2  # frames of a clip


def is_video(path: str | Path) -> bool:
    """Whether a file name has the extension of a video."""
    return formats.extension(path) in video.EXTENSIONS


def frame_files(folder: Path) -> list[Path]:
    """The images directly in a folder, in the order of time: numbers in names are numbers, so that 2.png is before 10.png."""
    names = [name for name in os.listdir(folder) if not name.startswith(".") and formats.is_read(name)]
    return [folder / name for name in sorted(names, key=natural)]


def found(path: str | Path, key: str) -> list[Path]:
    """The clips of a path, sorted: each video file, and each folder that has images, in it and in its sub-folders.

    Raises:
        MissingError: there is no such path, or nothing in it.
        InputError: one picture in a folder, or one picture.
    """
    root = Path(path).expanduser()
    if root.is_file():
        if not is_video(root):
            raise InputError(f"{key}={root} is one picture, not a clip: pass a folder of frames or a video file")
        return [root]
    if not root.is_dir():
        raise MissingError(f"{key}: no such folder or video file: {root}")
    clips = []
    for parent, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        clips += [Path(parent, name) for name in sorted(names) if is_video(name) and not name.startswith(".")]
        if any(formats.is_read(name) and not name.startswith(".") for name in names):
            clips.append(Path(parent))
    if not clips:
        raise MissingError(f"{key}: no clips in {root}: looked for folders of frames and for {', '.join(video.EXTENSIONS)}")
    for clip in clips:
        check_folder(clip)
    return sorted(clips)


def check_folder(clip: Path) -> None:
    """InputError: a folder has one picture only, which is no clip."""
    if clip.is_dir() and len(frames := frame_files(clip)) < LEAST:
        what = f"one picture ({frames[0].name})" if frames else "no pictures"
        raise InputError(f"{clip}: {what} in a folder of frames: a clip needs {LEAST} or more; pictures need data=folder")


def facts(clip: Path) -> tuple[int | None, int, int]:
    """(frames, height, width) from headers; frames None: a video file that does not say."""
    if clip.is_dir():
        return len(frames := frame_files(clip)), *image.size(frames[0])
    try:
        found = video.facts(clip)
    except InputError as error:
        raise _of_clips(error) from None
    return found.count, found.height, found.width


def state(clip: Path) -> str:
    """Changes when a frame of a folder is added, removed or changed; "" for a video file."""
    if not clip.is_dir():
        return ""
    files = [(file.name, file.stat()) for file in frame_files(clip)]
    return "|".join(f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in files)


def check(clip: Path) -> None:
    """Look a clip through without decoding it: headers and sizes of its frames.

    Raises:
        InputError: a broken file, or frames of different sizes.
    """
    check_folder(clip)
    if clip.is_dir():
        first = None
        for frame in frame_files(clip):
            image.check(frame)
            first = _same_size(frame, image.size(frame), first)
    else:
        facts(clip)


def frames(clip: Path, kind: Kind, kept: list[str] | None = None) -> Iterator[np.ndarray]:
    """The frames (H, W, C) of the kind's stored type, in the order of time.

    Args:
        kept: None: a clip that cannot be read to its end is refused. A list: its other frames are given, of a folder those
            before the damage, and what is missing is added to the list.

    Raises:
        InputError: a frame cannot be read, or has another size than the first.
    """
    first = None
    for name, pixels in _of_folder(clip, kind, kept) if clip.is_dir() else _of_video(clip, kind, kept):
        first = _same_size(name, pixels.shape[:2], first)
        yield pixels


def _of_folder(clip: Path, kind: Kind, kept: list[str] | None) -> Iterator[tuple[Any, np.ndarray]]:
    for number, file in enumerate(frame_files(clip)):
        try:
            pixels = kind.read(file)
        except InputError as error:
            if kept is None or number < LEAST:
                raise
            kept.append(f"end early, where a frame is damaged ({error})")
            return
        yield file, pixels


def _of_video(clip: Path, kind: Kind, kept: list[str] | None) -> Iterator[tuple[Any, np.ndarray]]:
    try:
        with video.Video(clip, broken="refuse" if kept is None else "keep") as opened:
            for number, frame in enumerate(opened.read()):
                yield f"{clip}, frame {number}", np.ascontiguousarray(kind.fitted(frame.pixels, clip))
            if opened.missing:
                kept.append("are damaged, and only the frames that can be read are used")
    except InputError as error:
        raise _of_clips(error) from None


def _of_clips(error: InputError) -> InputError:
    """The error of a video with the key of a training in place of that of predict.py."""
    return InputError(str(error).replace("video.broken=keep", "data.corrupt=skip, or data.corrupt=keep"))


def _same_size(name: Any, size: tuple[int, int], first: tuple[int, int] | None) -> tuple[int, int]:
    if first is not None and tuple(size) != first:
        raise InputError(
            f"{name}: {size[0]}x{size[1]} pixels, but the first frame of the clip has {first[0]}x{first[1]}: frames of a clip "
            "have one size; if these are pictures, pass data=folder"
        )
    return tuple(size)
