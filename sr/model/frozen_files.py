"""The files of a run's frozen parts, such as teachers: a checkpoint has their names and hashes, not their weights."""

from collections.abc import Sequence
from typing import Any

from sr.errors import InputError
from sr.files import digest


class Files:
    """Files that a run reads again when it goes on.

    Args:
        option: config key of the files, for messages; its last part is their key in a checkpoint.
        files: the files.
    """

    def __init__(self, option: str, files: Sequence[str]) -> None:
        self.option, self.key = option, option.rpartition(".")[2]
        self.found = [{"file": str(file), "sha256": digest(file)} for file in files]

    def save(self, checkpoint: dict[str, Any]) -> None:
        """Write names and hashes into a checkpoint."""
        checkpoint[self.key] = self.found

    def check(self, checkpoint: dict[str, Any]) -> None:
        """InputError: the run of the checkpoint had other files."""
        before = checkpoint.get(self.key, self.found)
        if [one["sha256"] for one in before] != [one["sha256"] for one in self.found]:
            ours, theirs = (
                ", ".join(f"{one['file']} (sha256 {one['sha256'][:12]})" for one in part) or "none"
                for part in (self.found, before)
            )
            raise InputError(
                f"{self.option}: the run had {theirs}, now there is {ours}: pass the files that it had, or "
                "init_from=CHECKPOINT for a new run"
            )


class OfFiles:
    """Stands before the base class of a module whose frozen parts are `_files`.

    Its checkpoints have their names and hashes; a run that goes on must have the same files.
    """

    _files: Files

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        self._files.save(checkpoint)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self._files.check(checkpoint)
