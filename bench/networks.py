"""Parameters and multiply-adds of every network, at 1280x720 output, beside the published figures.

    python bench/networks.py > bench/networks.md        # a minute; shapes alone are computed (torch's meta device)

Multiply-adds are those of convolutions and matrix products, at the LR size that is the next multiple the network takes.
"""

import warnings

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.utils.flop_counter import FlopCounterMode

from sr.cli import CONF
from sr.table import markdown

# (parameters in M, multiply-adds in G) at x4 as the papers print them, or where they do not as IMDN's and BSRN's tables do.
PUBLISHED = {
    "bsrn": (0.352, 19.4),
    "carn": (1.592, 90.9),
    "carn_m": (0.412, 32.5),
    "edsr": (43.1, 2895.8),
    "edsr_baseline": (1.518, 114.0),
    "fsrcnn": (0.013, 4.6),
    "imdn": (0.715, 40.9),
    "omnisr": (0.792, 45.3),
    "pan": (0.272, 28.2),
    "rlfn": (0.543, 29.8),
    "safmn": (0.24, 14.0),
    "srcnn": (0.057, 52.7),
    "swinir_light": (0.897, 49.6),
    "vdsr": (0.666, 612.6),
}
REASONS = {
    "carn": "published with the upsampling of x2, x3 and x4",
    "carn_m": "published with the upsampling of x2, x3 and x4",
    "fsrcnn": "deconvolution counted on the LR grid, where it is computed; published on the HR grid",
    "omnisr": "9K parameters of position bias; products inside attention, padding to whole windows; a rest unexplained",
    "swinir_light": "32K parameters of position bias; 10.9 G inside attention; padding to whole windows; 1 G unexplained",
}


def measure(name: str, scale: int) -> tuple[float, float | None]:
    """(parameters in M, multiply-adds in G or None where shapes alone do not run) of conf/network/<name>.yaml."""
    config = OmegaConf.create({"scale": scale})
    node = OmegaConf.load(CONF / "network" / f"{name}.yaml")
    for base in node.pop("defaults", []):
        node = node if base == "_self_" else OmegaConf.merge(OmegaConf.load(CONF / "network" / f"{base}.yaml"), node)
    network = instantiate(OmegaConf.merge(config, {"network": node}).network, _convert_="all").eval()
    n_parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    multiple = network.multiple_of
    height, width = (-(-side // scale // multiple) * multiple for side in (720, 1280))
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            network.to("meta")(torch.empty(1, 3, height, width, device="meta"))
    except (RuntimeError, NotImplementedError, ValueError):
        return n_parameters, None
    return n_parameters, counter.get_total_flops() / 2e9


def main() -> None:
    warnings.simplefilter("ignore")
    rows = [["network", "parameters x4, M", "published", "multiply-adds x4, G", "published", "differs by"]]
    for file in sorted((CONF / "network").glob("*.yaml")):
        n_parameters, work = measure(file.stem, 4)
        promised = [f"{value:g}" for value in PUBLISHED.get(file.stem, ())] or ["", ""]
        cost = "not on shapes alone" if work is None else f"{work:.1f}"
        rows.append([file.stem, f"{n_parameters:.3f}", promised[0], cost, promised[1], REASONS.get(file.stem, "")])
    print(markdown(rows))


if __name__ == "__main__":
    main()
