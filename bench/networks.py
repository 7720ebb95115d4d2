"""Parameters and multiply-adds of every network, at 1280x720 output, beside the published figures and where they are printed.

    python bench/networks.py > bench/networks.md        # a minute; shapes alone are computed (torch's meta device)

Parameters are those that evaluation uses: SPAN trains 2.2M and merges them. Multiply-adds are those of convolutions and matrix
products, at the LR size that is the next multiple the network takes. Where authors count at another size, "differs by"
counts at theirs. Their counters (fvcore's) add normalisation and global pooling: said where it shows in the figure.
"""

import argparse
import warnings
from dataclasses import asdict

import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from torch import nn

from common import options
from sr.cli import CONF
from sr.device.count import multiply_adds, parameters
from sr.functional.frames import is_burst, is_clip
from sr.image.kind import PHOTO
from sr.network.reparameterised import deployed
from sr.view.table import markdown

FILES = {file.stem: OmegaConf.load(file) for file in (CONF / "network").glob("*.yaml")}
CLIPS = sorted(name for name, node in FILES.items() if is_clip(get_class(node["_target_"])))
BURSTS = sorted(name for name, node in FILES.items() if is_burst(get_class(node["_target_"])))
FITS = {name for name, node in FILES.items() if getattr(get_class(node["_target_"]), "fits", False)}  # train on each image
PICTURES = (name for name, node in FILES.items() if "axes" not in node)
NAMES = sorted({*PICTURES} - {*CLIPS, *BURSTS} - FITS - {"nafnet"})  # nafnet makes no x4
# (parameters in M, multiply-adds in G or None, where it is printed), at x4.
PAPER = "its paper, or IMDN's and BSRN's tables"
PUBLISHED = {
    "atd_light": (0.769, 100.1, "UCAN's table, arXiv:2603.11680"),
    "bsrn": (0.352, 19.4, PAPER),
    "carn": (1.592, 90.9, "SwinIR's table"),
    "carn_m": (0.412, 32.5, PAPER),
    "dat": (14.80, None, "README of zhengchen1999/DAT"),
    "dat_light": (0.573, 49.69, "README of zhengchen1999/DAT"),
    "drct": (14.13, None, "README of ming053l/DRCT"),
    "edsr": (43.1, 2895.8, PAPER),
    "edsr_baseline": (1.518, 114.0, PAPER),
    "fsrcnn": (0.013, 4.6, PAPER),
    "hat": (20.77, None, "README of ming053l/DRCT"),
    "hat_small": (9.6, None, "README of XPixelGroup/HAT"),
    "imdn": (0.715, 40.9, "SwinIR's table"),
    "omnisr": (0.792, 45.3, "its paper"),
    "pan": (0.272, 28.2, PAPER),
    "rcan": (15.6, 917.6, "SwinIR's table; UCAN's, arXiv:2603.11680"),
    "rfdn": (0.433, None, "issue 6 of njulj/RFDN"),
    "rgt": (13.37, None, "README of zhengchen1999/RGT"),
    "rgt_small": (10.20, None, "README of zhengchen1999/RGT"),
    "rlfn": (0.543, 29.8, PAPER),
    # 19.70 G for 256x256 LR pixels, here for 320x180.
    "rlfn_ntire": (0.317, 17.3, "README of bytedance/RLFN"),
    "rrdb": (16.7, None, "its paper"),
    "safmn": (0.24, 14.0, "its paper"),
    "span": (0.498, None, "its paper"),
    "span_small": (0.426, None, "its paper"),
    "srcnn": (0.057, 52.7, PAPER),
    "swinir": (11.9, None, "its paper"),
    "swinir_light": (0.897, 49.6, "its paper"),
    "vdsr": (0.666, 612.6, PAPER),
}
# (multiply-adds in G, side of the square LR image, where else it is printed) at x4, where authors count at another size.
ELSEWHERE = {
    "dat": (275.75, 128, ""),
    "hat": (102.4, 64, " in README of XPixelGroup/HAT"),
    "hat_small": (54.9, 64, ""),
    "rgt": (251.07, 128, ""),
    "rgt_small": (193.08, 128, ""),
    "swinir": (53.6, 64, " in README of XPixelGroup/HAT"),
}
COUNTED = {"LayerNorm": 5, "BatchNorm2d": 2, "AdaptiveAvgPool2d": 1}  # for a value, by fvcore
REASONS = {
    "atd_light": "with normalisation 99.7; 0.4 G unexplained",
    "carn": "published with the upsampling of x2, x3 and x4",
    "carn_m": "published with the upsampling of x2, x3 and x4",
    "dat_light": "padded from 180 to 192 rows; unpadded, with normalisation and pooling 49.69",
    "fsrcnn": "deconvolution counted on the LR grid, where it is computed; published on the HR grid",
    "hat": "unexplained",
    "omnisr": "9K parameters of position bias, 4K unexplained; products inside attention, padding to whole windows, a rest"
    " unexplained; UCAN's table has 50.9: with normalisation",
    "rcan": "with global pooling 917.6",
    "safmn": "padded from 180 to 184 rows; with normalisation 14.0",
    "swinir_light": "32K parameters of position bias; 10.9 G inside attention; padding to whole windows; 1 G unexplained",
}


