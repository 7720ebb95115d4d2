"""Which inputs of predict.py are videos, which are streams, and which file becomes which."""

import glob
from collections.abc import Sequence
from pathlib import Path

from sr.errors import InputError, MissingError
from sr.image import formats
from sr.image.video import EXTENSIONS
from sr.image.video_writer import WRITTEN
from sr.predict.plan import checked, sources
from sr.say import warn

Source = str | Path | Sequence[str | Path]


def is_live(source: Source) -> bool:
    """Whether an input is a pipe (`-`), the address of a stream, or a camera: frames come at their own pace."""
    return isinstance(source, str) and (source == "-" or "://" in source or source.startswith("/dev/video"))


def videos(source: Source) -> list[tuple[Path, Path]] | None:
    """(file, folder that names are relative to) of an input that has only videos; None: it has pictures, or is missing.

    For a file that is named itself the second is the file: its result may be beside it.

    Raises:
        InputError: files of both.
    """
    found: list[tuple[Path, Path]] = []
    several = sources(source)
    films, others = ([one for one in several if one.is_file() and is_of(one)] for is_of in (_is_video, formats.is_read))
    if films and others:
        raise InputError(f"input=... has a video, {films[0]}, and a picture, {others[0]}: pass them in two commands")
    for entry in several:
        if entry.is_dir():
            files = sorted(path for path in entry.rglob("*") if not _hidden(path.relative_to(entry)))
            if any(formats.is_read(path) for path in files):
                return None
            found += [(path, entry) for path in files if _is_video(path)]
        elif glob.has_magic(str(entry)) and not entry.exists():
            matches = [Path(match) for match in sorted(glob.glob(str(entry), recursive=True))]
            if not matches or not all(map(_is_video, matches)):
                return None
            found += [(match, match.parent) for match in matches]
        elif _is_video(entry):
            found.append((entry, entry))
        else:
            return None
    return found or None


def plan_videos(
    found: Sequence[tuple[Path, Path]], target: str | Path, *, format: str | None = None, suffix: str = ""
) -> list[tuple[Path, Path]]:
    """Pairs (input file, output file); `target` is a folder, or for a single input also a file name.

    A container that is not written becomes Matroska, which holds all audio and subtitles, with a warning.

    Raises:
        InputError: an unknown container; `target` is an input folder; results that would replace an input or each other.
        MissingError: all videos are below `target`.
    """
    target = Path(target)
    if format is not None and f".{format}" not in WRITTEN:
        raise InputError(f"format={format}: choose one of {', '.join(name[1:] for name in WRITTEN)} for videos, or null")
    if Path(suffix).name != suffix:
        raise InputError(f"suffix={suffix}: it is part of a file name and cannot contain a folder")
    if len(found) == 1 and target.suffix and not target.is_dir():
        if target.suffix.lower() not in WRITTEN:
            raise InputError(f"output={target}: {target.suffix} cannot be written: choose one of {', '.join(WRITTEN)}")
        if suffix or format not in (None, target.suffix[1:]):
            raise InputError(f"output={target} is a file name: remove format and suffix, or pass a folder")
        pairs = [(found[0][0], target)]
    else:
        if target.suffix.lower() in WRITTEN and not target.is_dir():
            raise InputError(f"output={target} is a file, but there are {len(found)} videos: pass a folder")
        there, given = target.resolve(), found
        if any(there == base.resolve() for _, base in found):
            raise InputError(f"output={target} is the input folder: choose another one")
        found = [(file, base) for file, base in found if file == base or there not in file.resolve().parents]
        if not found:
            raise MissingError(f"output={target} contains all input videos, {given[0][0]} ...: choose another folder")
        others = {file.suffix for file, _ in found if format is None and file.suffix.lower() not in WRITTEN}
        if others:
            warn(f"results become .mkv, because these containers are not written: {', '.join(sorted(others))}")
        pairs = []
        for file, base in found:
            ending = f".{format}" if format else file.suffix if file.suffix.lower() in WRITTEN else ".mkv"
            name = file.relative_to(base if file != base else file.parent)
            pairs.append((file, target / name.with_name(f"{file.stem}{suffix}{ending}")))
    return checked(pairs, "choose another input, or pass format=mkv")


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
