"""The size of a network: its parameters and its multiply-adds per image, or per frame of a clip."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sr.backend.exported import Exported
from sr.functional.frames import is_clip
from sr.infer.upscaler import channels
from sr.network.inputs import alone, chosen
from sr.network.reparameterised import blocks, deployed

FRAMES = 4  # of the clip that a network for clips is measured on


def example(network: nn.Module, lr: Tensor) -> tuple[Tensor, int]:
    """What a network gets to measure its work on the image (1, C, h, w), and the number of frames in it."""
    return (lr[:, None].expand(-1, FRAMES, -1, -1, -1), FRAMES) if is_clip(network) else (lr, 1)


def parameters(network: nn.Module) -> int | None:
    """Number of parameters used in evaluation: merged convolutions, not the ones they are merged from.

    Of an exported file what its metadata says; None if they say nothing.
    """
    if (file := _exported(network)) is not None:
        return (file.facts.parameters or None) if file.facts else None
    merged = blocks(network)
    wide = {id(p) for block in merged for p in block.parameters()}
    plain = [p for block in merged for p in block.merged().parameters()]
    return sum(p.numel() for p in plain) + sum(p.numel() for p in network.parameters() if id(p) not in wide)


def multiply_adds(network: nn.Module, height: int = 720, width: int = 1280) -> float | None:
    """Multiply-adds of convolutions and matrix products for one image with an output of this size, in eval mode; for one frame
    of a clip.

    Runs on shapes alone (torch's meta device), with the LR size rounded up to `multiple_of`. Of an exported file what its
    metadata says, for 1280x720 alone.

    Returns:
        None if the network does not run on shapes alone.
    """
    if (file := _exported(network)) is not None:
        return (file.facts.multiply_adds or None) if file.facts and (height, width) == (720, 1280) else None
    scale, multiple = network.scale, network.multiple_of
    rows, columns = (int(-(-side // scale // multiple)) * multiple for side in (height, width))
    counter = FlopCounterMode(display=False, custom_mapping=_deformable())
    try:
        shapes = deployed(copy.deepcopy(network).eval()).to("meta")
        with torch.no_grad(), counter:
            lr, frames = example(network, torch.empty(1, channels(network), rows, columns, device="meta"))
            shapes(lr, **chosen(network, alone(lr, scale)))
    except (RuntimeError, NotImplementedError, ValueError):  # InputError: it needs to know more than the image
        return None
    return counter.get_total_flops() / 2 / frames


def _exported(network: nn.Module) -> Exported | None:
    """The file that a network is, or that it hands images to."""
    return next((module for module in network.modules() if isinstance(module, Exported)), None)


def _deformable() -> dict[Any, Any]:
    """torchvision's deformable convolution costs what a convolution does."""
    import torchvision  # noqa: F401  registers the operator

    def flops(x: Any, weight: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
        n, _, height, width = out_shape
        return 2 * n * height * width * weight[0] * weight[1] * weight[2] * weight[3]

    return {torch.ops.torchvision.deform_conv2d: flops}
