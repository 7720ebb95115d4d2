"""Facts about a finished training run."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer

from sr.build.callback import callback_of
from sr.callback.checkpoint import Checkpoint
from sr.callback.clock import Clock
from sr.callback.start import Start
from sr.device.count import parameters
from sr.metric.record import records
from sr.run.early import stopped_early
from sr.view.table import number


def score(trainer: Trainer) -> float | None:
    """The best validation score, or None without validation."""
    found = callback_of(trainer, Checkpoint)
    return found and found.score


def gain(trainer: Trainer) -> str:
    """What training changed in the weights of `init_from`, as a line below the table; "" without them or a validation.

    It is the change of the validation score that chooses best.ckpt.
    """
    start, kept = callback_of(trainer, Start), callback_of(trainer, Checkpoint)
    if start is None or kept is None or kept.score is None or kept.monitor not in start.scores:
        return ""
    before, metric = start.scores[kept.monitor], kept.monitor.rpartition("/")[2]
    change = number(metric, kept.score - before, sign=True)
    return f"{kept.monitor}: {number(metric, before)} at the start, {number(metric, kept.score)} in {kept.best.name}: {change}"


def facts(trainer: Trainer, model: LightningModule) -> dict[str, Any]:
    """The entries of run.json about training."""
    known = {
        "precision": str(trainer.precision),
        "parameters": parameters(model.network),
        "score": score(trainer),
        "higher_is_better": higher(model),
        "metrics": records(model.metric),
        "training": {"steps": trainer.global_step},
        "stopped_early": stopped_early(trainer),
    }
    if (start := callback_of(trainer, Start)) is not None and start.scores:
        known["start"] = start.scores
    if clock := callback_of(trainer, Clock):
        known["training"] |= {"seconds": round(clock.seconds, 3), "peak_memory_mb": round(clock.peak_memory / 1e6, 1)}
    return known


def higher(model: LightningModule) -> dict[str, bool]:
    """Metric -> whether higher is better."""
    return {name: bool(getattr(metric, "higher_is_better", True)) for name, metric in model.metric.items()}
