"""Volume files: read as (D, H, W), and written with the geometry of the file that they were made from.

.npy by NumPy; .nii, .nii.gz, .mgz and .mgh by nibabel; .nrrd and .mha by SimpleITK (both: `pip install ".[medical]"`).

D is the axis of the slices: the one with the largest distance between voxels, the file's last axis where several have it. H
and W are the others in reverse order, so that an axial volume stored as (x, y, z) becomes (z, y, x).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sr.errors import InputError, MissingError, first_line
from sr.files import matching, whole
from sr.functional.axes import Factors, text
from sr.image import volume_nibabel, volume_simpleitk
from sr.image.raster import extension

READERS = {ending: library for library in (volume_nibabel, volume_simpleitk) for ending in library.EXTENSIONS}
EXTENSIONS = (".npy", *READERS)
CUBES = 1.05  # distances that differ by less count as equal: scanners' 0.977 and 1.003 mm


@dataclass(frozen=True)
class Volume:
    """A volume as its file has it.

    Args:
        voxels: (D, H, W) in the stored type; a value is `slope` * voxel + `inter`.
        spacing: mm between voxels along D, H, W; None: the file does not say.
        axes: the file's axis of D, H and W.
        source: what the library needs to write a file of the same kind; None for .npy.
    """

    path: Path
    voxels: np.ndarray
    slope: float
    inter: float
    spacing: tuple[float, float, float] | None
    axes: tuple[int, int, int]
    source: Any = None

    def values(self) -> np.ndarray:
        """(D, H, W) float32. InputError: NaN or infinite values."""
        values = self.voxels.astype(np.float32)
        if (self.slope, self.inter) != (1.0, 0.0):
            values = values * np.float32(self.slope) + np.float32(self.inter)
        if bad := int((~np.isfinite(values)).sum()):
            raise InputError(f"{self.path}: {bad} of {values.size} voxels are NaN or infinite: replace them first")
        return np.ascontiguousarray(values)

    def cubes(self) -> bool:
        """Whether voxels are cubes, as far as the file says."""
        return self.spacing is None or max(self.spacing) <= CUBES * min(self.spacing)

    def stored(self, values: np.ndarray) -> np.ndarray:
        """Values (D, H, W) -> voxels of the stored type: integers are rounded and clipped to its range."""
        voxels = (values.astype(np.float64) - self.inter) / self.slope
        if self.voxels.dtype.kind in "iu":
            limits = np.iinfo(self.voxels.dtype)
            voxels = np.clip(np.rint(voxels), limits.min, limits.max)
        return voxels.astype(self.voxels.dtype)


def stem(path: Path) -> str:
    """The name without that ending."""
    return path.name[: len(path.name) - len(extension(path))] or path.name


def list_volumes(folder: Path) -> list[Path]:
    """The volume files below a folder, sorted."""
    return sorted(file for file in folder.rglob("*") if extension(file) in EXTENSIONS and not file.name.startswith("."))


def found(sources: str | Path | Iterable[str | Path], key: str) -> list[Path]:
    """The files of a folder, a file, a glob pattern, or a list of these.

    Raises:
        MissingError: there are none; the line names the config `key`.
    """
    entries = [sources] if isinstance(sources, str | Path) else list(sources)
    files: list[Path] = []
    for entry in map(lambda one: Path(one).expanduser(), entries):
        if entry.exists():
            inside = list_volumes(entry) if entry.is_dir() else [entry]
        elif (pattern := matching(entry)) is None:
            raise MissingError(f"{key}: no such file or folder: {entry}")
        else:
            inside = [file for file in pattern[1] if extension(file) in EXTENSIONS]
        if not inside:
            raise MissingError(f"{key}: no volumes in {entry}: looked for {', '.join(EXTENSIONS)}")
        files += inside
    if not files:
        raise MissingError(f"{key}={sources}: pass a folder of volumes, a file or a list of files")
    return files


def read_volume(path: str | Path) -> Volume:
    """Read a file.

    Raises:
        MissingError: it does not exist. InputError: an unknown format, a missing library, not one volume of real numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"no such file: {path}")
    if (ending := extension(path)) not in EXTENSIONS:
        raise InputError(f"{path}: not a volume format: choose one of {', '.join(EXTENSIONS)}")
    if ending == ".npy":
        array, slope, inter, spacing, source = _npy(path), 1.0, 0.0, None, None
    else:
        try:
            array, slope, inter, spacing, source = READERS[ending].read(path)
        except InputError:
            raise
        except Exception as error:  # each library has its own errors for damaged files
            raise InputError(f"{path}: cannot be read ({first_line(error)})") from None
    array = _single(array, path)
    if spacing is not None and not all(0 < mm < float("inf") for mm in spacing):
        raise InputError(f"{path}: voxels of {text([float(mm) for mm in spacing])} mm: correct the header first")
    axes = (0, 1, 2) if spacing is None else _axes(spacing)
    ordered = None if spacing is None else tuple(float(spacing[axis]) for axis in axes)
    return Volume(path, array.transpose(axes), slope, inter, ordered, axes, source)


def write_volume(path: str | Path, values: np.ndarray, source: Volume, factors: Factors) -> None:
    """Write values (fD, fH, fW) as a file of the kind and type of `source`, whose voxels they divide by `factors`.

    The affine (origin, spacing, direction) is scaled so that the centre of a voxel keeps its place in the world: HR voxel i
    lies at (i + 0.5) / f - 0.5 of the source.
    """
    with whole(path) as temporary:
        save_volume(temporary, extension(path), source.stored(values), source, factors)


def save_volume(path: Path, ending: str, voxels: np.ndarray, source: Volume, factors: Sequence[float]) -> None:
    """Write voxels (fD, fH, fW) of the stored type to a file of any name, in the format of this ending, as `write_volume`."""
    back = tuple(np.argsort(source.axes))  # from (D, H, W) to the file's axes
    voxels = np.ascontiguousarray(voxels.transpose(back))
    named = path.with_name(path.name + ending)  # libraries choose the format by the ending
    try:
        if ending == ".npy":
            np.save(named, voxels)
        else:
            by = tuple(factors[axis] for axis in back)
            READERS[ending].write(named, voxels, source.source, by, (source.slope, source.inter))
        named.replace(path)
    finally:
        named.unlink(missing_ok=True)


def _npy(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path}: not a NumPy array, or truncated ({first_line(error)})") from None


def _single(array: np.ndarray, path: Path) -> np.ndarray:
    """(A, B, C). InputError: more or fewer dimensions, or voxels that are not real numbers."""
    if array.dtype.kind not in "iuf":
        raise InputError(f"{path}: voxels are {array.dtype}: volumes of real numbers are supported")
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        what = "split it into volumes first" if array.ndim > 3 else "a volume has three dimensions"
        raise InputError(f"{path}: {array.ndim} dimensions, {text(array.shape)}: {what}")
    if 0 in array.shape:
        raise InputError(f"{path}: no voxels, {text(array.shape)}")
    return array


def _axes(spacing: Iterable[float]) -> tuple[int, int, int]:
    """The file's axis of D, H, W: see the top of this file."""
    spacing = list(spacing)
    slices = max(range(3), key=lambda axis: (spacing[axis] > max(spacing) / CUBES, axis))
    return (slices, *(axis for axis in (2, 1, 0) if axis != slices))
