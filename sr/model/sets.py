"""Checks that the sets of a run have what its metrics need, before anything is trained or measured."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sr.errors import InputError
from sr.functional.frames import is_burst, is_clip
from sr.metric.base import lacking, needs_reference
from sr.metric.frames import of_clips
from sr.say import warn


def check_sets(metrics: Mapping[str, nn.Module], data: Any, stage: str, network: nn.Module) -> dict[str, set[str]]:
    """Validation set -> the metrics that are not measured on it: those for tests alone, and those whose keys it lacks, with a
    warning.

    Args:
        data: with `sets("val")` and `sets("test")`, as `sr.data.benchmarks.Benchmarks`.
        stage: Lightning's: at a test, validation sets are not checked.

    Raises:
        InputError: a metric compares with HR and a set has none; a set has pictures, and the network or a metric is for clips;
            a set has clips, and the network is for bursts; a metric needs a key (a text), and a benchmark has none.
    """
    left_out = {}
    for when in ("val", "test"):
        for name, images in data.sets(when).items():
            against = {metric: getattr(one, "against", "hr") for metric, one in metrics.items() if needs_reference(one)}
            compare = [metric for metric, which in against.items() if which == "hr"]
            if compare and not getattr(images, "has_hr", True):
                raise InputError(
                    f"benchmark {name} has no HR, with which {', '.join(compare)} compare: pass metric=[niqe] or other "
                    "metrics that need no reference, and measure sets with HR on their own"
                )
            if is_clip(network) and not getattr(images, "clips", False):
                raise InputError(f"{name} has pictures, but {type(network).__name__} is for clips: pass benchmark=[clips]")
            if is_burst(network) and getattr(images, "clips", False):
                raise InputError(
                    f"{name} has clips, but {type(network).__name__} is for bursts: pass benchmark=[bursts] "
                    "benchmark.bursts.hr=FOLDER"
                )
            if stills := [metric for metric, one in metrics.items() if of_clips(one) and not getattr(images, "clips", False)]:
                raise InputError(f"metric={stills[0]} is for clips, but {name} has pictures: remove it from metric=[...]")
            if when == "val" and stage == "test":
                continue
            missing = lacking(metrics, images)
            tested = when == "test" or images in data.sets("test").values()
            for metric, keys in missing.items():
                if tested:
                    raise InputError(
                        f"benchmark {name} has no {', '.join(keys)}, which {metric} needs: remove {metric} from metric=[...], "
                        "or measure this set on its own"
                    )
                warn(f"{metric} is not measured on the validation set {name}, which has no {', '.join(keys)}")
            if when == "val":
                left_out[name] = {*missing, *(metric for metric, one in metrics.items() if getattr(one, "test_only", False))}
    return left_out
