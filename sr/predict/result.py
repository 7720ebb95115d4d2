"""What a job of predict.py did: results written, skipped and failed; and jobs that make one result after the other."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from sr.errors import InputError, MissingError, NotFiniteError
from sr.infer.memory import out_of_memory


@dataclass
class Result:
    """Counts written, skipped and failed files, and files that lost something."""

    written: int = 0
    skipped: int = 0
    failed: int = 0
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
        return f"{counts}; not kept: {lost}" if lost else counts


def predict_each(
    files: Sequence[tuple[Path, Path]],
    one: Callable[[Path, Path], str],
    overwrite: bool,
    label: str,
    unit: str,
    smallest: Callable[[], str],
) -> Result:
    """Make one result after the other; a failed one costs one line on stderr, not the job.

    Args:
        files: (input, result) of each; existing results are skipped unless `overwrite`.
        one: makes a result of an input; returns what was done, in words.
        label, unit: of the progress bar.
        smallest: says what does not fit where memory runs out.
    """
    left = [(source, target) for source, target in files if overwrite or not target.exists()]
    result = Result(skipped=len(files) - len(left))
    for source, target in tqdm(left, label, unit=unit, leave=False):
        try:
            line = one(source, target)
        except (InputError, MissingError, NotFiniteError) as error:
            result.fail(str(error))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            result.fail(f"{source}: out of memory, even with {smallest()}")
        else:
            tqdm.write(line, file=sys.stderr)
            result.written += 1
    print(result)
    return result
