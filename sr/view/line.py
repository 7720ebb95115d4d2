"""Lines below a table of scores: how its metrics were measured, and what made its LR. Free of torch, like the table."""

from collections.abc import Mapping
from typing import Any


def metrics_line(known: Mapping[str, Mapping[str, Any]]) -> str:
    """One line below a table: "Measured: psnr (version 1, y, border 4); niqe (version 1, y, border 4, weights 0f3a...)"."""
    return "Measured: " + "; ".join(f"{name} ({_words(one)})" for name, one in known.items()) if known else ""


def _words(one: Mapping[str, Any]) -> str:
    words = [f"version {one['version']}" if one.get("version") is not None else str(one.get("class"))]
    named = (
        ("unit", "library") if one.get("luma") is False else ("unit", "library", "channel")
    )  # without luma all bands are measured
    words += [str(one[key]) for key in named if one.get(key) is not None]
    for key, said in (("crop_border", "border"), ("levels", "levels"), ("seed", "seed")):
        if one.get(key) is not None and not (key == "levels" and one[key] == 255):
            words.append(f"{said} {one[key]}")
    return ", ".join([*words, *([f"weights {one['weights'][:12]}"] if one.get("weights") else [])])


def made_by(record: Mapping[str, Any]) -> str:
    """The pipeline of a set's LR: "bsrgan", "slice_profile (gaussian, thickness 1)"."""
    return f"{record.get('pipeline')} ({record['stages']})" if record.get("stages") else str(record.get("pipeline"))


def lr_line(name: str, record: Mapping[str, Any]) -> str:
    """Which pipeline made a set's LR, for below a table."""
    what = "frames or films" if "frame" in record["target"] else "images"  # of clips each file is counted
    return (
        f"{name}: LR made by {made_by(record)}, seed {record['seed']}, of {record['images']} {what} "
        f"(hash {record['hash']}); scored against {record['target']}"
    )
