"""Whether and why training ended before its last step: for the screen and for run.json."""

from typing import Any

from pytorch_lightning.callbacks import EarlyStopping, Timer


def stopped_early(trainer: Any) -> dict[str, Any] | None:
    """{"step", "max_steps", "reason"} of a finished fit; None if it reached its last step, or there was nothing to train."""
    quick = bool(trainer.fast_dev_run)
    if not quick and not 0 <= trainer.global_step < trainer.max_steps:
        return None
    reason = f"trainer.fast_dev_run={trainer.fast_dev_run}" if quick else _reason(trainer)
    return {"step": trainer.global_step, "max_steps": trainer.max_steps, "reason": reason}


def line(early: dict[str, Any]) -> str:
    """The same as one line."""
    return f"stopped early at step {early['step']} of {early['max_steps']}: {early['reason']}"


def _reason(trainer: Any) -> str:
    for callback in trainer.callbacks:
        if isinstance(callback, EarlyStopping) and callback.stopping_reason_message:
            return _of(callback)
        if isinstance(callback, Timer) and callback.time_remaining() is not None and callback.time_remaining() <= 0:
            return "trainer.max_time was reached"
    return "a callback asked for it (trainer.should_stop)" if trainer.should_stop else "its data or epochs ran out"


def _of(callback: EarlyStopping) -> str:
    """What early stopping was waiting for."""
    best = float(callback.best_score)
    if callback.wait_count >= callback.patience:
        better = "rise above" if callback.mode == "max" else "fall below"
        by = f" by {abs(callback.min_delta):g}" if callback.min_delta else ""
        return (
            f"{callback.monitor} did not {better} {best:.4f}{by} in {callback.wait_count} validations "
            f"(callback.early_stopping.patience={callback.patience})"
        )
    return " ".join(callback.stopping_reason_message.replace("Signaling Trainer to stop.", "").split())
