"""Which inputs of predict.py are videos, which are streams, and which file becomes which."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sr.data.notes import listed
from sr.errors import InputError, MissingError
from sr.files import matching
from sr.image import formats
from sr.image.file import scan
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

    For a file that is named itself the second is the file: its result may be beside it. Other files of a folder are skipped
    with a warning.

    Raises:
        InputError: videos and pictures. MissingError: videos, and a file that is missing.
    """
    entries = [_listed(entry) for entry in sources(source)]
    films = [(file, base) for base, files, _ in entries for file in files if _is_video(file)]
    absent = [base for base, files, others in entries if not files and not others]
    if missing := next((base for base in absent if films or _is_video(base)), None):
        raise MissingError(f"{missing}: no such file, or nothing in it")
    if not films:
        return None
    if picture := next((file for _, files, _ in entries for file in files if not _is_video(file)), None):
        raise InputError(
            f"input=... has a video, {films[0][0]}, and a picture, {picture}: pass them in two commands, by patterns such as "
            f"'input=\"{films[0][0].parent}/*{films[0][0].suffix}\"'"
        )
    for base, _, others in entries:
        if others:
            warn(f"{base}: skipped files that are not videos: {listed(others)}")
    return films


def _listed(entry: Path) -> tuple[Path, list[Path], Counter[str]]:
    """The folder of an entry of `input`, its videos and pictures, and the number of other files per extension."""
    if entry.is_dir():
        return entry, *scan(entry, lambda name: _is_video(Path(name)) or formats.is_read(name))
    base, files = (entry, [entry]) if entry.exists() else matching(entry) or (entry, [])
    base = base if files else entry
    known = [file for file in files if _is_video(file) or formats.is_read(file)]
    return base, known, Counter(file.suffix or file.name for file in files if file not in known)


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
