"""Decode once: every image of a training set as uint8 in a memory-mapped file; afterwards a patch is a slice.

One `.npy` file an image, named by the image's path, size and modification time. So a killed build goes on where it
stopped, a changed image is redone alone, and what is no longer wanted is removed.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from sr import image

_HEADER = 128  # bytes of a version 1 .npy header


class Store:
    """Images of one set, index -> (H, W, 3) uint8, memory-mapped, read only.

    Args:
        files: the images, in the order of their index.
        folder: where the decoded files lie; one folder for one set.
    """

    def __init__(self, files: Sequence[Path], folder: Path) -> None:
        self.files = list(files)
        self.folder = Path(folder)
        self.cached = [self.folder / _name(file) for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> np.ndarray:
        return _open(self.cached[index])

    def build(self, progress: bool = True) -> None:
        """Decode what is not decoded yet, in parallel; several processes may call it at once, one of them works.

        Raises:
            ValueError: an image cannot be decoded (one line naming the file).
            OSError: the disk is full or not writable (one line naming the folder and the room needed).
        """
        if not self._missing():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "build.lock"):
            missing = self._missing()
            self._check_room(missing)
            with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow releases the GIL while it decodes
                jobs = pool.map(_decode, *zip(*missing, strict=True)) if missing else []
                show = progress and len(missing) > 50
                for _ in tqdm(jobs, "decoding images", len(missing), unit="image", disable=not show, leave=False):
                    pass
            wanted = {file.name for file in self.cached}
            for file in self.folder.iterdir():
                if file.name not in wanted and file.name != "build.lock":
                    file.unlink()

    def _missing(self) -> list[tuple[Path, Path]]:
        there = {entry.name for entry in os.scandir(self.folder)} if self.folder.is_dir() else set()
        return [(file, cached) for file, cached in zip(self.files, self.cached, strict=True) if cached.name not in there]

    def _check_room(self, missing: list[tuple[Path, Path]]) -> None:
        need = 0
        for file, _ in missing:
            h, w = image.size(file)
            need += 3 * h * w + _HEADER
        free = shutil.disk_usage(self.folder).free
        if need > free:
            raise OSError(
                f"{self.folder}: decoding {len(missing)} images needs {need / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
                "make room or set data.cache_dir to another disk"
            )
        if need > 1e9:
            print(f"decoding {len(missing)} images once into {self.folder}: {need / 1e9:.1f} GB")


@lru_cache(maxsize=4096)
def _open(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r").view(np.ndarray)  # slicing np.memmap itself costs 30 us, as much as all the rest


def _name(file: Path) -> str:
    status = file.stat()
    key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    return f"{file.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"


def _decode(file: Path, cached: Path) -> None:
    pixels = image.read_rgb8(file)
    temporary = cached.with_suffix(f".{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as out:
            np.save(out, pixels)
        os.replace(temporary, cached)
    except OSError as error:
        raise OSError(f"{cached.parent}: cannot write the decoded {file.name} ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)
