"""The parts of a LightningModule: config nodes whose keys are arguments of its class.

A part is one object (`network`, `optimizer`, a `teacher`), or a config group of named ones (`loss`, `metric`). To add a part,
a class needs an argument with its name and the config a node for it: from its own group (conf/teacher), or a second choice
of another group (`/network@teacher: edsr`).
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from sr.build.node import chosen, is_part
from sr.cli import aliases, groups
from sr.errors import InputError

_FIRST = ("network", "metric", "loss", "discriminator")  # random weights are drawn in this order, whatever order a class lists
_NAMED = ("metric", "loss")  # for loss=[] Hydra composes a config without the key
_RUN = ("augmentation", "benchmark", "callback", "data", "degradation", "image", "logger", "model", "trainer", "validation")
_PLAIN = (int, float, bool, str)


def maker(node: DictConfig) -> Callable[..., Any] | None:
    """The class or function that a node names; None if it cannot be imported, which `build` reports."""
    try:
        return get_object(aliases.current(node["_target_"]))
    except Exception:  # errors in a user's module show when it is built
        return None


def arguments(made: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Arguments by name. `**options` of a class stands for the arguments of its base class."""
    found: dict[str, inspect.Parameter] = {}
    makers = [vars(one)["__init__"] for one in made.__mro__ if "__init__" in vars(one)] if inspect.isclass(made) else [made]
    for one in makers:
        parameters = [p for p in inspect.signature(one).parameters.values() if p.name != "self"]
        found |= {p.name: p for p in parameters if p.name not in found and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def names(cfg: DictConfig, takes: Mapping[str, inspect.Parameter]) -> list[str]:
    """The keys of the parts in build order. Options within `model` itself are not parts.

    Raises:
        InputError: the class needs a part that the config lacks, or the config chooses one that it does not accept.
    """
    target = cfg.model["_target_"]
    if unknown := [key for key in cfg.model if key not in takes and not str(key).startswith("_")]:
        near = groups.nearest(unknown[0], list(takes))
        raise InputError(f"'{unknown[0]}' is not an option of {target} (config key model){near}")
    wanted = [name for name in dict.fromkeys((*_FIRST, *takes)) if name in takes and name not in cfg.model]
    found = [name for name in wanted if name in _NAMED or is_part(cfg.get(name)) or chosen_any(cfg, name)]
    for name in wanted:
        if name not in found and takes[name].default is inspect.Parameter.empty:
            ours = OmegaConf.is_missing(cfg.model, name)  # an option of `model` that the recipe leaves to the command line
            advice = f"pass model.{name}=..." if ours else _advice(name, takes[name].annotation)
            raise InputError(f"{target} requires {name}: {advice}")
    if own := next((name for name in found if name in ("callback", "data", "logger", "trainer")), None):
        raise InputError(f"{target} has an argument {own}, a name that the run uses itself: rename it")
    _check_taken(cfg, takes, target)
    return found


def chosen_any(cfg: DictConfig, name: str) -> bool:
    """Whether a key is a config group of named parts."""
    return isinstance(cfg.get(name), DictConfig) and bool(chosen(cfg, name))


def _advice(name: str, annotation: Any) -> str:
    if annotation in _PLAIN:
        return f"pass +model.{name}=..."
    if choices := groups.choices(name):
        return f"pass +{name}=NAME, one of {', '.join(choices)}"
    return (
        f"choose it in the recipe's defaults, or pass +{name}=NAME of your own config group {name}, or one of another group: "
        f"+network@{name}=edsr"
    )


def _check_taken(cfg: DictConfig, takes: Mapping[str, Any], target: str) -> None:
    """Refuse unused parts; parts that other nodes interpolate (`${encoder}`) are used."""
    text = OmegaConf.to_yaml(cfg)
    for name in OmegaConf.to_container(cfg, resolve=False):
        if name in takes or name in _RUN or OmegaConf.is_missing(cfg, name) or OmegaConf.is_interpolation(cfg, name):
            continue
        if not (is_part(cfg[name]) or chosen_any(cfg, name)) or re.search(rf"\$\{{\.*{re.escape(name)}[.}}\[]", text):
            continue
        raise InputError(
            f"{name} is chosen, but {target} does not use it: remove it (~{name}), or choose a model=... that has a {name}"
        )
