"""Memory maps of many files, with a bound on the memory that they occupy in a process."""

import mmap
from pathlib import Path

import numpy as np

from sr.errors import InputError

_BUDGET = 768 * 2**20  # bytes; released pages stay in the system's cache, so reading them again is cheap
_FILES = 30_000  # maps at once; Linux allows 65530 per process


class Maps:
    """Path of a .npy file -> array; it stays mapped. Pages that were read are released after every 768 MB.

    Raises InputError, naming the file, if it is damaged or gone.
    """

    def __init__(self) -> None:
        self._arrays: dict[Path, np.ndarray] = {}
        self._maps: dict[Path, mmap.mmap] = {}
        self._touched: set[Path] = set()
        self._bytes = 0

    def __getitem__(self, path: Path) -> np.ndarray:
        array = self._arrays.get(path)
        if array is None:
            array = self._open(path)
        if path not in self._touched:
            if self._bytes + array.nbytes > _BUDGET:
                self._give_back()
            self._touched.add(path)
            self._bytes += array.nbytes
        return array

    def __getstate__(self) -> dict:
        return {}  # maps cannot be sent to another process: it opens its own

    def __setstate__(self, state: dict) -> None:
        self.__init__()

    def _open(self, path: Path) -> np.ndarray:
        if len(self._arrays) >= _FILES:
            self.__init__()
        try:
            mapped = np.load(path, mmap_mode="r")
        except (
            ValueError,
            EOFError,
            OSError,
        ) as error:  # truncated by a power cut, or removed by another run whose image changed
            raise InputError(f"{path}: this decoded image is damaged or gone ({error}): delete it and run again") from error
        self._maps[path] = mapped.base
        self._arrays[path] = mapped.view(np.ndarray)  # slicing np.memmap itself takes 30 us, as much as everything else
        return self._arrays[path]

    def _give_back(self) -> None:
        for path in self._touched:
            self._maps[path].madvise(mmap.MADV_DONTNEED)
        self._touched, self._bytes = set(), 0
