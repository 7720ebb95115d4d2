"""`validation=[split]`: held-out training images, so that no benchmark chooses the checkpoint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.data.further import keys_of
from sr.data.hold_out import draws, hold_out
from sr.data.source.folder import check_pairs
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain, only_bicubic
from sr.errors import InputError, MissingError
from sr.image import file as image
from sr.image.kind import PHOTO, Kind

_SHOWN = 10  # names shown in the message
_WINDOW = 11  # pixels that SSIM needs between the borders, whose width is the scale


class Split:
    """How a run's validation images are chosen.

    Args:
        scale: HR pixels per LR pixel.
        size: fraction of the training images to hold out, between 0 and 1, or their number; None: one in twenty, at least 1
            and at most 10 images.

    Raises:
        InputError: an invalid size.
    """

    def __init__(self, *, scale: int, size: float | int | None = None) -> None:
        number, share = isinstance(size, int) and not isinstance(size, bool), isinstance(size, float)
        if not (size is None or (number and size > 0) or (share and 0 < size < 1)):
            raise InputError(
                f"validation.split.size={size}: pass a fraction such as 0.05, a number of images such as 20, or null"
            )
        self.scale, self.size = scale, size

    def of(self, sources: Sequence[Any], degradation: nn.Module, kind: Kind = PHOTO) -> "Held":
        """The validation images of these training sources. Nothing is read from the disk yet.

        InputError: another scale than the degradation's, and a degradation other than bicubic downscaling.
        """
        if self.scale != getattr(degradation, "scale", self.scale):
            if not only_bicubic(degradation):
                raise InputError(
                    f"validation: a split of scale {self.scale} needs degradation=[bicubic], because scale={degradation.scale}"
                )
            degradation = Chain({"bicubic": Bicubic(self.scale, kind.levels)}, self.scale, kind.levels)
        return Held(sources, degradation, self.scale, self.size, kind)


@dataclass(frozen=True)
class Item:
    """An image of the split: a file or an image in memory, and what its LR depends on."""

    key: str  # its path below the source's folder without the extension, or its index
    source: int
    place: int | None  # index in the source; None: it is not one of its images
    hr: Path | None  # None: an image in memory
    lr: Path | None  # None: LR is generated


class Held:
    """The validation images: index -> {"name": str, "hr": (C, H, W), "lr": (C, H/scale, W/scale)}, of the kind's type.

    Empty if no number was requested and no image can be held out: with a single training image, for example.

    A source may have a method `validation()`: (HR file, LR file or None) of each image of its own validation set, empty if
    it is not on disk; and `name_of(file)`, the name of an image in results, if it is not the file's. If a source has such
    images, they are the split; they are removed from its training files. Otherwise `sr.data.hold_out` chooses among the
    images of all sources, except unreadable and too small ones.

    LR is read if the files are paired. Otherwise the run's degradation makes it from the whole image, with random numbers
    that depend only on the image's name: runs with any seed validate on the same LR.
    """

    def __init__(
        self, sources: Sequence[Any], degradation: nn.Module, scale: int, size: float | int | None, kind: Kind
    ) -> None:
        self.sources, self.degradation, self.scale, self.size, self.kind = list(sources), degradation, scale, size, kind
        self._made: dict[Item, Any] = {}

    def prepare(self) -> None:
        """Nothing to do: the images belong to the sources, which are prepared for training."""

    @cached_property
    def items(self) -> list[Item]:
        """The chosen images. Raises InputError if there are fewer than requested."""
        return self._own() or self._chosen()

    @property
    def files(self) -> list[Path]:
        """The HR files of those images that are files."""
        return [item.hr for item in self.items if item.hr is not None]

    @cached_property
    def names(self) -> list[str]:
        """Name of each image, all different."""
        names = [item.key.replace("/", "_") for item in self.items]
        twice = {name for name in names if names.count(name) > 1}  # a.png and a.jpg, or from two sources
        return [f"{name}_{index}" if name in twice else name for index, name in enumerate(names)]

    def rest(self, source: Any, images: Sequence[Any]) -> Sequence[Any]:
        """The training part of a source: its (HR file, LR file) pairs, or images in memory, without the split's."""
        if isinstance(images, list):
            held = set(self.files)
            return [pair for pair in images if pair[0] not in held]
        places = {item.place for item in self.items if self.sources[item.source] is source}
        return Selected(images, [place for place in range(len(images)) if place not in places]) if places else images

    def line(self, instead: Iterable[str] = ()) -> str:
        """The message about the split; `instead` are the sets used for validation if it is empty."""
        if not self.items:
            return (
                f"validation: no training image can be held out, so {', '.join(instead)} chooses best.ckpt; "
                "pass validation=[NAME] for another set"
            )
        shown = ", ".join(self.names[:_SHOWN]) + (", ..." if len(self) > _SHOWN else "")
        images = "1 held-out training image" if len(self) == 1 else f"{len(self)} held-out training images"
        line = f"validation: {images}: {shown}"
        if self.kind.private and not self._own():
            line += "; others of the same patient may be trained on: data=slices divides by patient"
        return line

    def depends(self, index: int) -> list[Path]:
        """The files of which an image is made; empty for one in memory, or if its source reads others for further keys."""
        item = self.items[index]
        return [] if hasattr(self.sources[item.source], "further") else [file for file in (item.hr, item.lr) if file]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, str | Tensor]:
        item = self.items[index]
        pixels, valid = (self._in_memory(item), None) if item.hr is None else self.kind.read_valid(item.hr)
        hr = _tensor(pixels)
        h, w = (n // self.scale * self.scale for n in hr.shape[-2:])
        if not h or not w:
            raise InputError(f"{item.hr or item.key} is smaller than the scale {self.scale}")
        hr = hr[:, :h, :w]
        keys = {"name": self.names[index], "hr": hr}
        if valid is not None:
            keys["mask"] = torch.from_numpy(valid[None, :h, :w])
        own = keys_of(self.sources[item.source], item.place if item.hr is None else item.hr)
        if item.lr is None:
            lr, told = self._degraded(hr, item)
            return told | own | keys | {"lr": lr}
        check_pairs([(item.hr, item.lr)], self.scale)
        return own | keys | {"lr": _tensor(self.kind.read(item.lr))}

    def _own(self) -> list[Item]:
        """The images that sources name for their validation."""
        return [
            Item(source.name_of(hr) if hasattr(source, "name_of") else hr.stem, number, None, hr, lr)
            for number, source in enumerate(self.sources)
            for hr, lr in (source.validation() if hasattr(source, "validation") else ())
        ]

    def _in_memory(self, item: Item) -> np.ndarray:
        source = self.sources[item.source]
        return self.kind.fitted(source.arrays()[item.place], type(source).__name__)

    def _degraded(self, hr: Tensor, item: Item) -> tuple[Tensor, dict[str, Tensor]]:
        """LR, and the further keys of the degradation; kept, for a pipeline takes longer than a validation."""
        if item in self._made:
            return self._made[item]
        drawn = self.degradation.sample(draws(0, item.key, "validation"))
        parameters = {name: torch.as_tensor(value) for name, value in drawn.items()}
        try:
            lr = self.kind.to_stored(self.degradation(self.kind.scaled(hr)[None], parameters)[0])
        except InputError as error:  # such as an image that is smaller than a kernel
            raise InputError(f"validation image {item.hr or item.key}: {error}") from None
        self._made[item] = lr, {key: value[0] for key, value in self.degradation.told(parameters, hr.device).items()}
        return self._made[item]

    def _chosen(self) -> list[Item]:
        images = [source.arrays() if hasattr(source, "arrays") else source.files() for source in self.sources]
        pairs = zip(self.sources, images, strict=True)
        keys = [[_key(source, found, place) for place in range(len(found))] for source, found in pairs]

        def item(source: int, place: int) -> Item:
            files = images[source][place] if isinstance(images[source], list) else (None, None)
            return Item(keys[source][place], source, place, *files)

        def usable(source: int, place: int) -> bool:
            files = images[source][place] if isinstance(images[source], list) else ()
            return _usable(files, self.scale) if files else min(images[source][place].shape[:2]) >= _least(self.scale)

        found = [item(*one) for one in hold_out(keys, self.size, usable)]
        wanted = self.size if isinstance(self.size, int) else 0 if self.size is None else 1
        if len(found) < wanted:
            raise InputError(
                f"validation=[split] should hold out {wanted} of the {sum(map(len, keys))} training images, but can only hold "
                f"out {len(found)}: each source keeps at least one, and an image needs {_least(self.scale)} pixels per side; "
                "pass validation=[set5] or another set, or validation=[] to validate on the benchmarks"
            )
        return found


class Selected(Sequence):
    """Some images of a sequence in memory."""

    def __init__(self, images: Sequence[np.ndarray], places: Sequence[int]) -> None:
        self.images, self.places = images, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.images[self.places[index]]


def _tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, C) -> (C, H, W)."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous()


def _key(source: Any, images: Sequence[Any], place: int) -> str:
    if not isinstance(images, list):
        return str(place)
    file, root = images[place][0], next((getattr(source, name) for name in ("path", "folder") if hasattr(source, name)), None)
    inside = root is not None and file.is_relative_to(root)
    return (file.relative_to(root) if inside else Path(file.name)).with_suffix("").as_posix()


def _usable(files: Sequence[Path | None], scale: int) -> bool:
    """Whether an image and its partner can be read and scored."""
    try:
        for file in filter(None, files):
            image.check(file)
        return min(image.size(files[0])) >= _least(scale)
    except (InputError, MissingError):  # training reports it, or leaves the image out
        return False


def _least(scale: int) -> int:
    return _WINDOW + 3 * scale  # two borders, and the crop to a multiple of the scale
