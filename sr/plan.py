"""Which image file becomes which: everything that can be refused before the first is enlarged."""

import glob
import os
from pathlib import Path

from PIL.Image import registered_extensions

from sr.errors import InputError, MissingError
from sr.image import EXTENSIONS, list_images


def plan(source: str | Path, target: str | Path, *, format: str | None = None, suffix: str = "") -> list[tuple[Path, Path]]:
    """Pairs (input file, output file) for a file, a folder (its sub-folders are kept) or a glob pattern.

    Args:
        source: file, folder or pattern. Images that lie under `target` are left out: they are results.
        target: folder; for a single file also the name of a file.
        format: extension of the results (png, jpg, ...); None: that of the input.
        suffix: added to the names, such as _x4.

    Raises:
        FileNotFoundError: nothing to enlarge.
        ValueError: a format that cannot be written, said by `format` or by the name of the one result; results that would
            replace an input or each other.
    """
    if format is not None and f".{format}" not in EXTENSIONS:
        raise InputError(f"format={format}: choose one of {', '.join(e[1:] for e in EXTENSIONS)}, or null for the input's")
    if Path(suffix).name != suffix:
        raise InputError(f"suffix={suffix}: it is part of a file's name and cannot hold a folder")
    source, target = Path(source), Path(target)
    if source.is_file() and target.suffix.lower() in EXTENSIONS and not target.is_dir():
        if suffix or format not in (None, target.suffix.lower()[1:]):
            raise InputError(f"output={target} names the file already: leave format and suffix out, or name a folder")
        return _checked([(source, target)])
    if source.is_file() and target.suffix.lower() in registered_extensions() and not target.is_dir():
        raise InputError(f"output={target}: {target.suffix} cannot be written: choose one of {', '.join(EXTENSIONS)}")
    base, files = find(source, target)
    if target.is_file():
        raise InputError(f"output={target} is a file: name a folder")
    names = [file.relative_to(base).with_name(file.stem + suffix + (f".{format}" if format else file.suffix)) for file in files]
    return _checked([(file, target / name) for file, name in zip(files, names, strict=True)])


def find(source: Path, target: Path | None = None) -> tuple[Path, list[Path]]:
    """The folder that a file, a folder or a glob pattern lies in, and its image files, without those under `target`.

    Raises:
        FileNotFoundError: there are none; ValueError: `target` is that folder.
    """
    if source.is_file():
        return source.parent, [source]
    if source.is_dir():
        base, files = source, list_images(source)
    else:
        fixed = next((i for i, part in enumerate(source.parts) if glob.has_magic(part)), len(source.parts))
        base = Path(*source.parts[:fixed])
        matches = [Path(match) for match in sorted(glob.glob(str(source), recursive=True))]
        files = [path for path in matches if path.is_file() and path.suffix.lower() in (*EXTENSIONS, ".gif")]
    if target is not None:
        if target.resolve() == base.resolve():
            raise InputError(f"output={target} is the folder of the input: name another one")
        files = [file for file in files if target.resolve() not in file.resolve().parents]
    if not files:
        raise MissingError(f"{source}: no such file, or no images there ({', '.join(EXTENSIONS)})")
    return base, files


def _checked(pairs: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    inputs = {os.path.normcase(os.path.realpath(source)) for source, _ in pairs}
    sources: dict[str, Path] = {}
    for source, target in pairs:
        if target.suffix.lower() not in EXTENSIONS:
            raise InputError(f"{source}: {target.suffix or 'a file without extension'} cannot be written: say format=png")
        real = os.path.normcase(os.path.realpath(target))
        if real in inputs:
            raise InputError(f"{source}: its result {target} would replace an input: choose another output or a suffix")
        if real in sources:
            raise InputError(f"{sources[real]} and {source} would both become {target}: choose format=null or another input")
        sources[real] = source
    return pairs
