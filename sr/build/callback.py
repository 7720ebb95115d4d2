"""Builds Lightning's callbacks."""

from typing import TypeVar

from omegaconf import DictConfig
from pytorch_lightning import Callback, Trainer

from sr.build.node import build, chosen, group
from sr.build.record import carried, table_name
from sr.callback.checkpoint import Checkpoint
from sr.callback.profile import Profile
from sr.callback.start import Start
from sr.callback.until import Until
from sr.run import replay
from sr.weights import reloadable, trust

_Kind = TypeVar("_Kind", bound=Callback)


def callbacks(cfg: DictConfig) -> list[Callback]:
    """The callbacks of the config, with the run's record for checkpoints, and those of `profile` and of a replayed run."""
    built = [build(node) for node in chosen(cfg, "callback").values()]
    if cfg.get("profile") and "profile" not in group(cfg, "callback"):
        built.append(Profile(folder=cfg.output_dir))
    for start in (callback for callback in built if isinstance(callback, Start)):
        start.recipe = table_name(cfg, "")
    if checkpoints := [callback for callback in built if isinstance(callback, Checkpoint)]:
        carry = carried(cfg)
        reloadable.check(carry, trust.of_command_line(cfg))
        for checkpoint in checkpoints:
            checkpoint.carry = carry
        if replay.until() is not None:
            built.append(Until(step=replay.until(), checkpoint=checkpoints[0]))
    return built


def callback_of(trainer: Trainer, kind: type[_Kind]) -> _Kind | None:
    """The trainer's first callback of a class."""
    return next((callback for callback in trainer.callbacks if isinstance(callback, kind)), None)
