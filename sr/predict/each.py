"""Jobs of predict.py that make one result after the other."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from sr.errors import InputError, MissingError, NotFiniteError
from sr.infer.memory import out_of_memory
from sr.predict.claims import Claims
from sr.predict.result import Result


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
    result = Result()
    with Claims(files, overwrite, result) as claims:
        for source, target in tqdm(claims, label, total=len(claims.left), unit=unit, leave=False):
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
            claims.done(target)
    print(result)
    return result
