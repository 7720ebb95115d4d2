"""Writes an enlarged DICOM file: the header of its source with the geometry of the new grid. Only for `sr/image/dicom.py`."""

import copy
import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from sr.image.writer import StripWriter

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_OUTDATED = ("SmallestImagePixelValue", "LargestImagePixelValue", "IconImageSequence", "SequenceOfUltrasoundRegions")
_PIXELS = 0x7FE00010  # the tag of the pixels; what follows belongs to them
_LONGEST = 2**32 - 2  # bytes of the pixels


class DICOMWriter(StripWriter):
    """An enlarged DICOM file, uncompressed (Explicit VR Little Endian), written row by row.

    Kept: patient, study, equipment, frame of reference, rescale slope and intercept, windows, padding, private elements.
    Changed (PS3.3, C.7.6.1 to C.7.6.3): Rows, Columns, pixel spacings, ImagePositionPatient (the centre of the first pixel),
    also of each frame; ImageType DERIVED, SECONDARY; SourceImageSequence names the source. SOPInstanceUID is a hash of the
    source's and the samples, so the same result has the same one; results of one series are one new series, whose UID is a
    hash of the old one and the new size.

    Args:
        path: of the result.
        source: the open `sr.image.dicom.DICOM` that was enlarged.
        size: planes, height and width of the result.

    Raises:
        InputError: more than 4 GiB of pixels.
    """

    def __init__(self, path: Path, source: Any, size: tuple[int, int, int]) -> None:
        super().__init__(path, size[0] * size[1])
        self.size, self.values = size, source.values
        self._length = int(np.prod(size, dtype=object)) * source.shape[2] * source.values.allocated // 8
        if self._length > _LONGEST:
            self._refuse(f"{self._length / 2**30:.1f} GiB of pixels, but DICOM allows 4: pass its frames one by one")
        self._source = str(source.header.get("SOPInstanceUID", ""))
        self._draft = uid("draft", self._source)  # has the length of the final one
        self._header = _written(_enlarged(source, size, self._draft))
        self._hash = hashlib.sha256(self._source.encode())

    def begin(self, temporary: Path) -> None:
        kind = b"OB" if self.values.allocated == 8 else b"OW"
        self._file = open(temporary, "wb")  # noqa: SIM115  stays open after this call
        self._file.write(self._header)
        self._file.write(b"\xe0\x7f\x10\x00" + kind + b"\0\0" + (self._length + self._length % 2).to_bytes(4, "little"))

    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        stored = self.values.encoded(samples, self._done // self.size[1], valid).tobytes()
        self._hash.update(stored)
        self._file.write(stored)

    def end(self) -> None:
        self._file.write(b"\0" * (self._length % 2))
        self._file.seek(0)
        self._file.write(self._header.replace(self._draft.encode(), uid(self._hash.hexdigest()).encode()))
        self._file.close()

    def drop(self) -> None:
        self._file.close()


def lost(header: Any) -> dict[str, str]:
    """What an enlarged file does not keep, in a few words -> what to say."""
    said, syntax = {}, header.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        said["compression"] = f"its compression ({syntax.name}) is not kept: samples are stored as they are"
    if any(_is_overlay(element.tag) for element in header):
        said["overlays"] = "its overlays are not kept"
    if "SequenceOfUltrasoundRegions" in header:
        said["ultrasound regions"] = "its calibrated ultrasound regions are not kept"
    if any(header.get(name) is not None and len(header[name].value) != 2 for name in _SPACINGS if _several(header, name)):
        said["pixel spacing"] = "its pixel spacing is not two numbers and is not kept"
    return said


def uid(*parts: str) -> str:
    """A UID that depends on the parts alone, below 2.25 (UUIDs as numbers; PS3.5, B.2); always of 43 characters."""
    number = int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest(), "big")
    return f"2.25.{10**37 + number % (9 * 10**37)}"


