"""DICOM files for tests: those in pydicom's wheel, and others made of arrays."""

from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

NAME, PATIENT = "Quuxworth^Zyxophila", "PID-90210-7731"
ROOT = "1.2.826.0.1.3680043.8.498.4711"  # of UIDs
TURNED = (1, 0, 0, 0, 0.8, -0.6)  # rows along x, columns in the y-z plane
NORMAL = np.cross(TURNED[:3], TURNED[3:])


def real(name: str) -> Path:
    """A file in pydicom's wheel."""
    return Path(get_testdata_file(name, download=False) or pytest.skip(f"pydicom has no {name}"))


def written(file: Path, samples: np.ndarray, bits: int = 16, position: float = 0.0, **elements: Any) -> Path:
    """A slice of samples (H, W), as int16 or uint16, at `position` mm along the normal; other elements by their keywords."""
    ds = pydicom.Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"{ROOT}.3.{crc32(file.stem.encode())}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = (f"{ROOT}.{n}" for n in (1, 2, 4))
    ds.PatientName, ds.PatientID, ds.Modality = NAME, PATIENT, "CT"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient = [f"{value:.6f}" for value in (-10, 20, 5) + position * NORMAL]
    ds.ImageOrientationPatient, ds.PixelSpacing, ds.SliceThickness = list(TURNED), [0.7, 0.5], 2
    ds.RescaleSlope, ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 1, 0, 40, 400
    ds.Rows, ds.Columns = samples.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits, bits - 1
    ds.PixelRepresentation = int(samples.dtype == np.int16)
    ds.PixelData = samples.tobytes()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(file, ds, enforce_file_format=True)
    return file


def series(folder: Path, count: int, name: str = "s", spacing: float = 2.0, side: int = 40, **elements: Any) -> list[Path]:
    """Slices of a smooth object, named against their order."""
    y, x = np.mgrid[:side, :side] / side
    files = []
    for n in range(count):
        samples = (1000 * np.sin(9 * x + n / 3) * np.cos(7 * y)).astype(np.int16)
        files.append(written(folder / f"{name}{count - n:03d}.dcm", samples, position=n * spacing, **elements))
    return files
