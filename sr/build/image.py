"""What a pixel is: `image=photo` and the like, and what a checkpoint was trained for."""

from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.build.node import build, plain
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind, of
from sr.infer.upscaler import channels
from sr.weights import checkpoint


def image(cfg: DictConfig) -> Kind:
    """What a pixel is; 8-bit RGB in runs from before it could be chosen."""
    return build(cfg.image) if cfg.get("image") else PHOTO


def settle_image(cfg: DictConfig) -> Kind:
    """Fill in `cfg.image` of test.py and predict.py: what the checkpoint was trained for, `photo` for released files.

    Raises:
        InputError: the command line says another one than the checkpoint.
    """
    named = not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None
    file = checkpoint.first(plain(cfg.ckpt)) if named else None
    run = checkpoint.about(file).get("sr") if file is not None else None
    stored = of(run.get("config", {}).get("image"), file) if run else None
    if cfg.get("image") is None:
        OmegaConf.update(cfg, "image", image_node(stored or PHOTO), force_add=True)
    chosen = image(cfg)
    if stored not in (None, chosen):
        raise InputError(f"image={chosen.name}, but {file} was trained with image={stored.name}: leave image=... out")
    return chosen


def image_node(kind: Kind) -> dict[str, Any]:
    """The config of a kind."""
    return {"_target_": "sr.image.kind.Kind", **asdict(kind)}


def check_channels(network: nn.Module, kind: Kind) -> nn.Module:
    """The network itself. InputError: it takes another number of channels than the image has bands."""
    if channels(network) != kind.bands:
        raise InputError(
            f"{type(network).__name__} takes {channels(network)} channels, and image={kind.name} has {kind.bands} bands: "
            "choose an image=... of as many"
        )
    return network