def _enlarged(source: Any, size: tuple[int, int, int], instance: str) -> Any:
    """The header of the result."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    made, (height, width, bands) = copy.deepcopy(source.header), source.shape
    for tag in [tag for tag in made.keys() if _is_overlay(tag) or tag >= _PIXELS]:  # noqa: SIM118  iterating gives elements
        del made[tag]
    for name in _OUTDATED:
        made.pop(name, None)
    _scale(made, (size[1] / height, size[2] / width))
    made.Rows, made.Columns = size[1:]
    if bands == 3:
        made.PhotometricInterpretation, made.PlanarConfiguration, made.SamplesPerPixel = "RGB", 0, 3
    kind = made.get("ImageType") or []
    made.ImageType = ["DERIVED", "SECONDARY", *([] if isinstance(kind, str) else kind[2:])]
    told = f"Super-resolution from {width}x{height} to {size[2]}x{size[1]} pixels"
    made.DerivationDescription = "; ".join(filter(None, [str(made.get("DerivationDescription") or ""), told]))
    if made.get("SOPInstanceUID") and made.get("SOPClassUID"):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
        made.SourceImageSequence = Sequence([item])
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = instance
    if made.get("SeriesInstanceUID"):
        made.SeriesInstanceUID = uid(str(made.SeriesInstanceUID), f"{size[1]}x{size[2]}")
    return made


def _scale(header: Any, ratio: tuple[float, float]) -> None:
    """The geometry of a grid with more rows and columns, in place; positions first, because they need the old spacing."""
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])[:1]
    every = [header, *shared, *(header.get("PerFrameFunctionalGroupsSequence") or [])]
    for group in every:
        found = [group, *shared, header]
        spacing = _first(found, "PixelMeasuresSequence", "PixelSpacing")
        directions = _first(found, "PlaneOrientationSequence", "ImageOrientationPatient")
        for item in [group, *(group.get("PlanePositionSequence") or [])]:
            _move(item, directions, spacing, ratio)
    for group in every:
        for item in [group, *(group.get("PixelMeasuresSequence") or [])]:
            for name in _SPACINGS:
                if _several(item, name) and len(item[name].value) == 2:
                    setattr(item, name, [_number(float(old) / by) for old, by in zip(item[name].value, ratio, strict=True)])
                elif name in item:
                    del item[name]


def _move(item: Any, directions: Any, spacing: Any, ratio: tuple[float, float]) -> None:
    """ImagePositionPatient of the new first pixel, whose centre is nearer to the corner than that of the old one."""
    if item.get("ImagePositionPatient") is None or directions is None or spacing is None or len(spacing) != 2:
        return
    along = np.array(directions, float).reshape(2, 3)  # of a row, that is from column to column; of a column
    rows, columns = (distance * (0.5 / by - 0.5) for distance, by in zip(map(float, spacing), ratio, strict=True))
    moved = np.array(item.ImagePositionPatient, float) + along[0] * columns + along[1] * rows
    item.ImagePositionPatient = [_number(value) for value in moved]


def _first(found: list[Any], sequence: str, name: str) -> Any:
    """The first value of an attribute in the groups of a frame."""
    items = (item for group in found for item in (group, *(group.get(sequence) or [])))
    return next((item[name].value for item in items if item.get(name)), None)


def _several(item: Any, name: str) -> bool:
    return item.get(name) is not None and not isinstance(item[name].value, str | float)


def _number(value: float) -> Any:
    """A number as DICOM's decimal string, of at most 16 characters."""
    from pydicom.valuerep import DS

    return DS(float(value), auto_format=True)


def _is_overlay(tag: Any) -> bool:
    """Whether an element is part of an overlay, or of a curve, which DICOM had before 2004."""
    return tag.group & 0xFF00 in (0x5000, 0x6000)


def _written(header: Any) -> bytes:
    """A header as a DICOM file without pixels."""
    from pydicom import dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian

    for _ in header.iterall():  # decodes all elements, which may have the other order of bytes
        pass
    header.preamble = b"\0" * 128  # that of the source may be the header of a TIFF
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    dcmwrite(out, header, enforce_file_format=True)
    return out.getvalue()
