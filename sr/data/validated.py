"""On which images a run validates, from its config: scores of different images cannot be compared."""

import json
from collections.abc import Mapping
from typing import Any

from sr.cli.aliases import without_modules


def validated(config: Mapping[str, Any]) -> dict[str, str]:
    """Validation set -> description of its images from the config; configs with equal texts validate on equal images.

    A config without validation sets, as in older runs, validates on its benchmarks.

    Args:
        config: of a run, in plain values, interpolations not resolved.
    """
    sets = {name: node for name, node in (config.get("validation") or {}).items() if isinstance(node, Mapping)}
    sets = {name: node for name, node in sets.items() if "_target_" in node} or config.get("benchmark") or {}
    return {
        name: json.dumps(without_modules(_images(node, config)), sort_keys=True, default=str) for name, node in sets.items()
    }


def _images(node: Any, config: Mapping[str, Any]) -> Any:
    if not isinstance(node, Mapping):
        return node
    if "degradation" in node:
        own = config.get("degradation") if node["degradation"] == "${degradation}" else node["degradation"]
        of_clips = {key: node[key] for key in ("lr", "frames", "only", "centre") if key in node}
        return {"hr": node.get("hr"), "degradation": own, "seed": node.get("seed"), "stored": node.get("stored")} | of_clips
    if "hr" in node:
        return {"hr": node["hr"], "lr": node.get("lr")}
    data = config.get("data") or {}  # a split is taken from the training images
    return {"split": dict(node), "train": data.get("train"), "lr": data.get("lr"), "degradation": config.get("degradation")}
