"""Series of slices, DICOM files or slices of volumes: which belong together, and in which order they lie in the patient."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sr.errors import InputError
from sr.image import formats, rasters, volume_slices
from sr.image.dicom import DICOM, header
from sr.image.raster import extension

GAP = 1.5  # times the usual distance of two slices: between these one is missing
VOLUME = "volume"  # in place of a modality
SAME = 0.01  # mm: slices that are nearer lie at one place


@dataclass(frozen=True)
class Slice:
    """A file of one frame and what its header says; or a slice of a volume.

    Args:
        patient: PatientID; without one the study. Of a volume its file.
        series: SeriesInstanceUID, with the orientation, since a series may have views of several.
        position: mm along the normal of the slice; None: a projection, such as a radiograph, which has no position.
        modality: CT, MR, CR ...; VOLUME.
    """

    file: Path
    patient: str
    series: tuple[str, tuple[float, ...]]
    position: float | None
    modality: str


def is_read(path: str | Path) -> bool:
    """Whether a file of this name is a slice or a volume; other pictures too, to report them."""
    return formats.is_read(path) or extension(path) in volume_slices.EXTENSIONS


def slices_of(file: Path) -> list[Slice]:
    """The slice of a DICOM file, or those of a volume across D. Raises as `slice_of`."""
    if extension(file) not in volume_slices.EXTENSIONS:
        return [slice_of(file)]
    files, between = volume_slices.slices(file)
    return [Slice(one, str(file), (str(file), (0.0, 0.0, 1.0)), index * between, VOLUME) for index, one in enumerate(files)]


def slice_of(file: Path) -> Slice:
    """The slice in a file. InputError: no DICOM file, or a library is missing; the line names the file."""
    with rasters.opening(DICOM, file):
        found = header(file)
        where, directions = found.get("ImagePositionPatient"), found.get("ImageOrientationPatient")
        normal = None if where is None or directions is None else np.cross(*np.array(directions, float).reshape(2, 3))
        position = None if normal is None else float(np.dot(normal, np.array(where, float)))
    study, turned = str(found.get("StudyInstanceUID") or file.parent), () if normal is None else tuple(np.round(normal, 2))
    series = (str(found.get("SeriesInstanceUID") or file.parent), turned)
    patient = str(found.get("PatientID") or "") or study
    return Slice(file, patient, series, position, str(found.get("Modality") or "unknown modality"))


def ordered(slices: Iterable[Slice], missing: str = "stop") -> list[list[Slice]]:
    """The slices of each series in order of position; projections in order of names. The order of series is that of their UIDs.

    Args:
        missing: "stop" at a series in which a slice is missing; "keep" it.

    Raises:
        InputError: two slices of a series lie at one place, or one is missing between two; the line names both files.
    """
    series: dict[tuple, list[Slice]] = defaultdict(list)
    for one in slices:
        series[one.series].append(one)
    return [_checked(series[key], missing) for key in sorted(series)]


def distance(series: list[Slice]) -> float:
    """The usual distance of two neighbours in mm; 0 for one slice."""
    positions = [one.position for one in series]
    return float(np.median(np.diff(positions))) if len(positions) > 1 else 0.0


def _checked(series: list[Slice], missing: str) -> list[Slice]:
    if any(one.position is None for one in series):
        return sorted(series, key=lambda one: one.file)
    series = sorted(series, key=lambda one: (one.position, one.file))
    pairs = list(zip(series, series[1:], strict=False))
    for a, b in pairs:
        if b.position - a.position < SAME:
            raise InputError(
                f"{a.file} and {b.file} are two slices of one series at the same place: keep one, or put the times, echoes or "
                "phases of a 4D series in folders of their own, with series of their own"
            )
    usual = distance(series)
    for a, b in pairs:
        if missing == "stop" and b.position - a.position > GAP * usual:
            raise InputError(
                f"a slice is missing between {a.file} and {b.file}: they are {b.position - a.position:.3g} mm apart, others "
                f"{usual:.3g}; add it, or pass data.train.missing=keep and the same for the benchmark"
            )
    return series
