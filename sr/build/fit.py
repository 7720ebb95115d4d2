"""The two steps of a run: training, and testing the best checkpoint."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer

from sr.build.callback import callback_of
from sr.build.node import say
from sr.callback.checkpoint import Checkpoint
from sr.data.module import SRData
from sr.logger.wandb import finish_wandb
from sr.run import early
from sr.weights import checkpoint


def fit(trainer: Trainer, model: LightningModule, data: SRData, resume: str | None = None) -> None:
    """Train from the start or from a checkpoint. Reports if training ends before the last step, or has nothing to do."""
    if resume:
        for logger in trainer.loggers:
            if hasattr(logger, "resume"):
                logger.resume(checkpoint.about(resume)["global_step"])
    if not model.automatic_optimization:  # it clips and accumulates itself; Lightning refuses these settings for such modules
        trainer.gradient_clip_val, trainer.accumulate_grad_batches = None, 1
    if trainer.max_steps == 0:
        return
    if resume and 0 < trainer.max_steps <= (step := checkpoint.about(resume)["global_step"]):
        say(
            f"nothing left to train: {resume} is at step {step}, and trainer.max_steps={trainer.max_steps}; "
            "pass a larger trainer.max_steps"
        )
    trainer.fit(model, datamodule=data, ckpt_path=resume)
    if stopped := early.stopped_early(trainer):
        say(early.line(stopped))


def test(trainer: Trainer, model: LightningModule, data: SRData) -> dict[str, Any]:
    """Test the run's best checkpoint, or the untrained network if nothing was trained; returns the content of
    metrics.json."""
    kept = callback_of(trainer, Checkpoint)
    validated = kept is not None and kept.score is not None  # otherwise a best.ckpt in the folder belongs to another run
    best = str(kept.best) if validated and kept.best.is_file() else None
    trainer.test(model, datamodule=data, ckpt_path=best, verbose=False)
    for logger in trainer.loggers:
        logger.finalize("success")
    finish_wandb()
    return model.results
