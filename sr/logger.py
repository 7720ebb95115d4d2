"""Loggers that Lightning does not have as we need them: a CSV that survives a resume, W&B that never waits for a login."""

import csv
import netrc
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only


class CSV(Logger):
    """One row for each step in `metrics.csv`, in order of steps; values logged at one step share its row.

    A resumed run drops rows beyond its first step and goes on: no gap, no double step.
    """

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = Path(file)
        self._rows: dict[int, dict[str, Any]] = {}
        self._dirty = False

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """The config lies beside the file."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row = self._rows.setdefault(int(step or 0), {})
        row.update({name: float(value) for name, value in metrics.items() if name != "epoch"})
        self._dirty = True

    def resume(self, step: int) -> None:
        """Read the rows up to `step` of the run that goes on."""
        if self.file.is_file():
            with open(self.file, newline="") as file:
                for row in csv.DictReader(file):
                    if int(row["step"]) <= step:
                        values = {name: float(value) for name, value in row.items() if value and name != "step"}
                        self._rows[int(row["step"])] = values

    @rank_zero_only
    def save(self) -> None:
        if not self._dirty:
            return
        names = sorted({name for row in self._rows.values() for name in row})
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp")
        with open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, ["step", *names])
            writer.writeheader()
            writer.writerows({"step": step, **self._rows[step]} for step in sorted(self._rows))
        os.replace(temporary, self.file)
        self._dirty = False

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.save()


def wandb_logger(
    *,
    folder: str,
    project: str,
    name: str | None = None,
    group: str | None = None,
    tags: list[str] | None = None,
    mode: str = "auto",
    run_id: str | None = None,
) -> WandbLogger:
    """A W&B logger; `auto` is online where the user is logged in, otherwise offline with a line that says how to sync.

    Raises:
        ValueError: another mode.
    """
    if mode not in ("auto", "online", "offline", "disabled"):
        raise ValueError(f"logger.wandb.mode={mode}: choose auto, online, offline or disabled")
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE") or ("online" if _logged_in() else "offline")
    if mode == "offline":
        rank_zero_only(print)(f"W&B is offline; upload this run later with: wandb sync {folder}/wandb/offline-run-*")
    os.environ.setdefault("WANDB_SILENT", "true")  # its own lines would break the progress bar
    Path(folder).mkdir(parents=True, exist_ok=True)
    return WandbLogger(
        project=project, name=name or Path(folder).name, save_dir=folder, group=group, tags=tags, id=run_id, mode=mode
    )


def _logged_in() -> bool:
    """Whether `wandb login` was done or a key is in the environment, found out without the network."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
