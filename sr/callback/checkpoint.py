"""Writes best.ckpt and last.ckpt so that a process killed at any moment leaves complete files."""

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.plugins.precision import MixedPrecision

from sr.data.validated import validated
from sr.errors import InputError
from sr.files import clear
from sr.plugin.checkpoint_io import finish
from sr.say import warn


class Checkpoint(pl.callbacks.Checkpoint):  # Lightning calls these last, after the other callbacks
    """Keeps the best checkpoint by a validation metric, and the last one.

    Args:
        folder: folder of best.ckpt and last.ckpt.
        name: name of the best one; a second callback with another metric needs another name.
        monitor: the validation metric; InputError at the first validation if it does not exist.
        mode: "max" or "min" (the first of equal scores is kept, non-finite scores never), or "last": the latest validation
            counts as the best, for adversarial training, where PSNR falls by design.
        every_n_steps: also write last.ckpt every n steps; None: only at validations and at the end.
        carry: plain values (the run's config) stored in every checkpoint under "sr".
    """

    def __init__(
        self,
        *,
        folder: str,
        monitor: str,
        mode: str = "max",
        name: str = "best",
        every_n_steps: int | None = None,
        carry: dict[str, Any] | None = None,
    ) -> None:
        if mode not in ("max", "min", "last"):
            raise InputError(f"callback.checkpoint.mode={mode}: choose max, min or last")
        self.best, self.last = Path(folder) / f"{name}.ckpt", Path(folder) / "last.ckpt"
        self.monitor, self.mode, self.every_n_steps, self.carry = monitor, mode, every_n_steps, carry or {}
        self.score: float | None = None
        self._saved_at = -1

    @property
    def state_key(self) -> str:
        """Key of the score in Lightning's state: several of these callbacks may be used together."""
        return f"{type(self).__qualname__}{{'name': {self.best.stem!r}}}"  # Lightning's format, which checkpoints contain

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._saved_at = trainer.global_step
        if trainer.is_global_zero:
            clear(self.best.parent)  # temporary files as large as a checkpoint, one for each killed process

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step >= trainer.max_steps > 0:
            trainer.should_stop = True  # Lightning validates once more before it stops, so the last weights count
        step, interval = trainer.global_step, trainer.val_check_batch // trainer.accumulate_grad_batches
        if self.every_n_steps and step % self.every_n_steps == 0 and step % interval:  # otherwise a validation will write it
            self._save_last(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(name for name in trainer.callback_metrics if name.startswith("val/")))
            raise InputError(f"callback.checkpoint.monitor={self.monitor} is not measured; choose one of {known}")
        score = float(trainer.callback_metrics[self.monitor])
        if not math.isfinite(score) and trainer.is_global_zero:
            warn(f"step {trainer.global_step}: {self.monitor} is {score}: this checkpoint cannot be the best")
        if math.isfinite(score) and self._is_better(score):
            self.score = score
            trainer.save_checkpoint(self.best)
            if trainer.is_global_zero:
                trainer.strategy.checkpoint_io.copy(self.best, self.last)
        else:
            trainer.save_checkpoint(self.last)
        self._saved_at = trainer.global_step

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save_last(trainer)
        finish(trainer)

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        data = getattr(trainer, "datamodule", None)
        sets = (data.sets(stage) for stage in ("val", "test")) if hasattr(data, "sets") else ()
        made = {name: images.record for part in sets for name, images in part.items() if hasattr(images, "record")}
        checkpoint["sr"] = self.carry | ({"degraded": made} if made else {})
        for logger in trainer.loggers:
            logger.save()  # what a resumed run will not log again must be on disk before the checkpoint

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Reset the best score and the counter of early stopping if the run validated on other images before.

        Says if the precision changes so that gradients are scaled from now on, or no longer.
        """
        if trainer.is_global_zero and trainer.checkpoint_callbacks[:1] == [self]:
            _say_scale(trainer, checkpoint)
        before, now = (carry.get("config") or {} for carry in (checkpoint.get("sr") or {}, self.carry))
        if (validated(before), _limit(before)) == (validated(now), _limit(now)):
            return
        if trainer.is_global_zero:
            warn(
                f"validation changed {_difference(before, now)}; scores before and after cannot be "
                f"compared: {self.best.name} restarts from the next validation, and so does early stopping"
            )
        states = checkpoint["callbacks"]
        states.get(self.state_key, {})["score"] = None
        for callback in trainer.callbacks:
            if isinstance(callback, pl.callbacks.EarlyStopping):
                states.pop(callback.state_key, None)

    def reshaped(self, **options: Any) -> None:
        """The network has other options from now on: checkpoints build it with them, and earlier scores do not count."""
        for record in (self.carry, self.carry.get("config") or {}):
            if "network" in record:
                record["network"].update(options)
        self.score = None

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "monitor": self.monitor}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        before = state_dict.get("monitor", self.monitor)  # missing in older checkpoints
        if before == self.monitor:
            self.score = state_dict["score"]
        else:
            warn(f"{self.best.name} was the best by {before}; from now on it is the best by {self.monitor}")

    def _is_better(self, score: float) -> bool:
        if self.score is None or self.mode == "last":
            return True
        return score > self.score if self.mode == "max" else score < self.score

    def _save_last(self, trainer: pl.Trainer) -> None:
        if trainer.global_step != self._saved_at:
            trainer.save_checkpoint(self.last)
            self._saved_at = trainer.global_step


def _say_scale(trainer: pl.Trainer, checkpoint: dict[str, Any]) -> None:
    """Lightning itself ignores the scale of a run in 16-mixed where there is no scaler, and begins with a new one otherwise."""
    had, scaler = MixedPrecision.__qualname__ in checkpoint, getattr(trainer.precision_plugin, "scaler", None)
    if had and scaler is None:
        print(f"resume: trainer.precision={trainer.precision} needs no scale of the gradients: that of 16-mixed is left out")
    elif scaler is not None and not had:
        print(f"resume: the run had no scale of the gradients: that of 16-mixed starts at {scaler.get_scale():g}")


def _limit(config: dict[str, Any]) -> str:
    """As text: here 1 is one image and 1.0 is all of them."""
    limit = (config.get("trainer") or {}).get("limit_val_batches")
    return str(1.0 if limit is None else limit)


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """ "from set5 to set14", or what of sets with the same names is another."""
    sets, made = (_shown(before), _shown(now)), [",".join(config.get("degradation") or {}) for config in (before, now)]
    if sets[0] != sets[1]:
        return f"from {sets[0]} to {sets[1]}"
    if made[0] != made[1]:
        return f"from {sets[0]} by degradation=[{made[0]}] to {sets[1]} by degradation=[{made[1]}]"
    return f"in the images or the degradation of {sets[0]}"


def _shown(config: dict[str, Any]) -> str:
    sets, limit = ", ".join(validated(config)) or "nothing", _limit(config)
    return sets if limit == "1.0" else f"{sets} (trainer.limit_val_batches={limit})"
