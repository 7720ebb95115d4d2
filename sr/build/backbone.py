"""`network.backbone=NAME`: a network of conf/network as the backbone of one of any scale."""

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from sr.cli import CONF, groups
from sr.errors import InputError

_ADAPTER = "sr.network.spandrel.Spandrel"  # it refuses other architectures than SwinIR itself


def settle_backbone(cfg: DictConfig) -> None:
    """Put the config of the named network in the name's place, without the layers that enlarge.

    Raises:
        InputError: there is none of the name, or it gives no features.
    """
    node = cfg.get("network")
    name = node.get("backbone") if isinstance(node, DictConfig) else None
    if not isinstance(name, str):
        return
    file, choices = CONF / "network" / f"{name}.yaml", groups.choices("network")
    if not file.is_file():
        raise InputError(f"network.backbone={name}: not there{groups.nearest(name, choices)}; choices: {', '.join(choices)}")
    backbone = OmegaConf.load(file)
    found = get_class(backbone._target_)
    if not hasattr(found, "features") and backbone._target_ != _ADAPTER:
        raise InputError(
            f"network.backbone={name}: {found.__name__} gives no features: pass network.backbone=compact, edsr_baseline, rdn "
            "or swinir_light, or write a method features and an attribute n_feats into its class"
        )
    backbone.scale, backbone.channels = None, "${..channels}"
    OmegaConf.update(cfg, "network.backbone", backbone, merge=False, force_add=True)