def network(name: str, scale: int = 4, n_blocks: int | None = None) -> nn.Module:
    """conf/network/<name>.yaml as it is used, its weights the same each time; with at most so many blocks of two layers."""
    node = OmegaConf.load(CONF / "network" / f"{name}.yaml")
    if n_blocks:
        for key in ("n_blocks", "n_groups"):
            if node.get(key):
                node[key] = min(node[key], n_blocks)
        for key in ("depths", "depth"):
            if key in node.get("options", {}):
                node.options[key] = 2
    torch.manual_seed(0)
    cfg = OmegaConf.create({"scale": scale, "image": asdict(PHOTO), "network": node})
    return deployed(instantiate(cfg.network, _convert_="all").eval())


def known(word: str) -> str:
    """A word of the command line that names a network of conf/network."""
    if word not in {*NAMES, *CLIPS, *BURSTS}:
        raise argparse.ArgumentTypeError(f"{word}: no such network in conf/network")
    return word


def measure(name: str, scale: int) -> tuple[float, float | None]:
    """(parameters in M, multiply-adds in G or None where shapes alone do not run) of conf/network/<name>.yaml."""
    whole = network(name, scale)
    work = multiply_adds(whole)
    return parameters(whole) / 1e6, None if work is None else work / 1e9


def elsewhere(name: str) -> str:
    """The multiply-adds of ELSEWHERE beside those counted here, without and with what COUNTED adds."""
    promised, side, source = ELSEWHERE[name]
    whole, added = network(name), []

    def count(part: nn.Module, inputs: tuple[torch.Tensor], _: torch.Tensor) -> None:
        added.append(COUNTED[type(part).__name__] * inputs[0].numel())

    for part in whole.modules():
        if type(part).__name__ in COUNTED:
            part.register_forward_hook(count)
    work = multiply_adds(whole, 4 * side, 4 * side)
    both = f"{work / 1e9:.2f}, with normalisation and pooling {(work + sum(added)) / 1e9:.2f}"
    return f"{promised:g} G{source} for {side}x{side} LR pixels; here {both}"


def main() -> None:
    options(__doc__)
    warnings.simplefilter("ignore")
    rows = [["network", "parameters x4, M", "published", "multiply-adds x4, G", "published", "printed in", "differs by"]]
    for name in NAMES:
        count, work = measure(name, 4)
        *promised, source = PUBLISHED.get(name, (None, None, ""))
        promised = ["" if value is None else f"{value:g}" for value in promised]
        cost = "not on shapes alone" if work is None else f"{work:.1f}"
        reasons = [elsewhere(name)] if name in ELSEWHERE else []
        reasons += [REASONS[name]] if name in REASONS else []
        rows.append([name, f"{count:.3f}", promised[0], cost, promised[1], source, "; ".join(reasons)])
    print(markdown(rows))


if __name__ == "__main__":
    main()
