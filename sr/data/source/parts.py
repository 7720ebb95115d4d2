"""Sources divided into training, validation and test: whole groups (scenes, patients) are held out, never single images."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sr.data.hold_out import hash_of
from sr.errors import InputError

PARTS = ("train", "val", "test")


class Parted:
    """Source, and images of a benchmark (`hr`): one of three parts of the files below a folder. A subclass defines `parts`.

    Args:
        path: the folder.
        part: "train" (a source: its validation images are the part "val"), "val" or "test".
        val, test: shares that are held out.
        gap: what is left out between the parts of a group that is divided itself.
        unit: of `gap`, for the message.

    Raises:
        InputError: an unknown part, or shares that leave nothing.
    """

    parts: Mapping[str, list[Path]]  # the files of each part

    def __init__(self, path: str | Path, part: str, val: float, test: float, gap: int, unit: str) -> None:
        if part not in PARTS:
            raise InputError(f"part={part}: choose train, val or test")
        if not 0 <= val < 0.5 or not 0 < test < 0.5 or gap < 0:
            raise InputError(f"val={val}, test={test}, gap={gap}: pass shares below 0.5 and a number of {unit}")
        self.path, self.part, self.held, self.gap = Path(path).expanduser(), part, {"test": test, "val": val}, gap

    def __str__(self) -> str:
        return str(self.path)

    def files(self) -> list[tuple[Path, None]]:
        """(HR file, None) of each image of the part; the training part with its validation images, which `validation` names."""
        parts = ("train", "val") if self.part == "train" else (self.part,)
        return [(file, None) for part in parts for file in self.parts[part]]

    def validation(self) -> list[tuple[Path, None]]:
        """The validation images of the training part."""
        return [(file, None) for file in self.parts["val"]] if self.part == "train" else []

    def checked(self, parts: Mapping[str, list[Path]], what: str) -> Mapping[str, list[Path]]:
        """The parts. InputError: one that is wanted has no files."""
        if empty := next((p for p, files in parts.items() if not files and (p == "train" or self.held[p])), None):
            raise InputError(f"{self.path}: too few {what} for training, validation and test: none are left for {empty}")
        return parts


def divided(groups: Mapping[str, Iterable[Path]], held: Mapping[str, float]) -> dict[str, list[Path]]:
    """Whole groups in three parts: those with the smallest hashes are test, then validation; one each at least."""
    ranked = sorted(groups, key=hash_of)
    n_test, n_val = (max(round(held[part] * len(ranked)), held[part] > 0) for part in ("test", "val"))
    chosen = {"test": ranked[:n_test], "val": ranked[n_test : n_test + n_val], "train": ranked[n_test + n_val :]}
    return {part: [file for name in chosen[part] for file in groups[name]] for part in PARTS}
