"""`resume=FILE`: the config of the resumed run, with the changes of the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.backend.files import is_exported
from sr.cli import CONF
from sr.cli.named import config_dirs, split, value_of
from sr.errors import InputError
from sr.image.kind import of, same
from sr.run import history
from sr.weights import checkpoint, trust

_FIXED = ("model", "network", "experiment", "scale", "image")  # another network or task is a new run: use init_from
# May change: they depend on the machine's memory and folders. A teacher must be the same file, which its hash shows.
_FREE = ("model.compile", "model.checkpoint_activations", "model.teacher")


def command_line(words: list[str]) -> list[str]:
    """The overrides with which Hydra composes the recipe of the run that `resume=FILE` names.

    The recipe is selected (`model=esrgan`), so that its keys and config groups are known; keys that the run added with `+`
    or by an experiment are forced (`++loss.ssim.weight=1`). Only the recipe's name and the names of keys are read from the
    file. Hydra's flags come first.

    Raises:
        InputError, MissingError: not a checkpoint of ours; its recipe is in a config folder that the command line lacks.
    """
    flags, overrides = split(words)
    file = value_of("resume", overrides)
    if file is None:
        return words
    run = _run(file)
    known = [f"++{word}" if _has(run["config"], word.split("=")[0].split(".")) else word for word in overrides]
    recipe = str(run.get("recipe"))
    chosen = any(word.startswith("model=") for word in overrides)
    there = any(Path(folder, "model", f"{recipe}.yaml").is_file() for folder in (CONF, *config_dirs(flags)))
    return [*flags, *known] if chosen or not there else [*flags, *known, f"model={recipe}"]


def resumed(cfg: DictConfig, overrides: list[str]) -> DictConfig:
    """The config in the checkpoint `cfg.resume`, with the command line's overrides on top; prints what changed.

    Overrides that the run already had may be repeated.

    Raises:
        InputError: not a checkpoint of ours, a config that names untrusted classes, or a change of network.
    """
    content = _run(cfg.resume)
    try:
        trust.check(content["config"], f"{cfg.resume}", trust.of_command_line(cfg))
    except InputError as error:
        folders = sorted({str(folder) for segment in _segments(content) for folder in segment.get("config_dir") or []})
        raise InputError(f"{error}{f' (the run used --config-dir {folders[0]})' if folders else ''}") from None
    old = OmegaConf.create(content["config"])
    OmegaConf.set_struct(old, True)
    old.resume = cfg.resume
    old.init_from = None  # the run has its own weights
    old.output_dir = cfg.output_dir
    OmegaConf.update(old, "trust", _raw(cfg).get("trust") or [], force_add=True)  # the file cannot extend the trusted classes
    given = {word.lstrip("+") for segment in _segments(content) for word in segment["command"]}
    for override in overrides:
        key = override.split("=")[0].lstrip("+~").split("@")[-1].replace("/", ".")  # optimizer@discriminator_optimizer=adam
        if key in ("resume", "output_dir", "trust") or override == f"model={content.get('recipe')}":
            continue
        if key == "image" and same(of(OmegaConf.to_container(cfg.image), key), of(content["config"].get("image"), cfg.resume)):
            continue
        before, after = OmegaConf.select(old, key), OmegaConf.select(cfg, key)
        if key.split(".")[0] in _FIXED and key not in _FREE:
            if override.lstrip("+") in given or (key not in ("model", "experiment") and before == after):
                continue
            raise InputError(f"{key} cannot change on resume; for a new run from these weights pass init_from={cfg.resume}")
        OmegaConf.update(old, key, OmegaConf.select(_raw(cfg), key), merge=False, force_add=True)
        if before != after and key != "reproduce":
            print(f"resume: {key} was {_short(before)}, is now {_short(after)}")
    return old


def _run(file: str) -> dict[str, Any]:
    """The record of its run in a checkpoint."""
    if is_exported(file):
        raise InputError(f"{file}: an exported file cannot be trained: pass the checkpoint that it was made of")
    run = checkpoint.about(file).get("sr")
    if not isinstance(run, Mapping) or "config" not in run:
        raise InputError(f"{file}: not a checkpoint of this project; to start from its weights, pass init_from={file}")
    return run


def _segments(run: Mapping[str, Any]) -> list[Any]:
    """The commands that made a checkpoint; empty if they are invalid."""
    found = run.get("segments")
    return found if history.whole(found) else []


def _has(node: Any, path: list[str]) -> bool:
    """Whether a key within a config group, such as loss.ssim.weight, exists."""
    for key in path:
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return len(path) > 1


def _raw(cfg: DictConfig) -> DictConfig:
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))


def _short(value: Any) -> str:
    text = str(list(value) if isinstance(value, DictConfig) else value)
    return text if len(text) < 60 else text[:57] + "..."
