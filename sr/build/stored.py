"""The finished network of test.py and predict.py: from a checkpoint, a released file, or the config with their weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from torch import nn

from sr.build.backbone import settle_backbone
from sr.build.backend import Sizes, on_backend
from sr.build.benchmark import benchmarks_of_run, degraded_of_run
from sr.build.image import check_channels, common_kind, image, image_node, settle_image, stored_kind
from sr.build.node import build, plain, say
from sr.cli import aliases, choice
from sr.errors import InputError
from sr.functional.axes import factors, is_volume
from sr.image.kind import Kind, same
from sr.network.adjusted import adjusted
from sr.network.inputs import takes_size, warn_outside
from sr.network.quantised import Quantised
from sr.network.reparameterised import deployed
from sr.network.spandrel import unmerged
from sr.say import warn
from sr.weights import checkpoint, contract, same_options, trust
from sr.weights.fit import load_weights
from sr.weights.load import load


def stored_network(cfg: DictConfig) -> nn.Module:
    """The network in the checkpoint or released file `ckpt`, or interpolated: ckpt=[psnr.ckpt,gan.ckpt] alpha=0.8.

    Raises:
        InputError: another `scale` than that of a network of one scale; `network_options` that it does not have.
    """
    built = load(plain(cfg.ckpt), alpha=cfg.alpha, scale=cfg.scale, trusted=trust.of_command_line(cfg))
    if cfg.scale not in (None, built.scale) and not takes_size(built):
        raise InputError(f"scale={cfg.scale}, but {cfg.ckpt} is for scale {built.scale}")
    built = adjusted(built, plain(cfg.get("network_options")) or {}, cfg.ckpt)
    if isinstance(built, Quantised) or getattr(built, "own_precision", "32") != "32":
        say(f"{cfg.ckpt}: {built if isinstance(built, Quantised) else f'computes in {built.own_precision}'}")
    return built


def predicting_network(cfg: DictConfig, sizes: Sizes = ()) -> nn.Module:
    """The network of predict.py: from the checkpoint, or the config's with the checkpoint's weights; on `backend`.

    Args:
        sizes: of the job, as for `on_backend`.
    """
    kind = settle_image(cfg)
    built = named_network(cfg) if cfg.get("network") else stored_network(cfg)
    return on_backend(cfg, check_channels(built, kind, bool(cfg.get("bandwise"))), sizes)


def is_of_volumes(cfg: DictConfig) -> bool:
    """Whether the checkpoint of predict.py has a network for volumes: its run had `axes`. Loads no weights."""
    return _config_of_run(cfg).get("axes") is not None


def is_of_bursts(cfg: DictConfig) -> bool:
    """Whether the network of predict.py is one for bursts, by its class. Loads no weights."""
    node = cfg.get("network") or _config_of_run(cfg).get("network")
    target = (node or {}).get("_target_") or ""
    return target.startswith("sr.network.") and getattr(get_class(aliases.current(target)), "bursts", False)


def _config_of_run(cfg: DictConfig) -> Mapping[str, Any]:
    """The config of the run of `ckpt`; empty without a checkpoint, or for a file of others."""
    if OmegaConf.is_missing(cfg, "ckpt") or cfg.ckpt is None:
        return {}
    return checkpoint.about(checkpoint.first(plain(cfg.ckpt))).get("sr", {}).get("config") or {}


def volume_network(cfg: DictConfig) -> tuple[nn.Module, Kind]:
    """The network of predict.py for volumes, and the pixel format that it was trained for."""
    kind = settle_image(cfg)
    built = check_channels(named_network(cfg) if cfg.get("network") else stored_network(cfg), kind)
    return on_backend(cfg, built), kind


def named_network(cfg: DictConfig) -> nn.Module:
    """The network of network=... with all weights of `ckpt`; without weights for ckpt=null, or if it has none
    (interpolation)."""
    from sr.weights import recognise  # imported here: it imports every network

    settle_backbone(cfg)
    if cfg.scale is None and cfg.network.get("scale") is None:
        raise InputError("pass scale=N together with network=NAME")
    built = contract.network(build(cfg.network), cfg.scale or cfg.network.get("scale")).eval()
    if OmegaConf.is_missing(cfg, "ckpt"):
        if next(built.parameters(), None) is not None:
            raise InputError(
                f"network={choice('network', 'network')} has weights: pass ckpt=FILE, or ckpt=null for untrained ones"
            )
    elif cfg.ckpt is not None:
        file = checkpoint.first(plain(cfg.ckpt))
        tensors = unmerged(checkpoint.stored_weights(plain(cfg.ckpt), cfg.alpha))
        load_weights(built, tensors, file)
        if not checkpoint.about(file):
            recognise.check(built, tensors, file)
        elif others := same_options.differing(OmegaConf.to_container(cfg.network, resolve=True), file):
            warn(f"{file}: was trained with {', '.join(others)}: remove network=..., or its results may be wrong")
    return deployed(built)


def compared_networks(cfg: DictConfig) -> tuple[list[tuple[str, nn.Module]], Kind]:
    """Each file of ckpt=[a,b,c] with its network ("" if the config's network has no file), and the kind of image to compare on.

    With bandwise=true, networks that were not trained for that kind are applied to each band.

    Raises:
        InputError: networks for different kinds; those for gray and for RGB of 8 bits meet on photographs.
    """
    if cfg.get("network") and OmegaConf.is_missing(cfg, "ckpt"):
        return [("", predicting_network(cfg))], image(cfg)
    files = plain(cfg.ckpt) if OmegaConf.is_list(cfg.ckpt) else [cfg.ckpt]
    kinds = [stored_kind(file) for file in files]
    kind = image(cfg) if cfg.get("image") else common_kind(files, kinds)
    networks = []
    for file, own in zip(files, kinds, strict=True):
        node = image_node(kind if own is None or cfg.get("image") else own)
        foreign = own is None or not same(own, kind)
        one = OmegaConf.merge(cfg, {"ckpt": file, "bandwise": bool(cfg.get("bandwise")) and foreign})
        OmegaConf.update(one, "image", node, force_add=True)
        networks.append((str(file or ""), predicting_network(one)))
    return networks, kind


def tested_network(cfg: DictConfig) -> nn.Module:
    """The network that test.py scores: from the checkpoint, or the config's with the checkpoint's weights if it has any.

    Fills in what the checkpoint knows and the command line does not set: scale and benchmarks.
    """
    kind = settle_image(cfg)
    if cfg.scale is not None and not (isinstance(cfg.scale, int | float) and 1 <= cfg.scale < float("inf")):
        raise InputError(f"scale={cfg.scale}: pass a number of at least 1, such as 2 or 3.7, or a list of them")
    if cfg.get("network") is None:
        built = stored_network(cfg)
        cfg.scale = cfg.scale or built.scale
        file = checkpoint.first(plain(cfg.ckpt))
        run = checkpoint.about(file).get("sr") or {"config": {"benchmark": {}}}
        passed = ("degradation",) if cfg.get("degradation") else ()
        if not passed:
            _degradation_of_run(cfg, file, run)
        if cfg.get("benchmark"):
            degraded_of_run(cfg, file, run, passed)
        else:
            benchmarks_of_run(cfg, run["config"])
            for name, record in run.get("degraded", {}).items():
                if name in cfg.benchmark:
                    OmegaConf.update(cfg, f"benchmark.{name}.expected", record, force_add=True)
    else:
        built = named_network(cfg)
        cfg.scale = cfg.scale or built.scale  # for network.scale=3 without scale
    warn_outside(built, cfg.scale)
    if is_volume(built):
        cfg.axes = plain(built.axes) if cfg.get("axes") is None else plain(cfg.axes)
        if factors(built.scale, cfg.axes) != built.factors:
            raise InputError(f"axes={cfg.axes}, but the network was trained with axes={built.axes}: remove axes=...")
    return check_channels(built, kind, bool(cfg.get("bandwise")))


def _degradation_of_run(cfg: DictConfig, file: str | Path, run: Mapping[str, Any]) -> None:
    """That of the checkpoint's run, by which its `benchmark=[degraded]` makes LR; nothing for released files."""
    if stages := run["config"].get("degradation"):
        trust.check(stages, str(file), trust.of_command_line(cfg))
        OmegaConf.update(cfg, "degradation", stages, force_add=True)


def network_name(cfg: DictConfig) -> str:
    """Name of the network that test.py scores: as in train.py's table, the chosen config's, or the released file's."""
    if cfg.get("network") is not None:
        return choice("network", "network")
    files = cfg.ckpt if OmegaConf.is_list(cfg.ckpt) else [cfg.ckpt]
    runs = [(file, checkpoint.about(file).get("sr", {})) for file in files]
    names = [
        (run.get("config", {}).get("variant"), run.get("called"), run.get("recipe"), Path(file).stem) for file, run in runs
    ]
    return " + ".join(next(filter(None, known)) for known in names)
