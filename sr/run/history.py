"""The commands that made a checkpoint, in order, each with the steps that it ran.

A run that was resumed with other overrides has several segments. Checkpoints contain them, run.json shows them, and
`reproduce=` runs them again. A segment: `command` (overrides), `config_dir` (folders of --config-dir), `from` and `to`
(steps; `to` is null while it runs), `folder`, `commit`, `dirty`, `device`, `threads`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sr.cli.words import key_of
from sr.errors import InputError
from sr.files import run_of
from sr.weights import checkpoint

Segment = dict[str, Any]
_KINDS = {"command": list, "from": int, "folder": str}


def before(resume: str | None, record: Mapping[str, Any] | None = None) -> list[Segment] | None:
    """The segments that made the checkpoint from which a run resumes; empty for a new run.

    Args:
        resume: the checkpoint.
        record: run.json of the run that wrote it, if it exists: older checkpoints contain no segments.

    Returns:
        None if unknown: an older version had resumed that run.
    """
    if not resume:
        return []
    about = checkpoint.about(resume)
    found = about.get("sr", {}).get("segments")
    if found is None and record is not None:
        found = _first(record, run_of(resume))
    return [*found[:-1], {**found[-1], "to": about.get("global_step", 0)}] if whole(found) else None


def begun(segments: list[Segment] | None, command: list[str], folder: str | Path, **facts: Any) -> list[Segment] | None:
    """The segments, followed by the one that begins now."""
    if segments is None:
        return None
    start = segments[-1]["to"] if segments else 0
    return [*segments, {"command": command, "from": start, "to": None, "folder": str(Path(folder).resolve()), **facts}]


def of_record(record: Mapping[str, Any], folder: str | Path) -> list[Segment]:
    """The segments of a finished run's run.json; equal neighbours are merged.

    Raises:
        InputError: one line; they are unknown or invalid.
    """
    found = record.get("segments")
    if found is None:
        found = _first(record, folder)
    if found is None:
        raise InputError(
            f"{folder}/run.json: the run was resumed by an older version that did not record how; "
            f"use resume=CHECKPOINT to continue it; reproduce= cannot repeat it"
        )
    if not whole(found):
        raise InputError(f"{folder}/run.json: invalid segments")
    return _joined([dict(segment) for segment in found])


def whole(segments: Any) -> bool:
    """Whether these are valid segments."""
    return (
        isinstance(segments, list)
        and bool(segments)
        and all(isinstance(segment, Mapping) for segment in segments)
        and all(isinstance(segment.get(key), kind) for segment in segments for key, kind in _KINDS.items())
    )


def _first(record: Mapping[str, Any], folder: str | Path) -> list[Segment] | None:
    """The single segment of a run that an older version recorded; None if it was resumed."""
    if record.get("resume") or any(key_of(word) == "resume" for word in record["command"]):
        return None
    facts = {key: record.get(key) for key in ("commit", "dirty", "device", "threads")}
    return begun([], record["command"], folder, **facts)


def _joined(segments: list[Segment]) -> list[Segment]:
    """Merge segments that continue without a change: a resumed run equals an uninterrupted one."""
    joined = segments[:1]
    for segment in segments[1:]:
        last = joined[-1]
        same = all(segment.get(key) == last.get(key) for key in ("folder", "commit", "dirty", "threads", "config_dir"))
        if same and all(key_of(word) == "model" for word in changes(segment)):  # resume= itself adds the recipe
            joined[-1] = {**last, "to": segment["to"]}
        else:
            joined.append(segment)
    return joined


def changes(segment: Segment) -> list[str]:
    """The overrides of a segment, without those that say where it runs and from which checkpoint."""
    return [word for word in segment["command"] if key_of(word) not in ("output_dir", "reproduce", "sweep_resume", "resume")]
