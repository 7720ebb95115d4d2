"""What an exported file says about its network, from the checkpoint that export.py reads."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.backend.facts import Facts
from sr.build.image import image_node, settle_image
from sr.build.node import plain
from sr.build.stored import network_name
from sr.files import digest
from sr.weights import checkpoint

_RUN = ("called", "recipe", "degraded")  # of a checkpoint's record, with these parts of its config:
_CONFIG = ("variant", "benchmark", "degradation")  # what test.py does by default with the checkpoint


def export_facts(cfg: DictConfig, network: nn.Module) -> Facts:
    """The facts about the network of `ckpt`; the hash is that of the first of two interpolated files."""
    named = not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None
    file = checkpoint.first(plain(cfg.ckpt)) if named else None
    record = checkpoint.about(file).get("sr", {}) if named else {}
    config = {key: record["config"][key] for key in _CONFIG if key in record.get("config", {})}
    run = {key: record[key] for key in _RUN if key in record}
    return Facts(
        scale=network.scale,
        multiple_of=network.multiple_of,
        channels=getattr(network, "channels", 3),
        network=type(network).__name__,
        name=network_name(cfg) if named else Path(cfg.output).stem,
        sha256=digest(file) if named else "",
        licence=str(cfg.licence or ""),
        precision=str(cfg.precision),
        run=run | {"config": {"benchmark": {}, **config, "scale": network.scale, "image": image_node(settle_image(cfg))}},
    )
