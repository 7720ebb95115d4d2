"""Facts about a finished training run."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer

from sr.build.callback import checkpoint_callback
from sr.callback.clock import Clock
from sr.device.count import parameters
from sr.metric.record import records
from sr.run.early import stopped_early


def score(trainer: Trainer) -> float | None:
    """The best validation score, or None without validation."""
    found = checkpoint_callback(trainer)
    return found and found.score


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
    if clock := next((callback for callback in trainer.callbacks if isinstance(callback, Clock)), None):
        known["training"] |= {"seconds": round(clock.seconds, 3), "peak_memory_mb": round(clock.peak_memory / 1e6, 1)}
    return known


def higher(model: LightningModule) -> dict[str, bool]:
    """Metric -> whether higher is better."""
    return {name: bool(getattr(metric, "higher_is_better", True)) for name, metric in model.metric.items()}
