"""Pairs of photographs in the layouts in which real sets are published: HR and LR side by side, told apart by their names."""

import re
from collections import defaultdict
from pathlib import Path

from sr.data.notes import say_left_out
from sr.data.source.folder import not_found
from sr.errors import InputError, MissingError
from sr.image.file import list_images


class Matched:
    """Source: the images below `path` whose relative path is `hr`, each with the one that is `lr`.

    Both are regular expressions of the whole relative path, with "/" between folders. What their groups hold names the pair:
    "(.+)_HR.png" and "(.+)_LR4.png" match Canon_001_HR.png with Canon_001_LR4.png. Other files are left alone. With lr=None the
    images that are `hr` have no partners.

    Args:
        path: the folder.
        hr, lr: see above.
        name, url: of the set, and where to get it, for the message where it is not there.
    """

    def __init__(self, path: str | Path, hr: str, lr: str | None, name: str = "", url: str | None = None) -> None:
        self.path, self.hr = Path(path).expanduser(), re.compile(hr)
        self.lr = None if lr is None else re.compile(lr)
        self.name, self.url = name or self.path.name, url

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self, download: bool = False) -> None:
        """Check that there are images, each with its partner; nothing is downloaded. Warns of files that are not images."""
        self.files()
        say_left_out(self.path)

    def files(self) -> list[tuple[Path, Path | None]]:
        """(HR file, LR file or None) of each pair, in the order of their names.

        Raises:
            MissingError: there is no such folder, no HR image in it, or an HR image has no partner.
            InputError: one has several.
        """
        return [pair for _, pair in self._pairs()]

    def names(self) -> list[str]:
        """What the groups hold of each pair, joined by "_"."""
        return ["_".join(key).replace("/", "_") for key, _ in self._pairs()]

    def _pairs(self) -> list[tuple[tuple[str, ...], tuple[Path, Path | None]]]:
        if not self.path.is_dir():
            raise not_found(self.name, self.path, self.url)
        found: dict[str, dict[tuple[str, ...], list[Path]]] = {"HR": defaultdict(list), "LR": defaultdict(list)}
        for file in list_images(self.path):
            relative = file.relative_to(self.path).as_posix()
            for kind, pattern in (("HR", self.hr), ("LR", self.lr)):
                if pattern and (match := pattern.fullmatch(relative)):
                    found[kind][match.groups()].append(file)
        if not found["HR"]:
            what = "images" if self.lr is None else "HR images"
            raise MissingError(f"{self.name}: no {what} in {self.path}; looked for {self.hr.pattern}")
        for kind, files in found.items():
            if several := next((files for files in files.values() if len(files) > 1), None):
                raise InputError(f"{self.name}: {several[0]} and {several[1]} are both {kind} of one pair: take one away")
        if self.lr is None:
            return [(key, (files[0], None)) for key, files in found["HR"].items()]
        if alone := [files[0] for key, files in found["HR"].items() if key not in found["LR"]]:
            raise MissingError(
                f"{self.name}: no LR partner for {alone[0]}; looked for {self.lr.pattern} in {self.path}; "
                f"{len(alone)} of {len(found['HR'])} images have none"
            )
        return [(key, (files[0], found["LR"][key][0])) for key, files in found["HR"].items()]
