"""What made the LR of a set, and whether a checkpoint's run was measured on the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sr.degradation.pipeline import Pipeline, digest_of
from sr.errors import InputError
from sr.files import digest


def lr_record(pipeline: Pipeline, seed: int, files: Sequence[tuple[str, Path]], target: str, *others: Any) -> dict[str, Any]:
    """What made the LR of a set, of what; plain values. Two results are of the same task where "hash" is the same.

    Args:
        files: name and HR file of each image.
        target: what SR is compared with, in words.
        others: what else tells tasks apart.
    """
    made = {"pipeline": pipeline.name, "pipeline_hash": pipeline.hash, "seed": seed}
    made |= {"hr": digest_of([(name, digest(file)) for name, file in files]), "images": len(files)}
    return {**made, "target": target, "hash": digest_of([made, *others])}


def check_expected(name: str, record: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> None:
    """InputError: the LR of the set `name` is other than that of a checkpoint's run.

    Args:
        record: of the set, by `lr_record`; None: LR is from files.
        expected: the record in the checkpoint; None: any LR will do.
    """
    if record is not None and expected is not None:
        what, key = "the checkpoint's run was measured on other LR", name.lower().replace("-", "_")  # Vid4-BD is vid4_bd
        check_same(name, record, expected, what, f"benchmark=[{key}] benchmark.{key}.expected")


def check_same(name: str, record: Mapping[str, Any], other: Mapping[str, Any], what: str, key: str) -> None:
    """InputError: two records are of other LR; the line says `what`, how they differ, and which `key` to set to null."""
    if other.get("hash") == record["hash"]:
        return
    unlike = [each for each in record if other.get(each) != record[each] and each not in ("hash", "pipeline_hash")]
    said = ", ".join(f"{each} {other.get(each)} and here {record[each]}" for each in unlike)
    said = said or f"{other.get('pipeline')} with other options or another version of the code"
    raise InputError(
        f"benchmark {name}: {what} ({said}), so scores cannot be compared; pass {key}=null to measure "
        f"on LR of {record['pipeline']}, or the other's degradation=... and HR"
    )
