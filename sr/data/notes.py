"""Reports what 8-bit RGB drops from the images of a set, and which files of a folder are not images: one line per kind."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from sr.image.file import list_images, scan
from sr.say import warn


def say_not_used(where: str | Path, files: Iterable[tuple[Path, list[str]]]) -> None:
    """Warn about each kind of dropped information, with the number of images and the first of them.

    Args:
        where: the set, in the user's words.
        files: each image with the result of `sr.image.file.not_used`.
    """
    total, counts, first = 0, Counter[str](), dict[str, Path]()
    for file, texts in files:
        total += 1
        counts.update(texts)
        for text in texts:
            first.setdefault(text, file)
    for text, count in counts.items():
        warn(f"{where}: {count} of {total} images {text} ({first[text].name} is the first)")


def say_left_out(folder: Path) -> None:
    """Warn about files in a folder and its sub-folders that are not readable images, by extension."""
    if others := scan(folder)[1]:
        warn(f"{folder}: skipped files that are not readable images: {listed(others)}")


def say_incomplete(name: str, count: int, published: int | None, folder: object) -> None:
    """Warn about a set that does not have the number of images of the published one; None: there is none."""
    if published not in (None, count):
        warn(
            f"{name} is incomplete: {count} of {published} images in {folder}; "
            "its scores cannot be compared with published ones"
        )


def say_unused(
    pairs: Iterable[tuple[Path, Path | None]],
    lr_root: Path | None,
    listed: Callable[[Path], list[Path]] = list_images,
    what: str = "image",
) -> None:
    """Warn about images, or what `listed` finds, in an LR folder that belong to no HR image."""
    found = listed(lr_root) if lr_root is not None and lr_root.is_dir() else []
    used = {lr for _, lr in pairs}
    if unused := [file for file in found if file not in used]:
        counts = f"{len(unused)} of {len(found)} LR {what}s have no HR {what}"
        warn(f"{lr_root}: {counts} and are not used ({unused[0].name} is the first)")


def listed(others: Counter[str]) -> str:
    """2 .heic, 1 .mp4: the most frequent first."""
    return ", ".join(f"{count} {extension}" for extension, count in others.most_common())
