"""Slices of DICOM series or volumes, held out by patient or volume, never by slice: neighbours show nearly the same."""

from collections import Counter
from functools import cached_property
from pathlib import Path

from sr.data.source.folder import images
from sr.data.source.parts import PARTS, Parted, divided
from sr.errors import InputError
from sr.image.dicom_series import VOLUME, Slice, distance, is_read, ordered, slices_of

LEAST = 3  # patients, so that each part has one


class Slices(Parted):
    """Source, and images of a benchmark (`hr`): the slices of DICOM files and volumes below `path` in one of three parts.

    With three patients (PatientID) or more, whole patients are held out, chosen by a hash of their IDs. With fewer, the slices
    of each patient are divided along the normal of the slices into training, a gap, validation, a gap, test; what such a test
    shows holds within these patients. Series of one direction are divided at the same places. Slices in gaps are not used.

    A volume (NIfTI, NRRD ...) counts as a patient, and its slices lie across D (`sr/image/volume.py`): put all volumes of a
    patient on one side yourself.

    Names of images are numbers of series and slices: nothing of a file's header or name is in results.

    Args:
        path: the folder.
        part: "train" (a source: its validation images are the part "val"), "val" or "test".
        val, test: share of the patients, or of the extent of a patient's slices. val=0: no validation part; training then
            holds out single slices (`sr.data.hold_out`), whose scores are too good, because their neighbours are trained on.
        gap: slices left out between the parts of a patient.
        missing: "stop" at a series in which a slice is missing, or "keep" it.

    Raises:
        InputError: an unknown part; a doubled or missing slice; projections of less than three patients; too few slices.
    """

    def __init__(
        self, path: str | Path, part: str = "train", val: float = 0.1, test: float = 0.2, gap: int = 1, missing: str = "stop"
    ) -> None:
        super().__init__(path, part, val, test, gap, "slices")
        if missing not in ("stop", "keep"):
            raise InputError(f"missing={missing}: choose stop or keep")
        self.missing = missing

    def prepare(self, download: bool = False) -> None:
        """Check the series and print the parts; nothing is downloaded."""
        counts = ", ".join(f"{len(files)} {part}" for part, files in self.parts.items())
        left = sum(map(len, self.series)) - sum(map(len, self.parts.values()))
        kinds = Counter(series[0].modality for series in self.series)
        one, count = "volume" if set(kinds) == {VOLUME} else "patient", self.n_patients
        within = f"one {one}" if count == 1 else f"{count} {one}s"
        how = f"by {one} ({count})" if count >= LEAST else f"within {within}, in blocks"
        known = ", ".join(f"{number} of {modality}" for modality, number in sorted(kinds.items()))
        print(f"{self.path}: slices {how}: {counts}, {left} unused between them; series: {known}")

    def names(self) -> list[str]:
        """The name of each slice in `files`."""
        return [self.name_of(file) for file, _ in self.files()]

    def name_of(self, file: Path) -> str:
        """The name of a slice in results: the number of its series, and its own."""
        return self._names[file]

    @cached_property
    def series(self) -> list[list[Slice]]:
        """The slices of each series, in order."""
        return ordered((one for file in images(self.path, is_read) for one in slices_of(file)), self.missing)

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return len({one.patient for series in self.series for one in series})

    @cached_property
    def parts(self) -> dict[str, list[Path]]:
        """The files of each part, in order."""
        patients: dict[str, list[list[Slice]]] = {}
        for series in self.series:
            patients.setdefault(series[0].patient, []).append(series)
        if len(patients) >= LEAST:
            files = {name: [one.file for series in each for one in series] for name, each in patients.items()}
            parts = divided(files, self.held)
        else:
            parts = {part: [] for part in PARTS}
            for each in patients.values():
                for part, files in self._blocks(each).items():
                    parts[part] += files
        return self.checked(parts, "slices")

    def _blocks(self, patient: list[list[Slice]]) -> dict[str, list[Path]]:
        """The slices of one patient in three blocks along the normal; those in the gaps are left out."""
        parts: dict[str, list[Path]] = {part: [] for part in PARTS}
        for direction in sorted({series[0].series[1] for series in patient}):
            if not direction:
                raise InputError(
                    f"{self.path}: images of fewer than {LEAST} patients without ImagePositionPatient cannot be divided: pass "
                    "data=folder"
                )
            same = [series for series in patient if series[0].series[1] == direction]
            left, gap = [one for series in same for one in series], (self.gap + 0.5) * max(map(distance, same))
            extent = max(one.position for one in left) - min(one.position for one in left)
            for part in ("test", "val"):
                start = max((one.position for one in left), default=0) - self.held[part] * extent
                held = [one for one in left if self.held[part] and one.position > start]
                parts[part] += [one.file for one in held]
                first = min((one.position for one in held), default=float("inf"))
                left = [one for one in left if one.position < first - gap] if held else left
            parts["train"] += [one.file for one in left]
        return parts

    @cached_property
    def _names(self) -> dict[Path, str]:
        return {
            one.file: f"series{number}_slice{place:03d}"
            for number, series in enumerate(self.series, 1)
            for place, one in enumerate(series, 1)
        }
