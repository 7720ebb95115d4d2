"""Images that another program made of a benchmark, in place of a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sr.data.source.folder import images, names_below, plain_name
from sr.data.source.pattern import filled
from sr.errors import InputError, MissingError
from sr.image.kind import PHOTO, Kind
from sr.say import warn


class Results(nn.Module):
    """(1, C, H, W) and its name -> (1, C, sH, sW) in [0, 1], read from the file of that name.

    Args:
        files: name of an image -> its file.
        scale: of the set.
        kind: the pixel format of the files.
    """

    fits = True  # it is given whole images, once

    def __init__(self, files: Mapping[str, Path], scale: int, kind: Kind = PHOTO) -> None:
        super().__init__()
        self.files, self.scale, self.kind, self.channels, self.multiple_of = dict(files), scale, kind, kind.bands, 1
        self.register_buffer("place", torch.empty(0), persistent=False)  # tells the device

    def forward(self, lr: Tensor, name: Sequence[str]) -> Tensor:
        file = self.files[name[0]]
        sr = self.kind.scaled(self.kind.tensor(file)[None])
        expected = tuple(side * self.scale for side in lr.shape[-2:])
        if tuple(sr.shape[-2:]) != expected:
            found, wanted = ("x".join(map(str, size)) for size in (sr.shape[-2:], expected))
            raise InputError(f"{file} is {found}, expected {wanted} (height x width): LR times the scale {self.scale}")
        return sr.to(lr.device)


def found(folder: str | Path, names: Sequence[str], scale: float, pattern: str | None = None) -> dict[str, Path]:
    """The file of each image of a set: baby.png or babyx4.png for baby, or by a pattern such as `{name}_out`.

    Raises:
        MissingError: no such folder, or an image without a file. InputError: several files for an image, or a wrong pattern.
    """
    folder = Path(folder).expanduser()
    files = images(folder)
    known = dict(zip(names_below(folder, files, "results"), files, strict=True))
    made: dict[str, Path] = {}
    for name in names:
        wanted = name if pattern is None else filled(pattern, name, scale, "results_pattern")
        fitting = [known[wanted]] if wanted in known else []
        if not fitting and pattern is None:
            fitting = [file for one, file in known.items() if plain_name(one) == name]
        if len(fitting) > 1:
            raise InputError(
                f"results={folder}: several files for {name}: {', '.join(file.name for file in fitting)}; pass results_pattern="
            )
        if fitting:
            made[name] = fitting[0]
    if alone := [name for name in names if name not in made]:
        wanted = f"{alone[0]} or {alone[0]}x{scale:g}" if pattern is None else filled(pattern, alone[0], scale)
        raise MissingError(
            f"results={folder}: no file for {alone[0]}: looked for {wanted}; {len(alone)} of {len(names)} images have none; "
            "pass results_pattern= for other names, such as '{name}_out'"
        )
    if unused := sorted(set(files) - set(made.values())):
        warn(f"{folder}: {len(unused)} of {len(files)} files belong to no image of the set ({unused[0].name} is the first)")
    return made
