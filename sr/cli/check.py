"""Checks of settings that libraries would accept silently; they run before a run starts and raise InputError."""

import os
from collections.abc import Mapping
from typing import Any

from sr.errors import InputError

_NEED_VALIDATION = ("early_stopping", "prune")  # callbacks that do nothing without a validation


def whole_number(key: str, value: Any, least: int = 1, *, null: bool = False) -> Any:
    """Return the value if it is a whole number of at least `least`, or None where `null` allows it."""
    if (type(value) is int and value >= least) or (null and value is None):
        return value
    raise InputError(f"{key}={value}: pass a whole number of at least {least}{' (or null)' if null else ''}")


def counts(trainer: Mapping[str, Any]) -> None:
    """Check intervals, by which Lightning divides, and the clipping norm, which would reverse gradients if negative."""
    for key in ("val_check_interval", "log_every_n_steps", "accumulate_grad_batches"):
        if type(trainer[key]) is not int or trainer[key] < 1:
            raise InputError(f"trainer.{key}={trainer[key]}: must be a whole number of at least 1")
    if trainer["gradient_clip_val"] is not None and not trainer["gradient_clip_val"] >= 0:
        raise InputError(f"trainer.gradient_clip_val={trainer['gradient_clip_val']}: must be at least 0, or null")


def limits(trainer: Mapping[str, Any]) -> None:
    """Check the number of images measured per set."""
    for key in ("limit_val_batches", "limit_test_batches"):
        limit = trainer[key]
        if limit is None or (type(limit) is int and limit >= 0) or (type(limit) is float and 0 <= limit <= 1):
            continue
        raise InputError(f"trainer.{key}={limit}: pass a whole number of images per set, or a fraction such as 0.5")


def endless(trainer: Mapping[str, Any]) -> None:
    """Refuse settings that count epochs: the stream of training patches is endless and has none.

    Raises:
        InputError: a limit on training batches (Lightning would then restart the stream and repeat the same few batches), or
            a number of epochs.
    """
    unset = {"limit_train_batches": ("1.0", "None"), "overfit_batches": ("0", "0.0"), "fast_dev_run": ("False", "0")}
    advice = {
        "limit_train_batches": "the first batches would be repeated; trainer.max_steps sets the length of a run",
        "overfit_batches": "after a resume the batches would differ; to overfit, train on a folder with one image: "
        "data=folder data.train=FOLDER augmentation=[] validation=[]",
        "fast_dev_run": "pass trainer.max_steps=1 trainer.limit_val_batches=1 trainer.limit_test_batches=1",
        "max_epochs": "pass trainer.max_steps",
        "min_epochs": "pass trainer.max_steps",
    }
    for key, what in advice.items():
        value = trainer.get(key)
        if key in trainer and str(value) not in unset.get(key, ("None", "-1")):  # 1.0 is all batches, 1 is one
            raise InputError(f"trainer.{key}={value}: the stream of training patches has no epochs; {what}")


def monitors(callbacks: Mapping[str, Mapping], metrics: Mapping, validated: Mapping, limit_val: float | int | None) -> None:
    """Check that the monitored metrics are measured; otherwise the error would show at the first validation, or never."""
    measured = sorted(f"val/{name}{metric}" for name in ("", *(f"{name}/" for name in validated)) for metric in metrics)
    for name, options in callbacks.items():
        if "monitor" not in options:
            continue
        if options["monitor"] not in measured:
            raise InputError(
                f"callback.{name}.monitor={options['monitor']} is not measured; choose one of {', '.join(measured)}; "
                "validation=[set5] adds val/set5/..."
            )
        if limit_val == 0 and name in _NEED_VALIDATION:
            raise InputError(f"callback.{name} needs validations, but trainer.limit_val_batches=0 turns them off")


def directions(callbacks: Mapping[str, Mapping], higher: Mapping[str, bool]) -> None:
    """Check that `mode` of callbacks fits their metric.

    Args:
        higher: metric -> whether higher is better, for the metrics for which it is known.

    Raises:
        InputError: such as monitor=val/lpips with mode=max, which would keep the worst.
    """
    for name, options in callbacks.items():
        metric, mode = str(options.get("monitor")).rsplit("/", 1)[-1], options.get("mode")
        if metric in higher and mode in ("max", "min") and higher[metric] != (mode == "max"):
            right, better = ("max", "higher") if higher[metric] else ("min", "lower")
            raise InputError(
                f"callback.{name}.mode={mode}: for {metric}, {better} is better; pass callback.{name}.mode={right}"
            )
    pruned, kept = (callbacks.get(name, {}).get("monitor") for name in ("prune", "checkpoint"))
    ways = {monitor: higher.get(str(monitor).rsplit("/", 1)[-1]) for monitor in (pruned, kept) if monitor is not None}
    if pruned is not None and kept is not None and None not in ways.values() and len(set(ways.values())) > 1:
        raise InputError(
            f"callback.prune.monitor={pruned} and callback.checkpoint.monitor={kept} have opposite directions (higher or lower "
            "is better): use the same metric for both"
        )


def objective(callbacks: Mapping[str, Mapping], direction: str) -> None:
    """Check that the direction of a search fits the mode of the checkpoint callback."""
    options = callbacks.get("checkpoint") or {}
    wanted = {"max": "maximize", "min": "minimize"}.get(options.get("mode"), direction)
    if wanted != direction and direction in ("maximize", "minimize"):
        raise InputError(
            f"hydra.sweeper.direction={direction}, but the score is {options.get('monitor')} with callback.checkpoint.mode="
            f"{options['mode']}: pass hydra.sweeper.direction={wanted}"
        )


def processes(trainer: Any) -> None:
    """Check that as many processes were started as the Lightning Trainer expects.

    With a wrong number under torchrun, processes would train independently into one folder. A process on another machine that
    nobody starts would be waited for forever.
    """
    from pytorch_lightning.plugins.environments import LightningEnvironment

    if "TORCHELASTIC_RUN_ID" in os.environ:
        started, devices = (int(os.environ[name]) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
        if started != trainer.world_size:
            wanted = f"trainer.devices={devices} trainer.num_nodes={started // devices}"
            raise InputError(f"torchrun started {started} processes, the trainer expects {trainer.world_size}: pass {wanted}")
        return
    nobody = isinstance(getattr(trainer.strategy, "cluster_environment", None), LightningEnvironment)
    if trainer.num_nodes > 1 and nobody and os.environ.keys().isdisjoint(("NODE_RANK", "GROUP_RANK")):
        raise InputError(
            f"trainer.num_nodes={trainer.num_nodes}: start the command with torchrun on each machine, or with srun"
        )
