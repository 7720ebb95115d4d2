"""Which input file becomes which output file; refuses everything that can be refused before the first is upscaled."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL.Image import registered_extensions

from sr.data.notes import listed
from sr.errors import InputError, MissingError
from sr.files import matching
from sr.image import formats, rasters, video_writer, volume, volume_slices
from sr.image.dicom import unnamed
from sr.image.file import scan, size
from sr.image.raster import extension
from sr.image.writer import EXTENSIONS
from sr.say import warn

WRITTEN = tuple(dict.fromkeys((*EXTENSIONS, *rasters.WRITTEN)))  # extensions of results
_KEPT = (*WRITTEN, *volume_slices.EXTENSIONS)  # and those of volumes, which only volumes become


def plan(
    source: str | Path | Sequence[str | Path], target: str | Path, *, format: str | None = None, suffix: str = ""
) -> list[tuple[Path, Path]]:
    """Pairs (input file, output file) for a file, a folder (its sub-folders are kept), a glob pattern, or a list of these.

    Args:
        source: file, folder or pattern, or several. Images below `target` are left out: they are results.
        target: folder; for a single file also a file name.
        format: extension of the results (png, jpg, ...); None: that of the input; if it cannot be written, png, and for a
            raster the first that keeps its metadata (tif for JPEG 2000), with a warning.
        suffix: appended to the names, such as _x4.

    Raises:
        MissingError: nothing to upscale.
        InputError: a format that cannot be written, in `format` or in the name of the single result; results that would
            replace an input or each other.
    """
    if format is not None and f".{format}" not in WRITTEN:
        raise InputError(f"format={format}: choose one of {', '.join(e[1:] for e in WRITTEN)}, or null for the input's")
    if Path(suffix).name != suffix:
        raise InputError(f"suffix={suffix}: it is part of a file name and cannot contain a folder")
    several, target = sources(source), Path(target)
    for one in several:
        if one.is_file() and not _readable(one):
            size(one)  # the extension is unknown: raises an error unless it is an image
    own = extension(several[0]) if len(several) == 1 else ""
    if extension(target) in volume.EXTENSIONS and not target.is_dir() and extension(target) != own:
        raise InputError(
            f"output={target} names a volume, but the network is for pictures: choose one of {', '.join(WRITTEN)}, and for a "
            "volume, whose slices are enlarged, its own format or a folder"
        )
    no_video(target)
    # Whether it is the result of a single file.
    endings = {*_KEPT, *rasters.EXTENSIONS, *registered_extensions()}
    named = extension(target).lower() in endings and not target.is_dir()
    if len(several) == 1 and several[0].is_file() and named:
        if extension(target) not in _KEPT:
            raise InputError(f"output={target}: {target.suffix} cannot be written: choose one of {', '.join(WRITTEN)}")
        if suffix or format not in (None, extension(target)[1:]):
            raise InputError(f"output={target} is a file name: remove format and suffix, or pass a folder")
        return checked([(several[0], target)])
    bases = {file: base for base, files in (find(one, target, _readable) for one in several) for file in files}
    if target.is_file() or (len(several) > 1 and named):
        raise InputError(f"output={target} is a file: pass a folder")
    names = _names([file.relative_to(base) for file, base in bases.items()], [*bases], format, suffix)
    return checked([(file, target / name) for file, name in zip(bases, names, strict=True)])


def no_video(target: Path) -> None:
    """InputError: `target` names a video, but pictures are written."""
    if extension(target).lower() in video_writer.WRITTEN and not target.is_dir():
        raise InputError(
            f"output={target} names a video, but the results of pictures are pictures: pass a folder, or make a video of the "
            "input first"
        )


def _readable(path: str | Path) -> bool:
    """Whether a file of this name is an image, or a volume, whose slices are images."""
    return formats.is_read(path) or extension(path) in volume_slices.EXTENSIONS


def sources(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """One source or several as a list.

    Raises:
        InputError: an empty list, or an entry that is not a name.
    """
    several = [source] if isinstance(source, str | Path) else list(source)
    if not several or not all(isinstance(one, str | Path) and str(one) for one in several):
        raise InputError(f"input={source}: pass a file, a folder, a pattern in quotes, or a list of these, input=[a.png,b.png]")
    return [Path(one) for one in several]


def _names(files: list[Path], sources: list[Path], format: str | None, suffix: str) -> list[Path]:
    """The name of each result. What cannot be written in its own format becomes another one, keeping the extension if the
    name is taken."""
    parts = [_split(file) for file in files]
    kept = [format is not None or own.lower() in _KEPT for _, own in parts]
    names = [
        file.with_name(stem + suffix + (f".{format}" if format else own))
        for file, (stem, own) in zip(files, parts, strict=True)
    ]
    taken = {name for name, is_kept in zip(names, kept, strict=True) if is_kept}
    others: Counter[tuple[str, str]] = Counter()
    for i, (file, (stem, own)) in enumerate(zip(files, parts, strict=True)):
        if not kept[i]:
            made = _made(sources[i])
            short = file.with_name(f"{stem}{suffix}{made}")
            names[i] = file.with_name(f"{file.name}{suffix}{made}") if short in taken else short
            taken.add(names[i])
            others[made, own or file.name] += 1
    for made in sorted({made for made, _ in others}):
        those = Counter({own: count for (each, own), count in others.items() if each == made})
        warn(f"results become {made}, because these formats cannot be written: {listed(those)}")
    return names


def _split(file: Path) -> tuple[str, str]:
    """A name without its extension, and the extension as it is written."""
    length = len(file.name) - len(extension(file))
    return file.name[:length], file.name[length:]


def _made(file: Path) -> str:
    """The extension of a result that cannot have that of its input."""
    raster = rasters.find(file)
    return raster.written[0] if raster and raster.written else ".png"


def find(
    source: Path, target: Path | None = None, readable: Callable[[str | Path], bool] = formats.is_read
) -> tuple[Path, list[Path]]:
    """The parent folder of a file, folder or glob pattern, and its image files, without those below `target`.

    Args:
        readable: whether a file of this name is an image.

    Raises:
        MissingError: there are none; InputError: `target` is that folder.
    """
    others: Counter[str] = Counter()
    if source.is_dir():
        base, (files, others) = source, scan(source, readable)
    elif os.path.lexists(source):  # exists but is not a file: reading reports what it is
        return source.parent, [source]
    else:
        base, matches = matching(source) or (source, [])
        files = [path for path in matches if readable(path)]
        others = Counter(extension(path) or path.name for path in matches if not readable(path))
    if target is not None:
        there = Path(os.path.realpath(target))  # not resolve(), which fails for a link to itself
        if there == Path(os.path.realpath(base)):
            raise InputError(f"output={target} is the input folder: choose another one")
        files = [file for file in files if there not in Path(os.path.realpath(file)).parents]
    if not files:
        there = f"found {listed(others)}" if others else f"looked for {', '.join(formats.READ)}"
        raise MissingError(
            f"{source}: no such file, or no readable images ({there}){unnamed(source) if source.is_dir() else ''}"
        )
    if others:
        warn(f"{source}: skipped files that are not readable images: {listed(others)}")
    return base, files


def checked(pairs: list[tuple[Path, Path]], advice: str = "choose format=null or another input") -> list[tuple[Path, Path]]:
    """The pairs (input, result). InputError: a result would overwrite an input, or two would have one name, with `advice`."""
    inputs = {os.path.normcase(os.path.realpath(source)) for source, _ in pairs}
    sources: dict[str, Path] = {}
    for source, target in pairs:
        real = os.path.normcase(os.path.realpath(target))
        if real in inputs:
            raise InputError(f"{source}: its result {target} would overwrite an input: choose another output or a suffix")
        if real in sources:
            raise InputError(f"{sources[real]} and {source} would both become {target}: {advice}")
        sources[real] = source
    return pairs
