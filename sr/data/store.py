"""Decodes every image of a training set once, into a memory-mapped file; after that a patch is a slice.

One `.npy` file per image, named by the image's path, size and modification time. So an interrupted build continues where it
stopped, a changed image is decoded again, and unused files are removed.
"""

import copy
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from sr.data.maps import Maps
from sr.data.notes import say_not_used
from sr.errors import InputError, MissingError, StorageError
from sr.files import whole
from sr.image import file as image
from sr.image import rasters
from sr.image.kind import PHOTO, Kind
from sr.say import warn

_VERSION = 2  # of the stored data; in version 1 dropped information was not recorded
HEADER = 128  # bytes of a version 1 .npy header


class Store:
    """Images of one set, index -> (H, W, C) of the kind's type, memory-mapped, read-only: a `sr.data.storage.Storage`.

    Args:
        files: the images, in index order.
        folder: folder of the decoded files; one folder per set and kind.
        corrupt: what to do with images that cannot be decoded: "stop", or "skip" them with a warning. Skipping does not
            change the indices of the others; `keep` makes a store of the remaining ones.
        kind: the pixel format.
    """

    others = frozenset({"build.lock"})  # files of the folder that belong to no image

    def __init__(self, files: Sequence[Path], folder: Path, corrupt: str = "stop", kind: Kind = PHOTO) -> None:
        if corrupt not in ("stop", "skip"):
            raise InputError(f"data.corrupt={corrupt}: choose stop or skip")
        self.files = list(files)
        self.folder = Path(folder)
        self.corrupt, self.kind = corrupt, kind
        self.cached = [self.folder / _name(*one) for one in zip(self.files, self.states(), strict=True)]
        self._maps, self._masks = Maps(), {}

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._maps[self.cached[index]]

    def states(self) -> list[str]:
        """For each image what its samples depend on besides the file itself; part of the name of its decoded file."""
        beside = _beside(self.files) if self.kind.percentiles is not None else {}
        return [beside.get(file.parent, "") for file in self.files]

    def masked(self) -> list[bool]:
        """For each image whether some of its pixels have no data."""
        names = self._names()
        return [_mask(cached).name in names for cached in self.cached]

    def mask(self, index: int) -> np.ndarray:
        """(H, W, 1) uint8 of a `masked` image, 0 where it has no data and 1 elsewhere, memory-mapped."""
        path = self._masks.get(index)
        if path is None:
            path = self._masks[index] = _mask(self.cached[index])  # making a path takes as long as cutting a patch
        return self._maps[path]

    def build(self, progress: bool = True) -> int:
        """Decode missing images in parallel; if several processes call it at once, one of them works.

        Returns the number of images decoded by this process.

        Raises:
            InputError: an image cannot be decoded (one line naming the file), and `corrupt` is "stop".
            StorageError: the disk is full or not writable (one line naming the folder and the space needed).
        """
        missing = self._missing()
        if missing:
            with self._locked():
                missing = self._missing()
                self._decode(missing, progress)
                self._clean()
        if self.files:
            say_not_used(os.path.commonpath([file.parent for file in self.files]), self._notes())
        for problem in self._problems():
            warn(f"left out of the training set (data.corrupt=skip): {problem}")
        return len(missing)

    def decoded(self) -> list[bool]:
        """For each image whether it is decoded: all after `build`, except corrupt ones."""
        names = self._names()
        return [cached.name in names for cached in self.cached]

    def keep(self, which: Iterable[bool]) -> "Store":
        """A store of some of the images."""
        which, kept = list(which), copy.copy(self)
        kept.files, kept.cached = list(compress(self.files, which)), list(compress(self.cached, which))
        kept._masks = {}
        return kept

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Context in which only this process writes to the folder."""
        lock = FileLock(self.folder / "build.lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise StorageError(
                f"{self.folder}: decoded images cannot be written there ({error.strerror or error}): set data.cache_dir to a "
                "writable folder"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _notes(self) -> list[tuple[Path, list[str]]]:
        """Each decoded image with a description of what was dropped or changed."""
        names = self._names()
        pairs = [(file, cached) for file, cached in zip(self.files, self.cached, strict=True) if cached.name in names]
        return [(file, json.loads(_note(c).read_text()) if _note(c).name in names else []) for file, c in pairs]

    def _decode(self, missing: list[tuple[Path, Path]], progress: bool) -> None:
        # Pillow releases the GIL while decoding. Reading silences warnings, which concurrent threads may leave silenced.
        with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
            self._check_room(sum(pool.map(self._bytes, (file for file, _ in missing))), len(missing))
            jobs = pool.map(self._store, *zip(*missing, strict=True)) if missing else []
            show = progress and len(missing) > 50
            for _ in tqdm(jobs, "decoding images", len(missing), unit="image", disable=not show, leave=False):
                pass

    def _clean(self) -> None:
        """Remove files of images that are no longer in the set, or have changed."""
        wanted = {name(cached).name for cached in self.cached for name in (Path, _mark, _note, _mask)} | self.others
        for name in self._names() - wanted:
            (self.folder / name).unlink()

    def _names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self.folder)} if self.folder.is_dir() else set()

    def _missing(self) -> list[tuple[Path, Path]]:
        names = self._names()
        return [
            (file, cached)
            for file, cached in zip(self.files, self.cached, strict=True)
            if cached.name not in names and (self.corrupt == "stop" or _mark(cached).name not in names)
        ]

    def _problems(self) -> Iterator[str]:
        if self.corrupt == "skip":
            for cached, done in zip(self.cached, self.decoded(), strict=True):
                if not done:
                    yield _mark(cached).read_text()

    def _check_room(self, need: int, count: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if need > free:
            raise StorageError(
                f"{self.folder}: decoding {count} images needs {need / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free; "
                "free some space, or set data.cache_dir to another disk"
            )
        if need > 1e8:
            print(f"decoding {count} images once into {self.folder}: {need / 1e9:.1f} GB of {free / 1e9:.0f} GB free")

    def read(self, file: Path) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
        """The samples of a file in the kind's type, which pixels have data (None: all), and what was dropped or changed."""
        return *self.kind.read_valid(file), self.kind.not_used(file)

    def size_of(self, file: Path) -> int:
        """Bytes of a file's samples in the store."""
        h, w = image.size(file)
        return self.kind.bands * np.dtype(self.kind.dtype).itemsize * h * w + HEADER

    def _bytes(self, file: Path) -> int:
        """The same; 0 if the file cannot be read, which decoding will report."""
        try:
            return self.size_of(file)
        except (InputError, MissingError):
            return 0

    def _store(self, file: Path, cached: Path) -> None:
        try:
            pixels, valid, notes = self.read(file)
        except (InputError, MissingError) as error:
            self._failed(cached, error)
            return
        with self._writing(file, cached):
            self._save_notes(cached, notes)
            if valid is not None:
                with whole(_mask(cached)) as temporary, open(temporary, "wb") as out:
                    np.save(out, valid[..., None].astype(np.uint8))
            with whole(cached) as temporary, open(temporary, "wb") as out:
                np.save(out, pixels)

    def _failed(self, cached: Path, error: Exception) -> None:
        """A file cannot be decoded: stop, or note why for `corrupt` skip."""
        if self.corrupt == "stop":
            raise error
        _mark(cached).write_text(str(error))

    def _save_notes(self, cached: Path, notes: Sequence[str]) -> None:
        if notes:
            with whole(_note(cached)) as temporary:
                temporary.write_text(json.dumps(notes))

    @contextmanager
    def _writing(self, file: Path, cached: Path) -> Iterator[None]:
        """Context in which a decoded file is written."""
        try:
            yield
        except OSError as error:
            raise StorageError(f"{cached.parent}: cannot write the decoded {file.name} ({error.strerror or error})") from error


