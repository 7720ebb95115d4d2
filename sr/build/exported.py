"""What an exported file says about its network, from the checkpoint that export.py reads."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.backend.facts import Facts
from sr.build.image import image, image_node, settle_image
from sr.build.node import build, plain
from sr.build.stored import network_name
from sr.device.count import multiply_adds, parameters
from sr.errors import InputError
from sr.export.int8 import Int8Job
from sr.export.learned import Learned
from sr.export.patches import Patches
from sr.export.weights import BITS, OPSET, Weights
from sr.files import digest
from sr.network.quantised import Quantised
from sr.weights import checkpoint

_RUN = ("called", "recipe", "degraded")  # of a checkpoint's record, with these parts of its config:
_CONFIG = ("variant", "benchmark", "degradation")  # what test.py does by default with the checkpoint


def export_quantise(cfg: DictConfig, network: nn.Module, format: str) -> Int8Job | Learned | Weights | None:
    """What `quantise` says, with patches of `data.train`; int8 for a network that was trained in it; None for float.

    Raises:
        InputError: an unknown `quantise`, or one that does not go with the other options. As `Int8` and `Patches`.
    """
    trained, how = isinstance(network, Quantised), cfg.quantise
    if trained and how in (None, "int8"):
        how = "int8"
    elif trained:
        raise InputError(f"quantise={how}: the network was trained in 8 bits: remove quantise")
    if how is None:
        return None
    if how not in ("int8", *BITS):
        raise InputError(f"quantise={how}: choose int8, {', '.join(BITS)}, or null for none")
    if format == "pt2":
        raise InputError(f"quantise={how}: is written as .onnx or .xml; PyTorch's exported programs are in float")
    if str(cfg.precision) != "32":
        raise InputError(f"quantise={how} precision={cfg.precision}: what stays in float is float32; remove precision")
    if trained:
        return Learned(network)
    if not cfg.data.train:
        raise InputError(f"quantise={how} needs photographs, on which its loss is measured: pass data.train=DIR")
    if how in BITS and type(cfg.opset) is int and cfg.opset < OPSET[BITS[how]]:
        raise InputError(f"quantise={how} opset={cfg.opset}: pass opset={OPSET[BITS[how]]}, which has weights of such bits")
    options = build(cfg.int8)
    settle_image(cfg)
    patches = Patches(cfg.data.train, image(cfg), network.scale, network.multiple_of, options)
    return Int8Job(options, patches) if how == "int8" else Weights(BITS[how], options, patches)


def export_facts(cfg: DictConfig, network: nn.Module) -> Facts:
    """The facts about the network of `ckpt`; the hash is that of the first of two interpolated files."""
    named = not OmegaConf.is_missing(cfg, "ckpt") and cfg.ckpt is not None
    file = checkpoint.first(plain(cfg.ckpt)) if named else None
    record = checkpoint.about(file).get("sr", {}) if named else {}
    config = {key: record["config"][key] for key in _CONFIG if key in record.get("config", {})}
    trained = isinstance(network, Quantised)
    inner = network.network if trained else network
    run = {key: record[key] for key in _RUN if key in record}
    return Facts.of(
        network,
        network=type(inner).__name__,
        name=network_name(cfg) if named else Path(cfg.output).stem,
        sha256=digest(file) if named else "",
        licence=str(cfg.licence or ""),
        precision="int8" if trained else str(cfg.quantise or cfg.precision),
        parameters=parameters(inner) or 0,
        multiply_adds=multiply_adds(inner) or 0.0,
        run=run | {"config": {"benchmark": {}, **config, "scale": network.scale, "image": image_node(settle_image(cfg))}},
    )
