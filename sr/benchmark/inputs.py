"""Evaluation sets without HR: pictures that are enlarged and scored by metrics that need no reference."""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from sr.data.notes import say_incomplete, say_left_out, say_not_used
from sr.data.source.folder import images, names_below, not_found
from sr.errors import InputError
from sr.image import file as image
from sr.image.kind import PHOTO, Kind


class Inputs:
    """The pictures of a folder, or one picture, as LR. Metrics that compare SR with HR cannot be measured on them.

    Args:
        name: of the set, for messages.
        lr: folder, or one file; nothing is read from it before `prepare`, `len` or the first image.
        scale: by which they are enlarged.
        n_images, url, kind: see `sr.benchmark.pairs.Benchmark`.
    """

    has_hr = False

    def __init__(
        self, name: str, lr: str | Path, scale: float, n_images: int | None = None, url: str | None = None, kind: Kind = PHOTO
    ) -> None:
        if lr is None or lr == "":  # Path("") would be the working folder
            raise InputError(f"benchmark {name}: lr={lr!r} is not a folder")
        if not scale >= 1:
            raise InputError(f"benchmark {name}: scale must be at least 1, got {scale}")
        self.name, self.lr, self.scale = name, Path(lr).expanduser(), scale
        self.n_images, self.url, self.kind = n_images, url, kind

    def prepare(self) -> None:
        """Check the whole set before a run begins. Warns if it is incomplete.

        Raises MissingError if the folder is missing; InputError if a file is damaged or two images have the same name.
        """
        for file in self.files:
            image.check(file)
        _ = self.names  # raises if two images have the same name
        say_not_used(self.name, [(file, self.kind.not_used(file)) for file in self.files])
        if self.lr.is_dir():
            say_left_out(self.lr)
        say_incomplete(self.name, len(self), self.n_images, self.lr)

    @cached_property
    def files(self) -> list[Path]:
        """Of each image. Raises MissingError if the folder is missing."""
        if self.lr.is_file():
            return [self.lr]
        if not self.lr.is_dir():
            raise not_found(self.name, self.lr, self.url, "lr")
        return images(self.lr)

    @cached_property
    def names(self) -> list[str]:
        """Name of each image; see `sr.data.source.folder.names_below`."""
        return names_below(self.lr.parent if self.lr.is_file() else self.lr, self.files, self.name)

    def depends(self, index: int) -> list[Path]:
        """The file of an image."""
        return [self.files[index]]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """{"name": str, "lr": (C, h, w) of the kind's type, "scale": the set's}."""
        return {"name": self.names[index], "lr": self.kind.tensor(self.files[index]), "scale": torch.tensor(float(self.scale))}
