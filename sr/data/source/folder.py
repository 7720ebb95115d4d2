"""A folder of your own images: HR alone, or HR and LR paired by name."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from sr.data.notes import listed, say_left_out, say_unused
from sr.data.source.pattern import filled
from sr.errors import InputError, MissingError
from sr.image import file as image
from sr.image import formats
from sr.image.clip import is_video
from sr.image.dicom import unnamed
from sr.say import warn

_FRAMES = 5  # numbered images of a folder from which it looks like a clip
# LR files are named baby.png or, as in Set5 and DIV2K, babyx2.png.
_SCALE_SUFFIX = re.compile(r"_?x[2348]$", re.IGNORECASE)


class Folder:
    """Source: all images below `path`, in nested folders too; with `lr`, each is paired with its LR file in that folder.

    An HR file's partner has the same relative path in `lr`, with or without x2, x3, x4 or x8 at the end of its name, or the
    name that `lr_pattern` and `scale` make of it (`sr/data/source/pattern.py`); the extension may differ. Raises MissingError
    if a folder is missing or contains no image, or an HR file has no partner; InputError if it has several.
    """

    def __init__(
        self, path: str | Path, lr: str | Path | None = None, *, lr_pattern: str | None = None, scale: float | None = None
    ):
        if lr_pattern is not None and lr is None:
            raise InputError(f"data.lr_pattern={lr_pattern} is for the files of data.lr: pass data.lr=FOLDER, or remove it")
        if lr_pattern is not None:
            filled(lr_pattern, "name", scale or 1, "data.lr_pattern")  # raises if it is none
        self.path = Path(path).expanduser()
        self.lr_pattern, self.scale = lr_pattern, scale
        self.lr = None if lr is None else Path(lr).expanduser()

    def prepare(self, download: bool = False) -> None:
        """Check that the folders exist and that each HR file has its partner; there is nothing to download.

        Warns about files that are not images.
        """
        files = self.files()
        say_unused(files, self.lr)
        if count := _clips(self.path, [hr for hr, _ in files]):
            warn(
                f"{self.path}: looks like the frames of {count} clips: data=clips trains on clips and holds out whole ones; "
                "here frames of one clip are both trained and validated on"
            )
        for folder in filter(None, (self.path, self.lr)):
            say_left_out(folder)

    def files(self) -> list[tuple[Path, Path | None]]:
        hr = images(self.path)
        if self.lr is None:
            return [(file, None) for file in hr]
        pairs = pair(hr, self.path, images(self.lr), self.lr, self.lr_pattern, self.scale)
        return check_partners(pairs, self.lr, self.lr_pattern, self.scale)


def _clips(root: Path, files: Iterable[Path]) -> int:
    """The number of sub-folders, if each has images numbered without a gap, as clips have; else 0."""
    numbers = defaultdict(list)
    for file in files:
        numbers[file.parent].append(re.fullmatch(r"(.*?)(\d+)", file.stem))
    for folder, found in numbers.items():
        if folder == root or len(found) < _FRAMES or None in found or len({match[1] for match in found}) > 1:
            return 0
        if max(int(match[2]) for match in found) - min(int(match[2]) for match in found) != len(found) - 1:
            return 0
    return len(numbers)


def images(folder: Path, readable: Callable[[str | Path], bool] = formats.is_read) -> list[Path]:
    """All images below `folder`, of names that are `readable`, sorted.

    Raises MissingError if the folder does not exist, or contains no image.
    """
    if not folder.exists():
        raise MissingError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise MissingError(
            f"not a folder: {folder}{'; for a video pass data=clips or benchmark=[clips]' if is_video(folder) else ''}"
        )
    files, others = image.scan(folder, readable)
    if not files:
        there = f"; found {listed(others)}" if others else ""
        there += (
            "; for clips pass data=clips or benchmark=[clips]" if any(is_video(f"x{extension}") for extension in others) else ""
        )
        raise MissingError(f"no images in {folder}: looked for {', '.join(formats.READ)}{there}{unnamed(folder)}")
    return files


def not_found(name: str, folder: Path, url: str | None, key: str = "hr", in_data_dir: bool = False) -> MissingError:
    """The error for the missing folder of an evaluation set.

    Args:
        url: where to download a published set; None: the folder is the user's own.
        key: option of the set that names the folder.
        in_data_dir: whether the user's own folder is one in `data_dir`, which may be the mistake.
    """
    places = "set data_dir (environment variable SR_DATA)"
    own = f"pass a folder that exists as {key}=" + (f", or {places}" if in_data_dir else "")
    return MissingError(f"{name} not found: no such folder {folder}; {f'download it from {url}, or {places}' if url else own}")


def names_below(root: str | Path, files: Iterable[Path], where: str) -> list[str]:
    """Name of each image of the set `where`: its path below `root` without the extension, joined by "_". All different.

    Raises InputError if two images have the same name.
    """
    names = ["_".join(file.relative_to(root).with_suffix("").parts) for file in files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"several images of {where} in {root} have the same name {twice}: rename one")
    return names


def plain_name(name: str) -> str:
    """The name of an image without x2, x3, x4 or x8 at its end."""
    return _SCALE_SUFFIX.sub("", name)


def pair(
    hr: Iterable[Path],
    hr_root: Path,
    lr: Iterable[Path],
    lr_root: Path,
    pattern: str | None = None,
    scale: float | None = None,
) -> list[tuple[Path, Path | None]]:
    """Each HR file with the LR file of its name, or with None. Raises InputError if several LR files fit equally well.

    With a `pattern` (`sr/data/source/pattern.py`) only the name that it makes of HR's fits.
    """
    exact, suffixed = defaultdict(list), defaultdict(list)
    for file in lr:
        key = file.relative_to(lr_root).with_suffix("")
        exact[key].append(file)
        suffixed[key.with_name(plain_name(key.name))].append(file)
    pairs = []
    for file in hr:
        key = file.relative_to(hr_root).with_suffix("")
        found = exact[key] or suffixed[key]
        if pattern is not None:
            found = exact[key.parent / filled(pattern, key.name, scale or 1)]
        found = [f for f in found if f.suffix == file.suffix] or found  # a.png and a.jpg in both folders
        if len(found) > 1:
            names = ", ".join(f.name for f in found)
            raise InputError(f"several LR partners for {file} in {lr_root}: {names}; pass the folder of one scale")
        pairs.append((file, found[0] if found else None))
    return pairs


def check_partners(
    pairs: list[tuple[Path, Path | None]], lr_root: Path, pattern: str | None = None, scale: float | None = None
) -> list[tuple[Path, Path]]:
    """The pairs unchanged. Raises MissingError naming the first HR file without an LR file, and their number."""
    alone = [hr for hr, lr in pairs if lr is None]
    if alone:
        stem = alone[0].stem
        names = f"{stem}.* and {stem}x2.* (or x3, x4, x8)" if pattern is None else f"{filled(pattern, stem, scale or 1)}.*"
        other = ", or pass data.lr_pattern= or benchmark.NAME.lr_pattern=, such as '{name}_LR'" if pattern is None else ""
        counts = f"{len(alone)} of {len(pairs)} images have none"
        raise MissingError(f"no LR partner for {alone[0]} in {lr_root}: looked for {names}{other}; {counts}")
    return pairs


def check_pairs(pairs: Iterable[tuple[Path, Path | None]], scale: float) -> None:
    """Check from the file headers that each LR image has the size of its HR image, cropped to a multiple of `scale`, over
    `scale`.

    Raises InputError naming the first pair that does not match.
    """
    for hr_file, lr_file in pairs:
        if lr_file is None:
            continue
        hr, lr = image.size(hr_file), image.size(lr_file)
        expected = tuple(int(n / scale + 1e-9) for n in hr)  # 1e-9: 30 / 1.2 is 25
        if lr != expected:
            raise InputError(
                f"sizes do not match at x{scale}: {lr_file} is {_text(lr)}, expected {_text(expected)} "
                f"for {hr_file} of {_text(hr)} (height x width)"
            )


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
