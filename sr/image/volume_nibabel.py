"""NIfTI and MGH volumes by nibabel, with their affine, type and scaling."""

from pathlib import Path
from typing import Any

import numpy as np

from sr.errors import InputError
from sr.functional.axes import Factors

EXTENSIONS = (".nii.gz", ".nii", ".mgz", ".mgh")


def _library() -> Any:
    try:
        import nibabel
    except ImportError:
        raise InputError('NIfTI and MGH files need nibabel: pip install ".[medical]"') from None
    return nibabel


def read(path: Path) -> tuple[np.ndarray, float, float, tuple[float, ...], Any]:
    """Stored array in the file's axes, slope, intercept, spacing in mm, and nibabel's image."""
    image = _library().load(path)
    data = image.dataobj
    slope, inter = float(getattr(data, "slope", 1.0)), float(getattr(data, "inter", 0.0))
    array = np.asanyarray(data.get_unscaled() if hasattr(data, "get_unscaled") else data)
    forms = [getattr(image, f"get_{name}")(coded=True)[0] for name in ("sform", "qform") if hasattr(image, f"get_{name}")]
    for form in (image.affine, *(form for form in forms if form is not None)):
        if not np.isfinite(form).all() or np.linalg.det(form[:3, :3]) == 0:
            raise InputError(f"{path}: its affine does not place voxels in space (zeros, NaN, infinite): correct it first")
    zooms = tuple(float(mm) for mm in np.sqrt((image.affine[:3, :3] ** 2).sum(0)))  # an sform counts more than pixdim
    return array, slope, inter, zooms, image


def write(path: Path, voxels: np.ndarray, source: Any, factors: Factors, scaling: tuple[float, float]) -> None:
    """Write stored voxels, in the file's axes, with the affine of `source` divided by `factors`."""
    affine = divided(source.affine, factors)
    header = source.header.copy()
    header.set_data_dtype(voxels.dtype)
    image = type(source)(voxels, affine, header)
    if hasattr(header, "set_slope_inter"):
        image.header.set_slope_inter(*scaling)  # nibabel then writes the voxels as they are
    if hasattr(header, "get_qform"):  # both forms keep their meaning; a file without either still does not say left from right
        for name in ("sform", "qform"):
            form, code = getattr(source, f"get_{name}")(coded=True)
            getattr(image, f"set_{name}")(None if form is None else divided(form, factors), code)
    image.to_filename(path)


def divided(affine: np.ndarray, factors: Factors) -> np.ndarray:
    """The affine of voxels that divide those of `affine` by `factors`; centres keep their places in the world."""
    made = affine.astype(np.float64).copy()
    made[:3, :3] = affine[:3, :3] / np.asarray(factors, dtype=np.float64)
    made[:3, 3] = affine[:3, 3] + affine[:3, :3] @ (0.5 / np.asarray(factors, dtype=np.float64) - 0.5)
    return made
