"""How released files of networks of any scale are recognised: their backbone by its own `release`, the head by its layers."""

from collections.abc import Callable
from typing import Any

from torch import nn

from sr.network import compact, edsr, rdn
from sr.network.release import Release, Shapes

_KEYS = {
    "liif": ("imnet.layers.0.weight", "imnet.layers.2.weight", "imnet.layers.4.weight"),
    "meta_sr": ("imnet.layers.0.weight", "imnet.layers.2.weight"),
    "coordinate": ("mlp.layers.0.weight", "mlp.layers.2.weight"),
    "lte": ("imnet.layers.0.weight", "coef.weight", "freq.weight", "phase.weight"),
}


def release(head: str) -> Release:
    """That of a head, "liif", "lte", "meta_sr" or "coordinate", on EDSR, RDN or compact."""
    skips = ({}, {"global_skip": True}) if head == "liif" else ({},)  # ours; the authors' has none
    return Release(_KEYS[head], _options(head), variants=skips)


def _options(head: str) -> Callable[[Shapes], dict[str, Any]]:
    def options(shapes: Shapes) -> dict[str, Any]:
        mlp = "mlp" if head == "coordinate" else "imnet"
        first = shapes[f"{mlp}.layers.0.weight"]
        last = max(int(key.split(".")[2]) for key in shapes if key.startswith(f"{mlp}.layers."))
        hidden = [shapes[f"{mlp}.layers.{n}.weight"][0] for n in range(0, last, 2)]
        backbone = _backbone({key.removeprefix("encoder."): shape for key, shape in shapes.items() if "encoder." in key})
        found = {"backbone": backbone, "hidden": hidden, "scale": 4}
        if head == "lte":
            return found | {"n_waves": shapes["coef.weight"][0]}
        if head in ("meta_sr", "coordinate"):
            return found
        unfolded = first[1] > 4 * backbone.n_feats
        rest = first[1] - backbone.n_feats * (9 if unfolded else 1)
        return found | {"feature_unfolding": unfolded, "cell_decoding": rest == 4}

    return options


def _backbone(shapes: Shapes) -> nn.Module:
    """Without weights. KeyError: another one than these three."""
    if "body.0.weight" in shapes:
        last = max(int(key.split(".")[1]) for key in shapes)
        return compact.Compact(scale=None, n_feats=shapes["body.0.weight"][0], n_blocks=last // 2)
    if "SFENet1.weight" in shapes:
        return rdn.RDN(scale=None, **rdn.body_options(shapes))
    return edsr.EDSR(scale=None, **edsr.body_options(shapes))
