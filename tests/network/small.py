"""Every file of conf/network, and the overrides that make its network small enough for the fast tests."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from torch import nn

from sr.errors import InputError
from tests.jobs import IMAGE

CONF = Path(__file__).resolve().parents[2] / "conf" / "network"
FILES = {path.stem: OmegaConf.load(path) for path in sorted(CONF.glob("*.yaml"))}
VOLUMES = [name for name, config in FILES.items() if "axes" in config]  # tests/network/test_every_volume_network.py
CLASSES = {name: get_class(config["_target_"]) for name, config in FILES.items()}
CLIPS = [name for name, made in CLASSES.items() if getattr(made, "clips", False)]  # tests/network/test_every_clip_network.py
BURSTS = [name for name, made in CLASSES.items() if getattr(made, "bursts", False)]
FITS = [name for name, made in CLASSES.items() if getattr(made, "fits", False)]  # train in forward: tests/network/test_zssr.py
NAMES = [name for name in FILES if name not in {*VOLUMES, *CLIPS, *BURSTS, *FITS}]  # of pictures


def _lightest() -> list[str]:
    """Of the files of one architecture the one with the least features and blocks; its variants are tried by the slow tests."""
    found: dict[tuple[str, ...], tuple[int, str]] = {}
    for name in NAMES:
        config = FILES[name]
        size = (config.get("n_feats") or 1) * (config.get("n_blocks") or 1)
        kind = (config._target_, config.get("architecture", name if "n_feats" not in config else ""))
        found[kind] = min(found.get(kind, (size, name)), (size, name))
    return sorted(name for _, name in found.values())


LIGHTEST = _lightest()
PARAMS = [pytest.param(name, marks=() if name in LIGHTEST else pytest.mark.slow) for name in NAMES]


def shrunk(name: str, n_blocks: int = 2, narrow: bool = False) -> dict[str, object]:
    """At most so many blocks, two layers in each group of a transformer or of RCAN, a narrow block in each level of NAFNet;
    96 features, which their heads divide, in wide transformers that are made `narrow`."""
    config = FILES[name]
    small = {"n_blocks": min(config.n_blocks, n_blocks)} if config.get("n_blocks") else {}
    small |= {"steps": 2} if "steps" in config and name in NAMES else {}  # of sampling
    if "n_groups" in config:
        small["n_groups"] = min(config.n_groups, n_blocks)
    for key in ("n_cleaning_blocks", "n_extract_blocks"):
        small |= {key: 1} if key in config else {}
    for key in ("encoder_blocks", "decoder_blocks"):
        if key in config:
            small |= {key: [1] * len(config[key]), "n_middle_blocks": 1, "n_feats": 8}
    if narrow and "num_heads" in config.get("options", {}) and config.n_feats > 96:
        small["n_feats"] = 96
    layers = {key: 2 for key in ("depths", "depth") if key in config.get("options", {})}
    return {**small, "options": {**config.options, **layers}} if layers else small


def build(name: str, scale: int, **overrides: object) -> nn.Module:
    """build("edsr_baseline", 2, n_blocks=4): the network of conf/network/edsr_baseline.yaml, in eval mode."""
    config = OmegaConf.create({"scale": scale, "image": IMAGE, "network": FILES[name]})
    config.network.update(overrides)
    torch.manual_seed(0)
    return instantiate(config.network, _convert_="all").eval()


@cache
def scales(name: str) -> tuple[int, ...]:
    """Scales that a network makes, as its refusal of another one lists them; () where it makes every one."""
    config = OmegaConf.to_container(FILES[name])
    try:
        get_class(config.pop("_target_"))(**{**config, "scale": -1, "channels": 3})
    except InputError as error:
        listed = re.search(r"choose one of ([\d, ]+)$", str(error))
        return tuple(int(scale) for scale in listed[1].split(", ")) if listed else ()
    raise AssertionError(f"{name} takes scale -1")


def scale_of(name: str, wanted: int = 2) -> int:
    """The wanted scale, or the first that a network makes where it does not make that one."""
    return wanted if wanted in (scales(name) or (wanted,)) else scales(name)[0]
