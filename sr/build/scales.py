"""One test over several scales: `test.py scale=[2,3,4,6,8]`."""

import copy
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

from sr.build.node import plain
from sr.errors import InputError


def over_scales(
    cfg: DictConfig, measured: Callable[[DictConfig], tuple[dict[str, Any], dict[str, Any]]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network at each scale of `cfg.scale`, with pictures in a folder of its own, such as x2.

    Returns {"set5 x2": scores, ...}, ordered by set, and how the metrics measured, with the border of each scale.

    Args:
        measured: runs the config of one scale; returns its scores and the records of its metrics.

    Raises:
        InputError: no scales, one that is no number from 1 up, or the same one twice; other errors of `measured`.
    """
    scales = plain(cfg.scale)
    if not scales or any(type(one) not in (int, float) or not 1 <= one < float("inf") for one in scales):
        raise InputError(f"scale={scales}: pass numbers of at least 1, such as scale=[2,3,4,6,8]")
    if len(set(scales)) < len(scales):
        raise InputError(f"scale={scales}: pass each scale once")
    found, records = {}, {}
    for scale in scales:
        job = copy.deepcopy(cfg)
        job.scale, job.output_dir = scale, f"{cfg.output_dir}/x{scale:g}"
        found[scale], records[scale] = measured(job)
    metrics = {name: dict(record) for name, record in records[scales[0]].items()}
    for name, record in metrics.items():
        borders = [one[name].get("crop_border") for one in records.values()]
        record["crop_border"] = borders if len(set(borders)) > 1 else borders[0]
    sets = dict.fromkeys(name for scores in found.values() for name in scores)
    return {f"{name} x{scale:g}": found[scale][name] for name in sets for scale in scales if name in found[scale]}, metrics
