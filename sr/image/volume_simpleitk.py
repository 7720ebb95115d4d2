"""NRRD and MetaImage volumes by SimpleITK, with origin, spacing, direction, type and metadata."""

import errno
from pathlib import Path
from typing import Any

import numpy as np

from sr.errors import InputError
from sr.functional.axes import Factors

EXTENSIONS = (".nrrd", ".mha")  # one file a volume; .nhdr and .mhd name a second one


def _library() -> Any:
    try:
        import SimpleITK
    except ImportError:
        raise InputError('NRRD and MetaImage files need SimpleITK: pip install ".[medical]"') from None
    return SimpleITK


def read(path: Path) -> tuple[np.ndarray, float, float, tuple[float, ...], Any]:
    """Stored array (x, y, z), slope 1, intercept 0, spacing in mm, and SimpleITK's image."""
    itk = _library()
    image = itk.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: {image.GetNumberOfComponentsPerPixel()} values per voxel: volumes of one band are supported")
    array = itk.GetArrayFromImage(image)
    return array.transpose(tuple(reversed(range(array.ndim)))), 1.0, 0.0, image.GetSpacing(), image


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
