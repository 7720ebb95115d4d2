"""Evaluation sets in the layout of EDSR's benchmark.tar: Set5/HR/baby.png, Set5/LR_bicubic/X2/babyx2.png."""

import os
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from sr.data.notes import say_left_out, say_not_used, say_unused
from sr.data.source.folder import check_pairs, check_partners, images, pair
from sr.data.source.sample import Sample
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.image import file as image
from sr.image.kind import PHOTO, Kind
from sr.say import warn


class Benchmark:
    """The images of an evaluation set at full size, read one at a time.

    `hr` is a folder, or a source such as `sr.data.source.sample.Sample`; `lr` the folder of one scale's LR files, or None: LR
    is made as MATLAB's imresize makes it. Each HR file needs its partner in an LR folder. Only a published set's own LR folder,
    beside its `hr`, may be missing or incomplete: LR is made for what is not there, and `prepare` says so. `n_images` is the
    size of the published set, `url` where to get it, `kind` what a pixel is. Nothing is looked for on the disk before
    `prepare`, `len` or the first image.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sample,
        scale: int,
        lr: str | Path | None = None,
        n_images: int | None = None,
        url: str | None = None,
        kind: Kind = PHOTO,
    ):
        if hr is None or hr == "":  # Path("") is the working folder
            raise InputError(
                f"benchmark {name}: hr={hr!r} names no folder: scores need HR images, and predict.py enlarges without"
            )
        self.name = name
        self.hr = Path(hr).expanduser() if isinstance(hr, str | Path) else hr
        self.lr = None if lr is None else Path(lr).expanduser()
        self.scale = scale
        self.n_images = n_images
        self.url = url
        self.kind = kind

    def prepare(self) -> None:
        """Look the set through, so that what is wrong with it is said before a run begins. Warns if it is incomplete.

        Raises FileNotFoundError if it, an LR folder or an LR file is missing, ValueError if a file is damaged, if the sizes of
        an HR and an LR file do not match, or if two images have one name.
        """
        for file in (file for files in self.pairs for file in files if file is not None):
            image.check(file)
        check_pairs(self.pairs, self.scale)
        _ = self.names  # raises where two images have one name
        if isinstance(self.hr, Path) or self.kind != PHOTO:
            files = [file for pair in self.pairs for file in pair if file is not None]
            say_not_used(self.name, [(file, self.kind.not_used(file)) for file in files])
        if isinstance(self.hr, Path):
            for folder in filter(Path.is_dir, filter(None, (self.hr, self.lr))):
                say_left_out(folder)
            say_unused(self.pairs, self.lr)
        if self.n_images not in (None, len(self)):
            warn(
                f"{self.name} is not the published set: {len(self)} of {self.n_images} images in {self.hr}; "
                "its numbers are not comparable with published ones"
            )
        made = [hr for hr, lr in self.pairs if lr is None]
        if made and self.scale == 1:
            warn(
                f"{self.name}: at scale=1 LR that is made equals HR, and scores tell only how little a network changes it; "
                "pass benchmark=folder benchmark.folder.hr=DIR benchmark.folder.lr=DIR"
            )
        elif made and self.lr is not None:
            where = f"there is no folder {self.lr}" if not self.lr.is_dir() else f"{self.lr} has none for {made[0].name}"
            warn(f"{self.name}: LR of {len(made)} of {len(self)} images is made by MATLAB's bicubic: {where}")

    @cached_property
    def pairs(self) -> list[tuple[Path, Path | None]]:
        """(HR file, its LR file or None) of each image. Raises FileNotFoundError where a file or folder is missing."""
        if not isinstance(self.hr, Path):
            return self.hr.files()
        if not self.hr.is_dir():
            raise MissingError(self._missing())
        hr = images(self.hr)
        if self.lr is None:
            return [(file, None) for file in hr]
        if self._may_make_lr():
            return pair(hr, self.hr, image.list_images(self.lr) if self.lr.is_dir() else [], self.lr)
        if not self.lr.is_dir():
            raise MissingError(f"{self.name}: no such LR folder: {self.lr}; null makes LR by bicubic")
        return check_partners(pair(hr, self.hr, images(self.lr), self.lr), self.lr)

    def _may_make_lr(self) -> bool:
        """Whether LR may be made where it is missing: only beside a published set's own HR."""
        return self.url is not None and self.lr.absolute().is_relative_to(self.hr.absolute().parent)

    @cached_property
    def names(self) -> list[str]:
        """Name of each image: its path below the set's folder without the extension, joined by "_". All different."""
        root = os.path.commonpath([hr.parent for hr, _ in self.pairs])
        names = ["_".join(hr.relative_to(root).with_suffix("").parts) for hr, _ in self.pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"several images of {self.name} in {root} are called {twice}: rename one")
        return names

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, str | Tensor]:
        """{"name": str, "hr": (C, H, W), "lr": (C, H/scale, W/scale)}, of the kind's type; H and W multiples of the scale."""
        hr_file, lr_file = self.pairs[index]
        hr = self._read(hr_file)
        h, w = (n // self.scale * self.scale for n in hr.shape[-2:])
        if not h or not w:
            raise InputError(f"{hr_file} is smaller than the scale {self.scale}")
        hr = hr[:, :h, :w]
        if lr_file is None:
            lr = imresize(self.kind.scaled(hr)[None], 1 / self.scale, rounding=self.kind.levels)[0]
            lr = self.kind.to_stored(lr)
        else:
            check_pairs([(hr_file, lr_file)], self.scale)
            lr = self._read(lr_file)
        return {"name": self.names[index], "hr": hr, "lr": lr}

    def _missing(self) -> str:
        source = f"get it from {self.url}, or " if self.url else ""
        return f"{self.name} is missing: no such folder {self.hr}; {source}set data_dir (environment variable SR_DATA)"

    def _read(self, file: Path) -> Tensor:
        """(C, H, W)."""
        return torch.from_numpy(self.kind.read(file)).permute(2, 0, 1).contiguous()
