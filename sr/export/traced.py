"""A network as a graph of operators for images of any height and width, by torch.export."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sr.errors import InputError, first_line
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.network.inputs import conditions, fits
from sr.network.name import name_of

# LR pixels of the image that is traced, rounded up to what the network needs. DAT and RGT have stored masks for images as high
# as their training patches, 64 pixels, which a tracer would take for those of any size: here it is 96.
SIDES = (72, 40)
LEAST = 5  # LR pixels of a side; a stride of 2 leaves more than one pixel of them, which a tracer takes for granted
PRECISIONS = {"32": torch.float32, "16": torch.float16, "bf16": torch.bfloat16}


def traced(network: nn.Module, precision: str = "32") -> torch.export.ExportedProgram:
    """The network as a graph (N, `channels`, H, W) -> (N, `channels`, sH, sW) of float32, for any H and W, and any N
    if possible, else one.

    Args:
        network: for pictures; set to eval mode. One of any scale is traced at its own.
        precision: "16" and "bf16": weights and features in half precision, image and result in float32.

    Raises:
        InputError: as `check_exportable`; what it computes depends on the image's size in a way that a graph cannot express.
    """
    check_exportable(network)
    name = type(network).__name__
    inner = network.eval() if precision == "32" else _Half(network.eval(), PRECISIONS[precision])
    multiple = network.multiple_of
    height, width = (-(-side // multiple) * multiple for side in SIDES)
    lr = torch.full((2, network.channels, height, width), 0.5)
    with quiet(), torch.no_grad():
        for images in (2, 1):  # some networks compute with the number of images in ways that hold for one alone
            try:
                return torch.export.export(inner, (lr[:images],), dynamic_shapes=(_free(multiple, images),), strict=False)
            except Exception as error:  # of many classes
                failure = error
    raise InputError(f"{name} cannot be traced for images of any size: {first_line(failure, 200)}") from failure


def check_exportable(network: nn.Module) -> None:
    """InputError: it is for clips, bursts or volumes; needs more than an image; trains on each image; draws
    noise; is exported already."""
    name = name_of(network)
    if what := next((word for word, is_one in _KINDS.items() if is_one(network)), None):
        raise InputError(f"{name} is for {what}: only networks for pictures are exported")
    if fits(network):
        raise InputError(f"{name} cannot be exported: it trains on each image")
    if getattr(network, "draws_noise", False):
        raise InputError(f"{name} cannot be exported: it draws noise for the size of each image")
    if hasattr(network, "own_precision"):  # sr/backend/exported.py
        raise InputError(f"{name} cannot be exported: it is exported already")
    if needed := conditions(network):
        raise InputError(f"{name} also needs {', '.join(needed)}: only networks of one image are exported")


_KINDS = {"clips": is_clip, "bursts": is_burst, "volumes": is_volume}


def _free(multiple: int, images: int) -> dict[int, object]:
    """Dimensions that vary: H and W in multiples, and N unless there is one image."""
    dim = torch.export.Dim
    sides = {2: dim("height", min=LEAST), 3: dim("width", min=LEAST)}
    if multiple > 1:
        sides = {2: multiple * dim("rows"), 3: multiple * dim("columns")}
    return sides | ({0: dim("images")} if images > 1 else {})


class _Half(nn.Module):
    """The network with weights and features in half precision."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, lr: Tensor) -> Tensor:
        return self.network(lr.to(self.dtype)).float()


@contextmanager
def quiet() -> Iterator[None]:
    """Without the long texts of torch.export, whose first line the error has."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)
