"""Builds Lightning's Trainer."""

from functools import partial
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from sr.build.benchmark import limits
from sr.build.callback import callbacks
from sr.build.facts import higher
from sr.build.logger import log_config, loggers, settle_wandb
from sr.build.node import build, chosen, group, say
from sr.build.session import quiet
from sr.callback.checkpoint import Checkpoint
from sr.callback.start import Start
from sr.cli import check
from sr.device import speed
from sr.errors import InputError
from sr.plugin.checkpoint_io import BackgroundIO
from sr.run.record import device


def trainer(cfg: DictConfig, model: LightningModule | None = None) -> Trainer:
    """Lightning's Trainer with the callbacks and loggers of the config, in a precision that suits the model.

    Args:
        model: the model to train; None to test a finished network.
    """
    quiet()
    settle_wandb(cfg)
    called, logging = callbacks(cfg), loggers(cfg)
    _check(cfg, model)
    precision = _precision(cfg, model)
    log_config(logging, cfg)
    built = build(
        cfg.trainer,
        precision=precision,
        logger=logging or False,
        callbacks=called,
        plugins=[BackgroundIO()],
        default_root_dir=cfg.output_dir,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in called),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=-1 if model is not None and any(_starts_from_weights(one) for one in called) else 0,
        **_intervals(cfg),
    )
    check.processes(built)
    return built


def _starts_from_weights(callback: Callback) -> bool:
    """Whether the run validates before its first step. Lightning does so on every image (-1), never after a resume, and leaves
    random numbers as they were."""
    return isinstance(callback, Start) and callback.init_from is not None


def _check(cfg: DictConfig, model: LightningModule | None) -> None:
    """Refuse settings that Lightning accepts but that cannot work here. Raises InputError."""
    check.counts(cfg.trainer)
    check.endless(cfg.trainer)
    waiting, validated = chosen(cfg, "callback"), chosen(cfg, "validation") or group(cfg, "benchmark")
    check.monitors(waiting, group(cfg, "metric"), validated, limits(cfg)["limit_val"])
    if model is not None:
        check.directions(waiting, higher(model))
        _check_manual(cfg, model)
    speed.check_strategy(cfg.trainer.strategy)


def _check_manual(cfg: DictConfig, model: LightningModule) -> None:
    """A module that calls its optimizers itself (`automatic_optimization = False`) must also clip and accumulate itself."""
    for key, attribute in {"gradient_clip_val": "gradient_clip_val", "accumulate_grad_batches": "accumulate"}.items():
        if not model.automatic_optimization and cfg.trainer[key] not in (None, 0, 1) and not hasattr(model, attribute):
            raise InputError(
                f"trainer.{key}={cfg.trainer[key]}: {type(model).__name__} optimizes manually and has no {attribute}: remove "
                f"it, or give the class that argument (model.{attribute}=${{trainer.{key}}}), as sr/model/gan.py does"
            )


def _precision(cfg: DictConfig, model: LightningModule | None) -> str:
    """The precision of the config, or one that suits device and network; sets up the device, and prints what is used."""
    wanted = cfg.trainer
    precision, why = speed.precision(wanted.precision, wanted.accelerator, model and model.network)
    speed.set_up(wanted.accelerator)
    if cfg.get("model"):
        kind = speed.device_type(wanted.accelerator)
        line = speed.line(precision, why, kind, cfg.model.get("compile"), _optimizers(model), speed.has_tf32(kind))
        say(f"{device()}: {line}")
    return precision


def _optimizers(model: LightningModule | None) -> dict[str, partial]:
    """Trained part -> the partial that makes its optimizer: network by `optimizer`, an encoder by `encoder_optimizer`."""
    makers = {name: made for name, made in (vars(model) if model is not None else {}).items() if isinstance(made, partial)}
    makers = {name: made for name, made in makers.items() if isinstance(made.func, type) and issubclass(made.func, Optimizer)}
    return {name.removesuffix("optimizer").rstrip("_") or "network": made for name, made in makers.items()}


def _intervals(cfg: DictConfig) -> dict[str, Any]:
    """When, and on how much data, Lightning trains, validates and tests: the stream of patches is endless."""
    wanted, limit = cfg.trainer, limits(cfg)
    interval = min(wanted.val_check_interval, wanted.max_steps) if wanted.max_steps > 0 else wanted.val_check_interval
    return {
        "val_check_interval": interval * wanted.accumulate_grad_batches,  # Lightning counts batches here
        "check_val_every_n_epoch": None,  # the stream of patches has no epochs
        "use_distributed_sampler": False,  # Benchmarks limits the sets and distributes the images itself, each once
        "limit_val_batches": 0 if limit["limit_val"] == 0 else 1.0,
        "limit_test_batches": 0 if limit["limit_test"] == 0 else 1.0,
    }
