"""Evaluation sets in the layout of EDSR's benchmark.tar: Set5/HR/baby.png, Set5/LR_bicubic/X2/babyx2.png."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sr.data.further import keys_of, plain
from sr.data.notes import say_incomplete, say_left_out, say_not_used, say_unused
from sr.data.source.folder import check_pairs, check_partners, images, names_below, not_found, pair
from sr.data.source.labelled import Labelled
from sr.data.source.matched import Matched
from sr.data.source.pattern import filled
from sr.data.source.sample import Sample
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.image import file as image
from sr.image.kind import PHOTO, Kind
from sr.say import warn


class Benchmark:
    """The images of an evaluation set at full size, read one at a time.

    `hr` is a folder, or a source such as `sr.data.source.sample.Sample`. `lr` is the folder of LR files for one scale, or
    None: LR is then made by MATLAB's imresize. Every HR file needs a partner in the LR folder, with one exception: the LR
    folder of a published set's bicubic LR may be missing or incomplete; missing LR is made, and `prepare` reports it.
    `lr_pattern` makes the names of LR files of HR's (`sr/data/source/pattern.py`). `n_images` is the
    size of the published set, `url` its address, `kind` the pixel format, `further` keys that all images have
    (`sr.data.further`), such as the noise level of a set. Nothing is read from the disk before `prepare`, `len` or the first
    image.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sample | Matched | Labelled,
        scale: float,
        lr: str | Path | None = None,
        n_images: int | None = None,
        url: str | None = None,
        kind: Kind = PHOTO,
        further: Mapping[str, Any] | None = None,
        lr_pattern: str | None = None,
    ):
        if hr is None or hr == "":  # Path("") would be the working folder
            raise InputError(f"benchmark {name}: hr={hr!r} is not a folder: scores need HR images; without HR use predict.py")
        if not scale >= 1:
            raise InputError(f"benchmark {name}: scale must be at least 1, got {scale}")
        self.name = name
        self.hr = Path(hr).expanduser() if isinstance(hr, str | Path) else hr
        self.lr = None if lr is None else Path(lr).expanduser()
        self.scale, self.lr_pattern = scale, lr_pattern
        if lr_pattern is not None and lr is None:
            raise InputError(f"benchmark {name}: lr_pattern={lr_pattern} is for the files of its lr: pass lr too, or remove it")
        if lr_pattern is not None:
            filled(lr_pattern, "name", scale, f"benchmark {name}: lr_pattern")  # raises if it is none
        self.n_images = n_images
        self.url = url
        self.kind = kind
        self.further = plain(further or {}, f"benchmark {name}")

    def prepare(self) -> None:
        """Check the whole set before a run begins. Warns if it is incomplete.

        Raises MissingError if the set, an LR folder or an LR file is missing; InputError if a file is damaged, the sizes of
        an HR and an LR file do not match, or two images have the same name.
        """
        for file in (file for files in self.pairs for file in files if file is not None):
            image.check(file)
        check_pairs(self.pairs, self.scale)
        _ = self.names  # raises if two images have the same name
        if isinstance(self.hr, Path) or self.kind != PHOTO:
            files = [file for pair in self.pairs for file in pair if file is not None]
            say_not_used(self.name, [(file, self.kind.not_used(file)) for file in files])
        if isinstance(self.hr, Path):
            for folder in filter(Path.is_dir, filter(None, (self.hr, self.lr))):
                say_left_out(folder)
            say_unused(self.pairs, self.lr)
        say_incomplete(self.name, len(self), self.n_images, self.hr)
        made = [hr for hr, lr in self.pairs if lr is None]
        if made and self.scale == 1:
            warn(
                f"{self.name}: at scale=1, generated LR equals HR, so scores only show how little the network changes it; "
                "pass benchmark=folder benchmark.folder.hr=DIR benchmark.folder.lr=DIR"
            )
        elif made and self.lr is not None:
            where = f"no folder {self.lr}" if not self.lr.is_dir() else f"{self.lr} has no file for {made[0].name}"
            warn(f"{self.name}: LR of {len(made)} of {len(self)} images is made by MATLAB's bicubic: {where}")

    @cached_property
    def pairs(self) -> list[tuple[Path, Path | None]]:
        """(HR file, its LR file or None) of each image. Raises MissingError if a file or folder is missing."""
        return self._found()

    def _found(self) -> list[tuple[Path, Path | None]]:
        if not isinstance(self.hr, Path):
            return self.hr.files()
        if not self.hr.is_dir():
            raise self._not_found()
        hr = images(self.hr)
        if self.lr is None:
            return [(file, None) for file in hr]
        if self._may_make_lr():
            lr = image.list_images(self.lr) if self.lr.is_dir() else []
            pairs = pair(hr, self.hr, lr, self.lr, self.lr_pattern, self.scale)
            return pairs if not lr or any(file for _, file in pairs) else check_partners(pairs, self.lr)
        if not self.lr.is_dir():
            raise MissingError(f"{self.name}: no such LR folder: {self.lr}; pass null to make LR by bicubic")
        pairs = pair(hr, self.hr, images(self.lr), self.lr, self.lr_pattern, self.scale)
        return check_partners(pairs, self.lr, self.lr_pattern, self.scale)

    def _not_found(self) -> MissingError:
        return not_found(self.name, self.hr, self.url)

    def _may_make_lr(self) -> bool:
        """Whether missing LR may be made: only bicubic LR of a published set, where that set has it."""
        below = self.lr.absolute().is_relative_to(self.hr.absolute().parent)
        return self.url is not None and below and any("LR_bicubic" in part for part in self.lr.parts)

    @cached_property
    def names(self) -> list[str]:
        """Name of each image: its path below the set's folder without the extension, joined by "_". All different."""
        return self._image_names()

    def _image_names(self) -> list[str]:
        return self.hr.names() if hasattr(self.hr, "names") else self._names([hr for hr, _ in self.pairs])

    def _names(self, files: list[Path]) -> list[str]:
        return names_below(os.path.commonpath([file.parent for file in files]), files, self.name)

    def __len__(self) -> int:
        return len(self.pairs)

    def depends(self, index: int) -> list[Path]:
        """The files of which an image is made; empty if a source reads others for its further keys."""
        return [] if hasattr(self.hr, "further") else [file for file in self.pairs[index] if file is not None]

    def __getitem__(self, index: int) -> dict[str, Any]:
        """{"name": str, "lr": (C, h, w), "hr": (C, round(scale * h), round(scale * w)), ...}, images of the kind's type.

        "mask" (1, H, W) bool is there if HR has pixels without data, False there.
        """
        hr_file, lr_file = self.pairs[index]
        hr, mask = self._hr(hr_file)
        size = tuple(round(n / self.scale) for n in hr.shape[-2:])
        if lr_file is None:
            lr = imresize(self.kind.scaled(hr)[None], size=size, rounding=self.kind.levels)[0]
            lr = self.kind.to_stored(lr)
        else:
            check_pairs([(hr_file, lr_file)], self.scale)
            lr = self.kind.tensor(lr_file)
        keys = {**self.further, **keys_of(self.hr, hr_file), "name": self.names[index], "hr": hr, "lr": lr}
        return keys if mask is None else {**keys, "mask": mask}

    def hr_of(self, file: Path) -> Tensor:
        """HR (C, round(scale * h), round(scale * w)) of a file, cropped: h and w are those of LR."""
        return self._hr(file)[0]

    def _hr(self, file: Path) -> tuple[Tensor, Tensor | None]:
        """HR as `hr_of`, and where it has data, (1, H, W) bool; None: everywhere."""
        pixels, valid = self.kind.read_valid(file)
        hr = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        size = tuple(int(n / self.scale + 1e-9) for n in hr.shape[-2:])  # 1e-9: 30 / 1.2 is 25
        if 0 in size:
            raise InputError(f"benchmark {self.name}: {file} is smaller than the scale {self.scale}")
        h, w = (round(n * self.scale) for n in size)
        return hr[:, :h, :w], None if valid is None else torch.from_numpy(valid[None, :h, :w])
