"""Real images that are not RGB pictures: clips, gray photos, six bands of a satellite; on the uint8 grid, in [0, 1]."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor


def clips(data: Path, frames: int = 3) -> Tensor:
    """Two clips of Vid4 (2, T, 3, 96, 120), the middle of city and of walk."""
    folder = _folder(data, "domains/video/vid4")
    files = [sorted((folder / name).glob("*.png"))[:frames] for name in ("city", "walk")]
    pixels = np.stack([[np.asarray(Image.open(file).convert("RGB"))[200:296, 240:360] for file in clip] for clip in files])
    return torch.from_numpy(pixels).permute(0, 1, 4, 2, 3) / 255


def gray(data: Path) -> Tensor:
    """A gray photo of Set12 (1, 1, 120, 120)."""
    image = Image.open(_folder(data, "domains/photos/set12") / "01.png")
    assert image.mode == "L"
    return torch.from_numpy(np.asarray(image)[60:180, 70:190].copy())[None, None] / 255


def six_bands(data: Path) -> Tensor:
    """A tile of Sentinel-2 (1, 6, 120, 120), its reflectances of 0 to 0.5 in 256 levels."""
    file = _folder(data, "domains/satellite/sentinel2_20m_6band") / "s2_0000_0000.tif"
    reflectance = torch.from_numpy(tifffile.imread(file)[None, :, :120, :120] / 10_000).float()
    return (reflectance * 2 * 255).round().clamp(0, 255) / 255


def of_bands(data: Path, bands: int) -> Tensor:
    """(1, bands, 120, 120): gray, or the first bands of the satellite."""
    return gray(data) if bands == 1 else six_bands(data)[:, :bands]


def _folder(data: Path, name: str) -> Path:
    if not (data / name).is_dir():
        pytest.skip(f"no folder {data / name}")
    return data / name
