"""`benchmark=[degraded]`: any folder of HR, with LR made once by the run's degradation: it scores blind SR on its own task."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor
from tqdm import tqdm

from sr.benchmark.pairs import Benchmark
from sr.benchmark.record import check_expected, check_same, lr_record
from sr.data.hold_out import draws
from sr.data.source.folder import not_found
from sr.data.source.sample import Sample
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError, MissingError, StorageError
from sr.files import digest, whole
from sr.image.kind import PHOTO, Kind
from sr.image.writer import Writer

_RECORD = "degraded.json"


class Degraded(Benchmark):
    """HR of a folder, and LR that `prepare` makes of each whole image, on the CPU, and keeps.

    The random numbers of an image depend on its name and on `seed` alone, not on the run's seed. HR is the file as it is, even
    where the degradation sharpens HR before it makes LR: so Real-ESRGAN's authors evaluate (arXiv:2107.10833, section 4).

    Args:
        name, hr, scale, n_images, url, kind: as of Benchmark.
        degradation: the pipeline that makes LR.
        cache_dir: LR goes to a folder below it, `degraded/NAME-HASH`; runs of one pipeline, seed and HR share it.
        seed: of the random numbers.
        stored: a folder that was made so before, such as one of another machine, instead of that in `cache_dir`.
        expected: the `record` of the LR that has to be used, as a checkpoint has it; None: any.

    Raises:
        InputError: from `prepare`, where `stored` or `expected` is LR of another pipeline, seed or HR.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sample,
        scale: int,
        degradation: Pipeline,
        cache_dir: str | Path,
        seed: int = 0,
        stored: str | Path | None = None,
        expected: Mapping[str, Any] | None = None,
        n_images: int | None = None,
        url: str | None = None,
        kind: Kind = PHOTO,
    ) -> None:
        super().__init__(name, hr, scale, None, n_images, url, kind)
        if degradation.degradation.idle:
            raise InputError(f"benchmark {name}: degradation=[{degradation.name}] changes nothing at scale=1: LR would be HR")
        if stored == "" or cache_dir == "":  # Path("") would be the working folder
            key, remedy = ("stored", "null, or a folder of LR that was made before") if stored == "" else ("cache_dir", "DIR")
            raise InputError(f"benchmark {name}: {key} is empty: pass benchmark.{name}.{key}={remedy}")
        self.degradation, self.cache_dir, self.seed, self.expected = degradation, Path(cache_dir).expanduser(), seed, expected
        self.stored = None if stored is None else Path(stored).expanduser()

    @cached_property
    def record(self) -> dict[str, Any]:
        """What made LR, of what; plain values. Two results are of the same task where "hash" is the same."""
        files = [(name, file) for name, (file, _) in zip(self.names, self.sources, strict=True)]
        return lr_record(self.degradation, self.seed, files, "HR as in the file", self.kind.name)

    @property
    def folder(self) -> Path:
        """The folder of the LR files."""
        name = self.degradation.name[:50].replace(",", "+")  # a comma means a list on a command line
        return self.stored or self.cache_dir / "degraded" / f"{name}-{self.record['hash']}"

    def _not_found(self) -> MissingError:
        return not_found(self.name, self.hr, self.url, in_data_dir=self.hr.is_relative_to(self.cache_dir.parent))

    @cached_property
    def sources(self) -> list[tuple[Path, None]]:
        """(HR file, None) of each image."""
        return self._found()

    @cached_property
    def pairs(self) -> list[tuple[Path, Path]]:
        """(HR file, LR file) of each image; LR exists after `prepare`."""
        return [(hr, self.folder / "lr" / f"{name}.png") for name, (hr, _) in zip(self.names, self.sources, strict=True)]

    @cached_property
    def names(self) -> list[str]:
        return self._names([hr for hr, _ in self.sources])

    def prepare(self) -> None:
        """Make LR where it is not there; several processes may do so at once. Then look the set through, as Benchmark does."""
        check_expected(self.name, self.record, self.expected)
        if self.stored is not None:
            stored = f"benchmark.{self.name}.stored"
            check_same(self.name, self.record, _read(self.stored), f"{self.stored} is other LR", stored)
        elif not (self.folder / _RECORD).is_file():
            self._make()
        self._check_files(_read(self.folder))
        super().prepare()

    def _check_files(self, record: Mapping[str, Any]) -> None:
        """The LR files are those that were made: another file of the same size would be scored without an error."""
        for _, file in self.pairs:
            if not file.is_file() or record.get("lr", {}).get(file.name) != digest(file):
                remedy = (
                    f"pass benchmark.{self.name}.stored=null" if self.stored else f"remove {self.folder}, and LR is made again"
                )
                raise InputError(f"{file}: missing, or not the LR that was made here by {self.degradation.name}: {remedy}")

    def _make(self) -> None:
        """All of LR under a temporary name, and then its own. What a killed process left of it is removed."""
        folder = self.folder
        temporary, lock = folder.with_name(f".{folder.name}.tmp"), folder.with_name(f"{folder.name}.lock")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock):
                if not (folder / _RECORD).is_file():
                    shutil.rmtree(temporary, ignore_errors=True)  # only the holder of the lock writes there
                    try:
                        self._write(temporary)
                        shutil.rmtree(folder, ignore_errors=True)  # without a record: LR of which nothing is known
                        temporary.rename(folder)
                    finally:
                        shutil.rmtree(temporary, ignore_errors=True)
                with suppress(OSError):  # LR is there: who waits for the lock, or makes a new one, has nothing to make
                    lock.unlink()
        except OSError as error:
            if error.errno is None or isinstance(error, StorageError):
                raise
            raise StorageError(f"{folder}: LR of benchmark {self.name} cannot be kept there ({error.strerror})") from None

    def _write(self, folder: Path) -> None:
        show = tqdm(self.sources, f"LR of {self.name} by {self.degradation.name}", leave=False, disable=len(self.sources) < 20)
        for index, _ in enumerate(show):
            pixels = self.made(index).permute(1, 2, 0).contiguous().numpy()
            with Writer(folder / "lr" / f"{self.names[index]}.png", pixels.shape, pixels.dtype) as writer:
                writer.write(pixels)
        with whole(folder / _RECORD) as temporary:
            files = {file.name: digest(file) for file in sorted((folder / "lr").iterdir())}
            temporary.write_text(json.dumps({**self.record, "lr": files}, indent=1) + "\n")
        print(f"{self.name}: LR of {len(self.sources)} images made by {self.degradation.name} into {self.folder}")

    def made(self, index: int) -> Tensor:
        """LR of an image (C, h, w), of the kind's type, made anew."""
        file = self.sources[index][0]
        hr = self.hr_of(file)
        try:
            with torch.no_grad():
                lr = self.degradation.degradation(self.kind.scaled(hr)[None], self._drawn(index))[0]
        except InputError as error:  # such as an image that is smaller than a kernel
            raise InputError(f"benchmark {self.name}: {file}: {error}") from None
        return self.kind.to_stored(lr)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """As of Benchmark, with the further keys of the degradation."""
        told = self.degradation.degradation.told(self._drawn(index), torch.device("cpu"))
        return {**{key: value[0] for key, value in told.items()}, **super().__getitem__(index)}

    def _drawn(self, index: int) -> dict[str, Any]:
        return self.degradation.degradation.sample(draws(self.seed, self.names[index], "degraded"))


def _read(folder: Path) -> dict[str, Any]:
    file = folder / _RECORD
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict):
        raise InputError(f"{folder}: not LR that benchmark=[degraded] has made: there is no readable {file.name} in it")
    return record
