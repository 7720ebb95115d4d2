"""What a job of predict.py did: results written, skipped and failed."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm


@dataclass
class Result:
    """Counts written, skipped and failed files, those that another job made, and files that lost something."""

    written: int = 0
    skipped: int = 0
    failed: int = 0
    elsewhere: int = 0
    not_kept: Counter[str] = field(default_factory=Counter)

    def add(self, source: Path, not_kept: dict[str, str]) -> None:
        """Count a written file, and report what its result lost."""
        self.written += 1
        self.not_kept.update(not_kept.keys())
        for text in not_kept.values():
            tqdm.write(f"{source}: {text}", file=sys.stderr)

    def fail(self, reason: str) -> None:
        """Count a failed file and report the reason, above the progress bar."""
        self.failed += 1
        tqdm.write(reason, file=sys.stderr)

    def __str__(self) -> str:
        lost = ", ".join(f"{what} of {count} {'file' if count == 1 else 'files'}" for what, count in self.not_kept.items())
        counts = f"{self.written} written, {self.skipped} skipped (existing), {self.failed} failed"
        counts += f", {self.elsewhere} left to another job" if self.elsewhere else ""
        return f"{counts}; not kept: {lost}" if lost else counts
