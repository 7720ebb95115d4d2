"""Builds the network to train."""

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.build.backbone import settle_backbone
from sr.build.image import check_channels, image
from sr.build.node import build, group, say
from sr.build.quantise import start_of
from sr.cli import choice
from sr.errors import InputError
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.network.inputs import takes_size
from sr.weights import contract, initial, same_options


def network(cfg: DictConfig) -> nn.Module:
    """The network to train, checked on a tiny image, with the weights of `init_from` that fit."""
    settle_backbone(cfg)
    built = build(cfg.network)
    if not isinstance(built, nn.Module):
        raise InputError(f"network._target_={cfg.network._target_} is a {type(built).__name__}, not an nn.Module")
    contract.network(built, cfg.scale or getattr(built, "scale", None), patch_sizes(cfg))
    check_channels(built, image(cfg))
    if takes_size(built) and list(built.parameters()) and cfg.get("data") and not cfg.data.get("scales", True):
        name = type(built).__name__
        say(f"{name} is for any scale, but this run has only scale={cfg.scale}: pass data.scales=[1,4], or model=liif")
    if is_volume(built) != bool(cfg.get("axes")):
        what = "volumes" if is_volume(built) else "pictures"
        raise InputError(
            f"{type(built).__name__} is for {what}, but axes={cfg.get('axes')}: "
            "volumes need axes=through_plane or isotropic and network=edsr3d or vnet, pictures neither"
        )
    if is_clip(built) and cfg.get("data") and "frames" not in cfg.data:
        raise InputError(
            f"{type(built).__name__} is for clips, but data={choice('data', 'data')} has pictures: pass data=clips"
        )
    if is_burst(built) and cfg.get("data") and "frames" in cfg.data:
        raise InputError(
            f"{type(built).__name__} is for bursts, but data={choice('data', 'data')} has clips: pass data=folder "
            "degradation=[burst,bicubic]"
        )
    if is_burst(built) and cfg.get("data") and "burst" not in group(cfg, "degradation"):
        say(f"{type(built).__name__} is for bursts, but degradation makes single pictures: pass degradation=[burst,bicubic]")
    if cfg.get("init_from"):
        if OmegaConf.is_list(cfg.init_from):  # two files cannot be interpolated for training
            raise InputError(f"init_from={','.join(map(str, cfg.init_from))}: pass one file")
        start, node = start_of(built, cfg)
        say(initial.load_network(start, cfg.init_from))
        others = same_options.differing(OmegaConf.to_container(node, resolve=True), cfg.init_from)
        if others := [one for one in others if not one.startswith("scale=")]:
            say(f"init_from={cfg.init_from}: was trained with {', '.join(others)}")
    if not cfg.get("resume"):  # a resumed run has its own weights
        for name, source in _parts(cfg):
            if source is not None:
                say(initial.load_network_part(built, name, source))
    return built


def settle_parts(cfg: DictConfig) -> None:
    """Freeze no part whose weights are random: set `model.frozen_until` to 0 for parts without `init_parts` and `init_from`."""
    if cfg.get("resume") or cfg.get("init_from"):
        return
    for name, source in _parts(cfg):
        if source is not None:
            continue
        frozen = cfg.model.get("frozen_until") or {}
        held = [prefix for prefix in frozen if f"{prefix}.".startswith(f"{name}.") and frozen[prefix]]
        for prefix in held:
            frozen[prefix] = 0
        start = "and is trained from the first step" if held else "as the whole network does"
        say(f"init_parts.{name}=null: {name} starts from random weights, {start}; pass init_parts.{name}=FILE for trained ones")


def _parts(cfg: DictConfig) -> list[tuple[str, str | None]]:
    """`init_parts` as (name of the part, file): {"basicvsr": {"spynet": FILE}} is basicvsr.spynet."""

    def flat(node: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, str | None]]:
        if not isinstance(node, Mapping):
            yield ".".join(names), node
            return
        for name, child in node.items():
            yield from flat(child, (*names, str(name)))

    return list(flat(OmegaConf.to_container(cfg.get("init_parts") or OmegaConf.create({}), resolve=True)))


def patch_sizes(cfg: DictConfig) -> set[int]:
    """Sides of the training patches in LR pixels; empty if nothing is trained, or if they are not whole numbers."""
    data = cfg.get("data") or {}
    sizes = [data.get("patch_size"), *(phase.get("patch_size") for phase in data.get("progressive") or [])]
    sizes += sizes[0] if OmegaConf.is_list(sizes[0]) else []  # sides of a volume's patch
    return {size for size in sizes if type(size) is int and size > 0}
