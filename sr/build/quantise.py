"""`model.quantise=int8`: the network to train becomes one whose convolutions round as 8-bit files do."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from sr.errors import InputError
from sr.network.quantised import Quantised
from sr.weights import checkpoint

_TARGET = f"{Quantised.__module__}.{Quantised.__qualname__}"


def settle_quantise(cfg: DictConfig) -> None:
    """Put the network into one of `Quantised`, which checkpoints name, and remove the two keys from `model`.

    Raises:
        InputError: an unknown value; layers without quantise.
    """
    with open_dict(cfg.model):
        how, layers = (cfg.model.pop(key, None) for key in ("quantise", "float_layers"))
    if how is None and layers is None:
        return
    if how != "int8":
        what = f"model.quantise={how}" if how is not None else "model.float_layers without model.quantise"
        raise InputError(f"{what}: pass model.quantise=int8 for training in 8 bits, or null")
    if cfg.network.get("_target_") != _TARGET:  # a repeated run has it already
        node = OmegaConf.create({"_target_": _TARGET, "network": OmegaConf.to_container(cfg.network), "float_layers": layers})
        OmegaConf.update(cfg, "network", node, merge=False)


def start_of(built: Any, cfg: DictConfig) -> tuple[Any, DictConfig]:
    """The network that `init_from` starts, with its config: within `Quantised`, if the file has a network in float."""
    if isinstance(built, Quantised) and not of_quantised(cfg.init_from):
        return built.network, cfg.network.network
    return built, cfg.network


def of_quantised(file: str | Path) -> bool:
    """Whether a checkpoint has a network that was trained in 8 bits."""
    spec = checkpoint.about(file).get("sr", {}).get("network") or {}
    return spec.get("_target_") == _TARGET
