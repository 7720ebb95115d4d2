"""`resume=FILE`: the config of the run that goes on, with what the command line changes."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sr import checkpoint
from sr.cli import CONF
from sr.errors import InputError

_FIXED = ("model", "network", "experiment", "scale")  # another network or task is another run: init_from starts one
_FREE = ("model.compile", "model.checkpoint_activations")  # how a step is computed: the memory of another machine may need it


def command_line(words: list[str]) -> list[str]:
    """The words of a command line with which Hydra composes the recipe of the run that `resume=FILE` among them names.

    The recipe is chosen (`model=esrgan`), so that its keys and rooms are known; keys that the run was given with a `+`, or
    by an experiment, are forced (`++loss.ssim.weight=1`). Of the file only the recipe's name and the names of keys are used.

    Raises:
        ValueError, FileNotFoundError: the file is no checkpoint of ours.
    """
    file = value_of("resume", words)
    if file is None:
        return words
    run = _run(file)
    known = [f"++{word}" if _has(run["config"], word.split("=")[0].split(".")) else word for word in words]
    recipe = str(run.get("recipe"))
    chosen = any(word.startswith("model=") for word in words)
    return known if chosen or recipe not in {file.stem for file in CONF.glob("model/*.yaml")} else [*known, f"model={recipe}"]


def resumed(cfg: DictConfig, overrides: list[str]) -> DictConfig:
    """The config inside the checkpoint `cfg.resume`, with the command line's overrides on top; says what changed.

    Raises:
        ValueError: not a checkpoint of ours, one that names what this project's configs do not, or a change of network.
    """
    content = _run(cfg.resume)
    known = {target for file in CONF.rglob("*.yaml") for target in _targets(yaml.safe_load(file.read_text()))}
    for target in _targets(content["config"]):
        if target not in known:
            raise InputError(f"{cfg.resume}: its config names {target}, which no config of this project does; nothing was run")
    if foreign := next((key for key in _hydra_keys(content["config"]) if key not in ("_target_", "_partial_")), None):
        raise InputError(f"{cfg.resume}: its config says {foreign}, which no config of this project does; nothing was run")
    old = OmegaConf.create(content["config"])
    OmegaConf.set_struct(old, True)
    old.resume = cfg.resume
    old.init_from = None  # the weights are those of the run
    old.output_dir = cfg.output_dir
    for override in overrides:
        key = override.split("=")[0].lstrip("+~").replace("/", ".")
        if key in ("resume", "output_dir") or override == f"model={content.get('recipe')}":
            continue
        if key.split(".")[0] in _FIXED and key not in _FREE:
            raise InputError(f"{key} cannot change on resume; init_from={cfg.resume} starts a new run from its weights")
        before, after = OmegaConf.select(old, key), OmegaConf.select(cfg, key)
        OmegaConf.update(old, key, OmegaConf.select(_raw(cfg), key), merge=False, force_add=True)
        if before != after:
            print(f"resume: {key} was {_short(before)}, is now {_short(after)}")
    return old


def _run(file: str) -> dict[str, Any]:
    """What a checkpoint says of its run."""
    run = checkpoint.about(file).get("sr")
    if not isinstance(run, Mapping) or "config" not in run:
        raise InputError(f"{file}: not a checkpoint of this project; init_from={file} starts from its weights")
    return run


def value_of(key: str, words: list[str]) -> Any:
    """The value that a command line gives a key, or None."""
    word = next((word for word in reversed(words) if word.startswith(f"{key}=")), None)
    if word is None:
        return None
    override = OverridesParser.create().parse_override(word)
    if override.is_sweep_override():
        raise InputError(f"{word}: one at a time, {key} is of a single run")
    return None if override.value() is None else str(override.value())  # 1 is a name too


def _has(node: Any, path: list[str]) -> bool:
    """Whether a key within a room, such as loss.ssim.weight, is there."""
    for key in path:
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return len(path) > 1


def _raw(cfg: DictConfig) -> DictConfig:
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for child in node.values():
            yield from _targets(child)
    elif isinstance(node, list):
        for child in node:
            yield from _targets(child)


def _hydra_keys(node: Any) -> Iterator[str]:
    """Keys that mean something to Hydra's instantiate, which calls what a config names."""
    if isinstance(node, Mapping):
        yield from (key for key in node if key.startswith("_") and key.endswith("_"))
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _hydra_keys(child)


def _short(value: Any) -> str:
    text = str(list(value) if isinstance(value, DictConfig) else value)
    return text if len(text) < 60 else text[:57] + "..."
