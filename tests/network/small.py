"""Every file of conf/network, and the overrides that make its network small enough for the fast tests."""

from pathlib import Path

from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf" / "network"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))


def shrunk(name: str, n_blocks: int = 2) -> dict[str, object]:
    """At most so many blocks, and two layers in each group of a transformer or of RCAN."""
    config = OmegaConf.load(CONF / f"{name}.yaml")
    small = {"n_blocks": min(config.n_blocks, n_blocks)} if config.get("n_blocks") else {}
    if "n_groups" in config:
        small["n_groups"] = min(config.n_groups, n_blocks)
    layers = {key: 2 for key in ("depths", "depth") if key in config.get("options", {})}
    return {**small, "options": {**config.options, **layers}} if layers else small
