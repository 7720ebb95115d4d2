"""Teaching data sets through torchvision: MNIST and CIFAR-10 in memory, ImageNet as a folder.

torchvision is imported when needed: that takes a second.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from sr.data.notes import say_left_out
from sr.data.source.folder import images
from sr.errors import InputError, MissingError, UnreachableError
from sr.functional.resize import imresize


class MNIST:
    """Source: 60,000 handwritten digits of 28x28 pixels, enlarged to 224x224 by MATLAB's bicubic (LeCun et al. 1998).

    So HR is a smooth digit, and LR, made from it at scale 8, is the original digit up to a few levels.

    Args:
        folder: torchvision's root folder; the files are in MNIST/raw below it.
    """

    image_size = 224

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()

    def prepare(self, download: bool = False) -> None:
        """Check that the set exists; with `download`, download it. Raises MissingError or UnreachableError."""
        self._open(download)

    def arrays(self) -> "Enlarged":
        return Enlarged(self._open(False).data.numpy(), self.image_size)

    def _open(self, download: bool) -> Any:
        from torchvision.datasets import MNIST as Digits

        return _opened(lambda fetch: Digits(self.folder, download=fetch), "MNIST", self.folder, "MNIST/raw", "12 MB", download)


class CIFAR10:
    """Source: 50,000 photographs of 32x32 pixels (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images).

    Its files are pickles. torchvision opens a file only if its MD5 is the official one, which is in torchvision's code: no
    other bytes are ever unpickled.

    Args:
        folder: torchvision's root folder; the files are in cifar-10-batches-py below it.
    """

    image_size = 32

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()

    def prepare(self, download: bool = False) -> None:
        """Check that the set exists; with `download`, download it. Raises MissingError or UnreachableError."""
        self._open(download)

    def arrays(self) -> np.ndarray:
        return self._open(False).data

    def _open(self, download: bool) -> Any:
        from torchvision.datasets import CIFAR10 as Photos

        place = Photos.base_folder
        return _opened(lambda fetch: Photos(self.folder, download=fetch), "CIFAR-10", self.folder, place, "170 MB", download)


class ImageNet:
    """Source: the images in `split`/<class>/ of `folder` (Russakovsky et al. 2015, arXiv:1409.0575).

    With `download`, torchvision unpacks the official archives ILSVRC2012_img_train.tar (or _val) and
    ILSVRC2012_devkit_t12.tar.gz, which must be in `folder`: only registered users may download them.
    """

    def __init__(self, folder: str | Path, split: str = "train") -> None:
        if split not in ("train", "val"):
            raise InputError(f"split={split}: choose train or val")
        self.folder, self.split = Path(folder).expanduser(), split

    def prepare(self, download: bool = False) -> None:
        """Check that the folder exists. Raises MissingError."""
        if (self.folder / self.split).is_dir():
            say_left_out(self.folder / self.split)
            return
        archive = self.folder / f"ILSVRC2012_img_{self.split}.tar"
        if not (download and archive.is_file()):
            raise MissingError(
                f"no such folder: {self.folder / self.split}; put {archive.name} and ILSVRC2012_devkit_t12.tar.gz of "
                f"image-net.org into {self.folder} and pass data.download=true to extract them, or set data_dir"
            )
        from torchvision.datasets import ImageNet as Archives

        with FileLock(self.folder / "unpack.lock"):
            Archives(self.folder, self.split)

    def files(self) -> list[tuple[Path, None]]:
        return [(file, None) for file in images(self.folder / self.split)]


class Enlarged(Sequence):
    """Gray images (N, h, w) uint8, each enlarged to (size, size, 3) when requested.

    The pixels of `sr.functional.resize.imresize` with rounding; its matrix is cached, because images are requested one by
    one.
    """

    def __init__(self, images: np.ndarray, size: int) -> None:
        self.images = images
        self._rows, self._columns = (imresize(torch.eye(n)[None, None], size=(size, n))[0, 0].numpy() for n in images.shape[1:])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        enlarged = _rounded(_rounded(self._rows @ self.images[index].astype(np.float32)) @ self._columns.T)
        return np.broadcast_to(enlarged.astype(np.uint8)[..., None], (*enlarged.shape, 3))


def _rounded(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(pixels + 0.5), 0, 255)


def _opened(make: Callable[[bool], Any], name: str, folder: Path, place: str, amount: str, download: bool) -> Any:
    """torchvision's set; its errors become one line that says what to do."""
    try:
        return make(False)
    except (RuntimeError, FileNotFoundError):
        if not download:
            raise MissingError(
                f"{name} is missing or damaged in {folder / place}: pass data.download=true to download it ({amount}), or "
                "data_dir (environment variable SR_DATA) to the folder that contains it"
            ) from None
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{name}.lock"):  # the jobs of a sweep start together: one downloads
            return make(True)
    except (RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(": ")
        raise UnreachableError(f"cannot download {name} ({reason}): put its files into {folder / place} by hand") from None