def _beside(files: Iterable[Path]) -> dict[Path, str]:
    """Folder -> what the percentiles of its files depend on: the files of its series, and when they changed."""
    found: dict[Path, str] = {}
    for file in files:
        if file.parent not in found and (format := rasters.find(file)):
            stats = [(other.name, other.stat()) for other in format.beside(file)]
            found[file.parent] = "|".join(f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in stats)
    return found


def _name(file: Path, beside: str = "") -> str:
    there = rasters.on_disk(file)
    try:
        status = there.stat()
    except OSError:  # a broken link, which decoding will report
        status = there.lstat()
    version = f"{_VERSION}|raster" if rasters.find(file) else _VERSION  # version 2 had no masks
    key = f"{version}|{os.path.realpath(file)}|{status.st_size}|{status.st_mtime_ns}|{os.access(there, os.R_OK)}"
    key += f"|{beside}" if beside else ""
    # fsencode: names need not be UTF-8. Truncated, because a name may have at most 255 bytes, up to four per letter.
    return f"{file.stem[:50]}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.npy"


def _mark(cached: Path) -> Path:
    """The file that says why an image could not be decoded."""
    return cached.with_suffix(".corrupt")


def _mask(cached: Path) -> Path:
    """The file that says where an image has data, if not everywhere."""
    return cached.with_suffix(".mask.npy")


def _note(cached: Path) -> Path:
    """The file that says what was dropped or changed in an image, if anything."""
    return cached.with_suffix(".note")


def decoded(hr: Any, lr: Store | None, held: Collection[Path] = ()) -> tuple[Any, Store | None]:
    """The images, and their partners, without those that could not be decoded or are held out for validation."""
    if not isinstance(hr, Store):
        return hr, lr
    usable = hr.decoded() if lr is None else [a and b for a, b in zip(hr.decoded(), lr.decoded(), strict=True)]
    if not any(usable):
        raise InputError(f"{hr.files[0].parent}: none of the {len(hr)} images can be decoded")
    usable = [decoded and file not in held for decoded, file in zip(usable, hr.files, strict=True)]
    if not any(usable):
        raise InputError(f"{hr.files[0].parent}: all decodable images are held out for validation; pass validation=[]")
    return hr.keep(usable), lr and lr.keep(usable)


def folder_name(files: Sequence[Path]) -> str:
    """The cache folder of a set of files: the name of their folder, and a hash of its path."""
    parents = sorted({os.path.dirname(os.path.realpath(file)) for file in files})
    return f"{files[0].parent.name[:50]}-{hashlib.sha256(os.fsencode('|'.join(parents))).hexdigest()[:12]}"
