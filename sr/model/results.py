"""The results of an evaluation, as metrics.json has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sr.errors import InputError


def results_of(
    sets: Mapping[str, Any],
    parts: Sequence[Mapping[str, Mapping[str, Mapping[str, float]]]],
    frames: Sequence[Mapping[str, Mapping[str, Mapping[str, list[float]]]]],
) -> dict[str, Any]:
    """Set -> means, those of the baselines (bicubic) and of HR itself, those of each image, and of each frame of clips.

    Args:
        sets: name -> set that was measured.
        parts: of each process, set -> image -> "metric" or "baseline/metric" -> score.
        frames: of each process, set -> clip -> metric -> the scores of its frames.

    Raises:
        InputError: a set without images.
    """
    results: dict[str, Any] = {}
    for name, measured in sets.items():
        images = _together(parts, name)
        if not images:
            raise InputError(f"set {name} has no images to evaluate")
        mean = {key: sum(s[key] for s in images.values()) / len(images) for key in next(iter(images.values()))}
        results[name] = {key: value for key, value in mean.items() if "/" not in key}
        for classical, metric in (key.split("/", 1) for key in mean if "/" in key):
            results[name].setdefault(classical, {})[metric] = mean[f"{classical}/{metric}"]
        results[name]["images"] = {
            image: {key: value for key, value in scores.items() if "/" not in key} for image, scores in images.items()
        }
        if each := _together(frames, name):
            results[name]["frames"] = each
        if record := getattr(measured, "record", None):
            results[name]["degraded"] = record
    return results


def _together(parts: Sequence[Mapping[str, Mapping[str, Any]]], name: str) -> dict[str, Any]:
    """The images of a set from all processes, sorted."""
    return dict(sorted({image: scores for part in parts for image, scores in part.get(name, {}).items()}.items()))
