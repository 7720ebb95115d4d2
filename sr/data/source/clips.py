"""Clips of your own: folders of frames and video files, HR alone or paired with LR by name."""

from pathlib import Path

from sr.data.notes import say_unused
from sr.errors import InputError, MissingError
from sr.image import clip


class Clips:
    """Source: the clips below `path`: each folder that has images, and each video file. With `lr`, each has its LR in that
    folder, at the same place and with the same name (a video may have another extension).

    Raises MissingError if a folder is missing or empty, or a clip has no partner; InputError for one picture in a folder.
    """

    def __init__(self, path: str | Path, lr: str | Path | None = None) -> None:
        self.path = Path(path).expanduser()
        self.lr = None if lr is None else Path(lr).expanduser()

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self, download: bool = False) -> None:
        """Check that the clips exist; there is nothing to download. Warns about LR clips without HR."""
        say_unused_clips(self.files(), self.lr)

    def files(self) -> list[tuple[Path, Path | None]]:
        """(HR clip, its LR clip or None)."""
        return paired(clip.found(self.path, "data.train"), self.path, self.lr)


def paired(hr: list[Path], hr_root: Path, lr_root: Path | None) -> list[tuple[Path, Path | None]]:
    """Each HR clip with the LR clip of its name below `lr_root`. MissingError: there is none; InputError: several."""
    if lr_root is None:
        return [(one, None) for one in hr]
    there: dict[str, list[Path]] = {}
    for one in clip.found(lr_root, "lr"):
        there.setdefault(name_of(one, lr_root), []).append(one)
    pairs = []
    for one in hr:
        name = name_of(one, hr_root)
        if len(found := there.get(name, [])) != 1:
            error = MissingError if not found else InputError
            raise error(f"{one}: {len(found) or 'no'} LR clips called {name} in {lr_root}: one is needed")
        pairs.append((one, found[0]))
    return pairs


def say_unused_clips(pairs: list[tuple[Path, Path | None]], lr_root: Path | None) -> None:
    """Warn about clips in an LR folder that belong to no HR clip."""
    say_unused(pairs, lr_root, lambda folder: clip.found(folder, "lr"), "clip")


def name_of(file: Path, root: Path) -> str:
    """The place of a clip below a root, without the extension of a video: "train/000"."""
    place = file.relative_to(root) if file != root and file.is_relative_to(root) else Path(file.name)
    return (place.with_suffix("") if clip.is_video(file) else place).as_posix()
