"""The pixel format: `image=photo` and others, and what a checkpoint was trained for."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.build.node import build, plain
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind, of, same
from sr.infer.upscaler import channels
from sr.network.bandwise import Bandwise
from sr.network.name import name_of
from sr.weights import checkpoint


def image(cfg: DictConfig) -> Kind:
    """The pixel format; 8-bit RGB in runs from before it could be chosen."""
    return build(cfg.image) if cfg.get("image") else PHOTO


def settle_image(cfg: DictConfig) -> Kind:
    """Fill in `cfg.image` of test.py and predict.py: what the checkpoint was trained for, `photo` for released files.

    Raises:
        InputError: the command line contradicts the checkpoint, without bandwise=true.
    """
    named = not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None
    file = checkpoint.first(plain(cfg.ckpt)) if named else None
    stored = stored_kind(file)
    if cfg.get("image") is None:
        OmegaConf.update(cfg, "image", image_node(stored or PHOTO), force_add=True)
    chosen = image(cfg)
    if stored is not None and not same(stored, chosen) and not cfg.get("bandwise"):
        raise InputError(f"image={chosen.name}, but {file} was trained with image={stored.name}: remove image=...")
    return chosen


def stored_kind(file: str | Path | None) -> Kind | None:
    """What a checkpoint was trained for; None for a released file."""
    run = checkpoint.about(file).get("sr") if file is not None else None
    return of(run.get("config", {}).get("image"), file) if run else None


def common_kind(files: Sequence[str | Path], kinds: Sequence[Kind | None]) -> Kind:
    """The kind for which all files were trained, of those that say it; `PHOTO` if none does, or for several of 8 bits.

    Raises:
        InputError: two files are for different kinds.
    """
    known = [(file, kind) for file, kind in zip(files, kinds, strict=True) if kind is not None]
    if not known:
        return PHOTO
    first, kind = known[0]
    for other, its in known[1:]:
        if same(kind, its):
            continue
        if not all(one.dtype == "uint8" and one.whole for one in (kind, its)):
            raise InputError(
                f"{first} was trained with image={kind.name} and {other} with image={its.name}: compare networks of one kind "
                f"of image, or pass image={kind.name} bandwise=true, which applies others to each band"
            )
        kind = PHOTO
    return kind


def image_node(kind: Kind) -> dict[str, Any]:
    """The config of an image kind."""
    return {"_target_": "sr.image.kind.Kind", **asdict(kind)}


def check_channels(network: nn.Module, kind: Kind, bandwise: bool = False) -> nn.Module:
    """The network unchanged; with `bandwise`, applied to each band (`sr.network.bandwise.Bandwise`).

    Raises:
        InputError: its number of channels differs from the image's number of bands.
    """
    if bandwise:
        return Bandwise(network=network, channels=kind.bands).eval()
    if channels(network) != kind.bands:
        raise InputError(
            f"{name_of(network)} has {channels(network)} channels, but image={kind.name} has {kind.bands} bands: "
            "choose an image=... with the same number, or pass bandwise=true to test.py or predict.py"
        )
    return network
