"""Builds the LightningModules: the one that trains a network, with its parts, and the one that evaluates."""

import inspect
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.build import part
from sr.build.benchmark import metric, settle_border, settle_volumes
from sr.build.network import network, patch_sizes, settle_parts
from sr.build.node import build, chosen, is_part, say
from sr.build.quantise import settle_quantise
from sr.errors import InputError
from sr.functional.axes import is_volume
from sr.model.base import SRModule
from sr.weights import contract, initial
from sr.weights.rebuild import NETWORK_PACKAGES


def model(cfg: DictConfig) -> SRModule:
    """The LightningModule that trains the network, with the parts for which its class has arguments (sr/build/part.py).

    Raises:
        InputError: the class is not an SRModule; a part is missing, not accepted, or breaks the contract of its key.
    """
    settle_border(cfg)
    settle_quantise(cfg)
    settle_parts(cfg)
    made = part.maker(cfg.model)
    if made is None:
        return build(cfg.model)  # reports why it cannot be imported
    if inspect.isclass(made):
        _check_class(made, cfg.model["_target_"])
    built = {name: _part(cfg, name, made) for name in part.names(cfg, part.arguments(made))}
    _check_parts(cfg, built)
    module = build(cfg.model, **built)
    _check_class(type(module), cfg.model["_target_"])
    _check_saved(module)
    return module


def evaluation(cfg: DictConfig, network: nn.Module) -> SRModule:
    """The LightningModule that evaluates a finished network."""
    channels = getattr(network, "channels", 3)
    if is_volume(network):
        settle_volumes(cfg)
    return SRModule(network=network, metric=contract.all_of(contract.metric, "metric", metric(cfg), channels=channels))


def _part(cfg: DictConfig, name: str, made: Any) -> Any:
    """One part: an object, or a dict of named ones. Parts that checkpoints keep start from `init_from` if it has the same
    part."""
    if name == "network":
        return network(cfg)
    if name == "metric":
        return metric(cfg)
    if not is_part(cfg.get(name)):
        return {child: build(node) for child, node in chosen(cfg, name).items()}
    built = build(cfg[name])
    if cfg.get("init_from") and name in getattr(made, "saved", ()):
        config = OmegaConf.to_container(cfg[name], resolve=True)
        say(initial.load_part(built, name, cfg.init_from, config))
    return built


def _check_parts(cfg: DictConfig, built: dict[str, Any]) -> None:
    """Try parts on tiny images: losses, metrics and discriminators by their keys, other networks by their class."""
    main = built.get("network")
    if main is None:
        return
    side, channels = max(patch_sizes(cfg), default=32) * main.scale, main.channels
    seen = 1 if cfg.model.get("channel") == "y" and channels == 3 else channels
    contract.all_of(contract.loss, "loss", built.get("loss", {}), channels=seen, side=side)
    for key, one in built.get("loss", {}).items():
        if (of := getattr(one, "of", None)) and of not in getattr(main, "outputs_of", ()):
            raise InputError(
                f"loss.{key} compares `{of}`, which {type(main).__name__} does not make: remove it from loss=[...]"
            )
    contract.all_of(contract.metric, "metric", built.get("metric", {}), channels=channels)
    if "discriminator" in built:
        contract.discriminator(built["discriminator"], side, channels)
    for name, one in built.items():
        if name != "network" and isinstance(one, nn.Module) and type(one).__module__.startswith(NETWORK_PACKAGES):
            contract.network(one, getattr(one, "scale", None) or cfg.scale)


def _check_class(found: type, target: str) -> None:
    if not issubclass(found, SRModule):
        raise InputError(
            f"model._target_={target}: {found.__name__} is not an SRModule, which evaluates the network and writes "
            "checkpoints: derive it from sr.model.base.SRModule, or from sr.model.regression.Regression"
        )


def _check_saved(module: SRModule) -> None:
    """Refuse a trainable part that checkpoints do not keep: a resumed run would continue with fresh weights."""
    for name, one in module.named_children():
        learns = any(parameter.requires_grad for parameter in one.parameters())
        if learns and name not in (*module.saved, "loss", "metric"):
            kind = type(module).__name__
            raise InputError(
                f"{kind}.{name} has trainable weights, but {kind}.saved does not name it, so a resumed run would lose them: "
                f'write saved = (*{kind}.saved, "{name}") into the class, or {name}.requires_grad_(False) where it is made'
            )
