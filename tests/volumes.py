"""Real volumes for tests: parts of brain MRI, as arrays and as files."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

FOLDER = "domains/medical/volumes"


def brain(data: Path, sizes: tuple[int, int, int] = (32, 36, 40)) -> Tensor:
    """A part of the ICBM152 template (1, 1, D, H, W) in [0, 1], from the middle of the head."""
    voxels = _brain(data)
    starts = [(length - size) // 2 for length, size in zip(voxels.shape, sizes, strict=True)]
    part = voxels[tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))]
    return torch.from_numpy(part.astype(np.float32) / 255)[None, None]


@cache
def _brain(data: Path) -> np.ndarray:
    """(D, H, W) uint8."""
    nibabel = pytest.importorskip("nibabel", reason='needs pip install ".[medical]"')
    if not (data / FOLDER).is_dir():
        pytest.skip(f"no folder {data / FOLDER}")
    image = nibabel.load(data / FOLDER / "mni_icbm152_t1.nii.gz")
    return np.asanyarray(image.dataobj).transpose(2, 1, 0)


def write_brain(data: Path, file: Path, sizes: tuple[int, int, int] = (32, 36, 40), spacing=(1.0, 1.0, 1.0)) -> Path:
    """That part as int16 NIfTI with a scaling, an oblique affine and `spacing` mm along the file's x, y, z; D is z."""
    import nibabel

    values = np.rint(brain(data, sizes)[0, 0].numpy().transpose(2, 1, 0) * 1000).astype(np.int16)
    angle = np.deg2rad(10)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * np.asarray(spacing), (-31.5, 12.25, 7.0)
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_slope_inter(0.5, 3.0)
    image.set_qform(affine, 1)
    image.set_sform(affine, 2)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(file)
    return file
