"""Which network a file of weights belongs to, read off the names and shapes of its tensors.

Checkpoints of ours carry their config and need none of this; it is for released files. Families that are written here are
tried first, then those of spandrel. What shapes do not tell (EDSR's residual scaling, the input range) is as in the releases.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sr.checkpoint import load_weights
from sr.errors import InputError
from sr.network.bsrn import BSRN
from sr.network.carn import CARN
from sr.network.compact import Compact
from sr.network.edsr import EDSR
from sr.network.espcn import ESPCN
from sr.network.fsrcnn import FSRCNN
from sr.network.imdn import IMDN
from sr.network.pan import PAN
from sr.network.rcan import RCAN
from sr.network.resize_conv import ResizeConv
from sr.network.rfdn import RFDN
from sr.network.rlfn import RLFN
from sr.network.rrdb import RRDB
from sr.network.srcnn import SRCNN
from sr.network.srresnet import SRResNet
from sr.network.unet import UNet
from sr.network.vdsr import VDSR

Shapes = Mapping[str, tuple[int, ...]]


def recognise(tensors: Mapping[str, Tensor], source: str | Path, scale: int | None = None) -> nn.Module:
    """The network that the tensors belong to, with them in it; `scale` where they do not tell it.

    Raises:
        ValueError: no known network, tensors missing or too many for it, a scale that must be said or contradicts the file.
    """
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    for keys, build, options in FAMILIES:
        if all(key in shapes for key in keys):
            try:
                found = options(shapes)
            except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
                raise InputError(f"{source}: has keys of {build.__name__}, but {error} does not fit") from None
            network = build(**found | {"scale": _agree(found.get("scale"), scale, build.__name__, source)})
            load_weights(network, tensors, source)
            return network
    return _from_spandrel(tensors, source, scale)


def _from_spandrel(tensors: Mapping[str, Tensor], source: str | Path, scale: int | None) -> nn.Module:
    from spandrel import MAIN_REGISTRY, UnsupportedModelError

    from sr.network.spandrel import adapt

    try:
        found = MAIN_REGISTRY.load(dict(tensors))  # a copy: it renames keys
    except UnsupportedModelError:
        some = ", ".join(list(tensors)[:3]) or "none"
        raise InputError(f"{source}: no known network has its keys ({some}, ...): say network=... and scale=...") from None
    except Exception as error:  # its loaders guess at shapes and fail in every way
        raise InputError(f"{source}: looks like one of spandrel's networks, but {str(error).splitlines()[0][:120]}") from None
    name = type(found.model).__name__
    if (found.input_channels, found.output_channels) != (3, 3):
        raise InputError(f"{source}: {name} from {found.input_channels} to {found.output_channels} channels; RGB is wanted")
    return adapt(found.model, _agree(found.scale, scale, name, source), found.size_requirements.multiple_of)


def _agree(found: int | None, said: int | None, name: str, source: str | Path) -> int:
    if found is None and said is None:
        raise InputError(f"{source}: is {name}, whose weights do not tell its scale: say scale=2 or what it is")
    if None not in (found, said) and found != said:
        raise InputError(f"scale={said}, but {source} is a network for scale {found}")
    return found or said


def _count(shapes: Shapes, pattern: str) -> int:
    """How many numbers stand in the place of (\\d+), counted to the largest: `body.(\\d+)\\.weight`."""
    return len({match[1] for key in shapes if (match := re.match(pattern, key))})


def _root(n_out: int, channels: int = 3) -> int:
    """Scale of one pixel shuffle to `channels`. ValueError: no square."""
    scale = math.isqrt(n_out // channels)
    if scale**2 * channels != n_out:
        raise InputError(f"{n_out} channels before the pixel shuffle")
    return scale


def _stages(shapes: Shapes, pattern: str) -> int:
    """Scale of several pixel shuffles: the product of the roots of outputs over inputs."""
    return math.prod(_root(shape[0], shape[1]) for key, shape in shapes.items() if re.fullmatch(pattern, key))


def _compact(shapes: Shapes) -> dict[str, Any]:
    last = max(int(match[1]) for key in shapes if (match := re.match(r"body\.(\d+)\.", key)))
    return {
        "scale": _root(shapes[f"body.{last}.weight"][0]),
        "n_feats": shapes["body.0.weight"][0],
        "n_blocks": last // 2 - 1,
    }


def _edsr(shapes: Shapes) -> dict[str, Any]:
    n_feats = shapes["head.0.weight"][0]
    return {
        "scale": _stages(shapes, r"tail\.0\.\d+\.weight"),
        "n_feats": n_feats,
        "n_blocks": _count(shapes, r"body\.(\d+)\.body"),
        "res_scale": 0.1 if n_feats == 256 else 1.0,  # the paper's two networks, table 1
    }


def _rcan(shapes: Shapes) -> dict[str, Any]:
    squeezed = shapes["body.0.body.0.body.3.conv_du.0.weight"]
    return {
        "scale": _stages(shapes, r"tail\.0\.\d+\.weight"),
        "n_feats": squeezed[1],
        "n_groups": _count(shapes, r"body\.(\d+)\.body"),
        "n_blocks": _count(shapes, r"body\.0\.body\.(\d+)\.body"),
        "reduction": squeezed[1] // squeezed[0],
    }


def _direct(first: str, blocks: str, last: str = "upsampler.0.weight") -> Callable[[Shapes], dict[str, Any]]:
    """IMDN, RFDN, RLFN, BSRN: numbered blocks and one pixel shuffle."""
    return lambda shapes: {
        "scale": _root(shapes[last][0]),
        "n_feats": shapes[first][0],
        "n_blocks": _count(shapes, blocks),
    }


def _rlfn(shapes: Shapes) -> dict[str, Any]:
    return _direct("conv_1.weight", r"block_(\d+)\.")(shapes) | {"n_mid_feats": shapes["block_1.c1_r.weight"][0]}


def _pan(shapes: Shapes) -> dict[str, Any]:
    return {
        "scale": 4 if "upconv2.weight" in shapes else None,
        "n_feats": shapes["conv_first.weight"][0],
        "n_up_feats": shapes["conv_last.weight"][1],
        "n_blocks": _count(shapes, r"SCPA_trunk\.(\d+)\."),
    }


def _carn(shapes: Shapes) -> dict[str, Any]:
    width = shapes["entry.weight"][0]
    mobile = "b1.b1.body.4.weight" in shapes
    multi_scale = "upsample.up2.body.0.weight" in shapes
    return {
        "scale": None if multi_scale else _carn_scale(shapes),
        "n_feats": width,
        "n_blocks": _count(shapes, r"c(\d+)\.body"),
        "groups": width // shapes["b1.b1.body.0.weight"][1] if mobile else None,
        "multi_scale": multi_scale,
    }


def _carn_scale(shapes: Shapes) -> int:
    width = shapes["entry.weight"][0]
    return math.prod(_root(shape[0], width) for key, shape in shapes.items() if re.fullmatch(r"upsample\.up\..*weight", key))


def _rrdb(shapes: Shapes) -> dict[str, Any]:
    first = shapes["conv_first.weight"]
    dense = "body.0.rdb1.conv1.weight" in shapes
    attention = {"attention.conv_du.0.weight": "channel", "attention.conv.weight": "spatial", "attention.qkv.weight": "self"}
    return {
        "scale": 4 // _root(first[1]),
        "n_feats": first[0],
        "n_blocks": _count(shapes, r"body\.(\d+)\."),
        "block": "rrdb" if dense else "residual",
        "attention": next((kind for key, kind in attention.items() if f"body.0.{key}" in shapes), "none"),
        "batch_norm": "body.0.rdb1.norm1.weight" in shapes or "body.0.norm1.weight" in shapes,
    } | ({"growth": shapes["body.0.rdb1.conv1.weight"][0]} if dense else {})


def _fsrcnn(shapes: Shapes) -> dict[str, Any]:
    return {
        "n_feats": shapes["first_part.0.weight"][0],
        "n_shrunk_feats": shapes["mid_part.0.weight"][0],
        "n_blocks": sum(len(shape) == 4 and key.startswith("mid_part") for key, shape in shapes.items()) - 2,
    }


def _unet(shapes: Shapes) -> dict[str, Any]:
    return {
        "scale": _stages(shapes, r"tail\.0\.\d+\.weight"),
        "n_feats": shapes["encoder.0.0.weight"][0],
        "n_blocks": _count(shapes, r"encoder\.0\.(\d+)\."),
        "n_levels": _count(shapes, r"up\.(\d+)\."),
    }


FAMILIES: list[tuple[tuple[str, ...], type[nn.Module], Callable[[Shapes], dict[str, Any]]]] = [
    # Keys that all must be there, the class, and its options from the shapes; "scale" is missing where they do not tell it.
    (("IMDB1.c1.weight",), IMDN, _direct("fea_conv.weight", r"IMDB(\d+)\.")),
    (("B1.c1_r.weight", "B1.esa.conv1.weight"), RFDN, _direct("fea_conv.weight", r"B(\d+)\.")),
    (("block_1.c1_r.weight", "block_1.esa.conv1.weight"), RLFN, _rlfn),
    (
        ("B1.c1_r.pw.weight", "B1.cca.conv_du.0.weight"),
        BSRN,
        _direct("fea_conv.pw.weight", r"B(\d+)\.", "upsampler.upsampleOneStep.0.weight"),
    ),
    (("SCPA_trunk.0.k1.0.weight",), PAN, _pan),
    (("entry.weight", "b1.b1.body.0.weight"), CARN, _carn),
    (("head.0.weight", "body.0.body.0.body.3.conv_du.0.weight", "sub_mean.weight"), RCAN, _rcan),
    (("head.0.weight", "body.0.body.2.weight", "sub_mean.weight"), EDSR, _edsr),
    (("conv_first.weight", "conv_body.weight", "conv_up2.weight", "conv_hr.weight"), RRDB, _rrdb),
    (("body.0.weight", "body.1.weight"), Compact, _compact),
    (("first_part.0.weight", "mid_part.0.weight", "last_part.weight"), FSRCNN, _fsrcnn),
    (
        ("first_part.0.weight", "first_part.2.weight", "last_part.0.weight"),
        ESPCN,
        lambda s: {"scale": _root(s["last_part.0.weight"][0], 1), "n_feats": s["first_part.0.weight"][0]},
    ),
    (
        ("conv1.0.weight", "trunk.0.rcb.0.weight"),
        SRResNet,
        lambda s: {
            "scale": _stages(s, r"upsampling\.\d+\.upsample_block\.0\.weight"),
            "n_feats": s["conv1.0.weight"][0],
            "n_blocks": _count(s, r"trunk\.(\d+)\."),
        },
    ),
    (
        ("input.weight", "residual_layer.0.conv.weight", "output.weight"),
        VDSR,
        lambda s: {
            "n_feats": s["input.weight"][0],
            "n_blocks": _count(s, r"residual_layer\.(\d+)\."),
            "bias": "input.bias" in s,
        },
    ),
    (
        ("conv1.weight", "conv2.weight", "conv3.weight"),
        SRCNN,
        lambda s: {"n_feats": s["conv1.weight"][0], "kernel_sizes": tuple(s[f"conv{i}.weight"][2] for i in (1, 2, 3))},
    ),
    (("encoder.0.0.weight", "up.0.weight", "tail.1.weight"), UNet, _unet),
    (
        ("body.0.weight", "tail.weight"),
        ResizeConv,
        lambda s: {"n_feats": s["tail.weight"][1], "n_blocks": _count(s, r"body\.(\d+)\.")},
    ),
]
