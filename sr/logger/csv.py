"""metrics.csv: a log without gaps or repeated steps after a resume."""

import csv
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from sr.errors import StorageError
from sr.files import whole


class CSV(Logger):
    """One row per step in `metrics.csv`; all values logged at one step share its row.

    Rows are appended, so writing a row takes the same time in a long log. A resumed run drops the rows after its first step
    and continues.
    """

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = Path(file)
        self._names: list[str] = []
        self._row: dict[str, float] = {}  # values of the last step, which may get more
        self._offset = 0  # start of its row in the file
        self._dirty = False

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """The config is saved separately."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        if self._row and self._row["step"] != step:
            self.save()
            self._offset, self._row = self.file.stat().st_size, {}
        self._row["step"] = step
        self._row.update({name: float(value) for name, value in metrics.items()})
        self._dirty = True

    @rank_zero_only
    def resume(self, step: int) -> None:
        """Take over the rows up to `step` of the resumed run; the last of them may get more values."""
        if not self.file.is_file():
            return
        rows = [row for row in self._rows() if int(row["step"]) <= step]
        self._rewrite(rows[:-1], list(rows[0]) if rows else [])
        if rows:
            self._row = {name: float(text) for name, text in rows[-1].items() if text and name != "step"}
            self._row["step"], self._dirty = int(rows[-1]["step"]), True
            self.save()

    @rank_zero_only
    def save(self) -> None:
        if not self._dirty:
            return
        if new := [name for name in self._row if name not in self._names]:
            rows = self._rows() if self._offset else []
            same = rows and int(rows[-1]["step"]) == self._row["step"]
            self._rewrite(rows[:-1] if same else rows, ["step", *sorted({*self._names, *new} - {"step"})])
        try:
            with open(self.file, "r+", newline="") as file:
                file.seek(self._offset)
                csv.DictWriter(file, self._names).writerow(self._row)
                file.truncate()  # not earlier: on a full disk the existing row stays
        except OSError as error:
            raise StorageError(error.errno, error.strerror, str(self.file)) from None
        self._dirty = False

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.save()

    def _rows(self) -> list[dict[str, str]]:
        with open(self.file, newline="") as file:
            return list(csv.DictReader(file))

    def _rewrite(self, rows: list[dict[str, str]], names: list[str]) -> None:
        """Rewrite the file with these rows and columns; if that fails, it stays as it was."""
        names = names or ["step"]
        with whole(self.file) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        self._names, self._offset = names, self.file.stat().st_size
