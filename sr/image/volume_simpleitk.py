"""NRRD and MetaImage volumes by SimpleITK, with origin, spacing, direction, type and metadata."""

import errno
import re
from pathlib import Path
from typing import Any

import numpy as np

from sr.errors import InputError
from sr.functional.axes import Factors

EXTENSIONS = (".nrrd", ".mha")  # one file a volume; .nhdr and .mhd name a second one
# The line of a header that names other files, and its only value for voxels in the same file.
_ELSEWHERE = re.compile(rb"^\s*(?:data ?file\s*:|ElementDataFile\s*=(?!\s*LOCAL\s*$))", re.IGNORECASE | re.MULTILINE)
_HEADER = 2**20  # most bytes of a header that are looked at


def _library() -> Any:
    try:
        import SimpleITK
    except ImportError:
        raise InputError('NRRD and MetaImage files need SimpleITK: pip install ".[medical]"') from None
    return SimpleITK


def read(path: Path) -> tuple[np.ndarray, float, float, tuple[float, ...], Any]:
    """Stored array (x, y, z), slope 1, intercept 0, spacing in mm, and SimpleITK's image."""
    itk = _library()
    _check_whole(path)
    image = itk.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: {image.GetNumberOfComponentsPerPixel()} values per voxel: volumes of one band are supported")
    array = itk.GetArrayFromImage(image)
    return array.transpose(tuple(reversed(range(array.ndim)))), 1.0, 0.0, image.GetSpacing(), image


def _check_whole(path: Path) -> None:
    """InputError: the header names other files, any on this machine, as the place of the voxels."""
    with open(path, "rb") as file:
        header = file.read(_HEADER)
    # A NRRD header ends with an empty line, one of MetaImage with the line that says where the voxels are.
    ends = rb"\r?\n\r?\n" if path.suffix.lower() == ".nrrd" else rb"ElementDataFile[^\n]*\n"
    end = re.search(ends, header)
    if end is None or _ELSEWHERE.search(header[: end.end()].replace(b"\r", b"")):
        raise InputError(f"{path}: its header names another file for the voxels, or has no end: save it as one file")


def write(path: Path, voxels: np.ndarray, source: Any, factors: Factors, scaling: tuple[float, float]) -> None:
    """Write voxels (x, y, z) with the geometry of `source` divided by `factors`."""
    itk = _library()
    image = itk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    image.SetSpacing([spacing / f for spacing, f in zip(source.GetSpacing(), factors, strict=True)])
    image.SetDirection(source.GetDirection())
    image.SetOrigin(source.TransformContinuousIndexToPhysicalPoint([0.5 / f - 0.5 for f in factors]))
    for key in source.GetMetaDataKeys():
        image.SetMetaData(key, source.GetMetaData(key))
    try:
        itk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:  # it does not say which error of the system it was
        raise OSError(errno.EIO, "SimpleITK could not write (is the disk full?)") from error
