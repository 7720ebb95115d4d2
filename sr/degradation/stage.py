"""The stage of a pipeline: draws each sample's parameters, and turns one sample's parameters into operations on its picture.

Samples of a batch may change their size by different factors, so a pipeline (`sr.degradation.sequence`) processes samples
one by one. Sizes and branches are known on the host, where the parameters are drawn: nothing synchronises the device.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation.region import Region, crop
from sr.errors import InputError
from sr.functional import band
from sr.functional.draws import Draws
from sr.functional.leading import check_leading
from sr.functional.sent import sent

Parameters = dict[str, Any]  # of one sample: plain numbers, or an array for a parameter with several values


class Operation:
    """One operation on one sample's picture (F, C, H, W) with F frames. The base class does nothing.

    `step` is the width of a pixel of its result in HR pixels; `kernel_size` the side of a filter, which its input must hold.
    """

    kernel_size = 1
    of_stream = False  # whether it treats all frames of a clip together

    def __init__(self, step: float) -> None:
        self.step = step

    def needs(self, wanted: Region) -> Region:
        """The pixels of the input on which the pixels `wanted` of the result depend."""
        return wanted

    def constants(self, given: Region, wanted: Region, block: int | None) -> list[np.ndarray]:
        """float32 arrays that `apply` takes as tensors; those of a whole batch cross to the device together.

        `block`: output pixels of one matrix product, None: all of them in one.
        """
        return []

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        """The pixels `wanted` of the result; `given` is `needs(wanted)`. May change `image` in place."""
        return image

    def followed_by(self, other: "Operation") -> "Operation | None":
        """Both operations combined, if that saves work."""
        return None


class Stage(nn.Module):
    """Base class of stages whose work depends on the sample: `plan` returns the operations for one sample."""

    scale, margin = 1, 0  # as a stage in a list with bicubic and others; `margin`: HR pixels needed around a patch

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"<parameter>": (count, ...)} for each sample."""
        return {}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        """The operations for a sample with these parameters, whose pixels are `step` HR pixels wide."""
        raise NotImplementedError

    def words(self, parameters: Parameters) -> str:
        """Text for the sample of these parameters: "JPEG 54"; "" where nothing is."""
        return named(self, parameters)

    def width(self, step: float | None) -> float | None:
        """HR pixels per pixel of the result, given those of the input; None: random per sample."""
        return step

    def targets(self, parameters: Parameters) -> list["Stage"]:
        """Stages that also change the sample's HR, which is the training target."""
        return []

    def forward(self, hr: Tensor, parameters: dict[str, Tensor], size: int | None = None) -> Tensor:
        """(N, C, sH, sW) or clips (N, T, C, sH, sW) in [0, 1] -> LR; with `size` its middle size x size pixels."""
        return run(self, hr, parameters, size)


class Ready(Operation):
    """A stage that only knows batches (`scale`, `margin`, `forward`), as an operation."""

    def __init__(self, stage: nn.Module, parameters: Parameters, step: float) -> None:
        super().__init__(step * stage.scale)
        self.stage, self.parameters = stage, parameters
        self.margin = -(-stage.margin // stage.scale)  # in pixels of the result

    def needs(self, wanted: Region) -> Region:
        return wanted.grown(self.margin).times(self.stage.scale)

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        given_parameters = {name: torch.as_tensor(np.asarray(value))[None] for name, value in self.parameters.items()}
        made = self.stage(image[None], given_parameters)[0]
        return crop(made, wanted.grown(self.margin), wanted)


def plan(stage: nn.Module, parameters: Parameters, step: float) -> list[Operation]:
    """The operations of any stage."""
    return stage.plan(parameters, step) if isinstance(stage, Stage) else [Ready(stage, parameters, step)]


def width(stage: nn.Module, step: float | None) -> float | None:
    """HR pixels per pixel after any stage; None if random."""
    return stage.width(step) if isinstance(stage, Stage) else step and step * stage.scale


def words(stage: nn.Module, parameters: Parameters) -> str:
    """Text for the sample of these parameters, for any stage."""
    return stage.words(parameters) if hasattr(stage, "words") else named(stage, parameters)


def joined_words(stages: Iterable[tuple[nn.Module, Parameters]]) -> str:
    """Those of stages one after the other, of those that do something."""
    return ", ".join(filter(None, (words(stage, parameters) for stage, parameters in stages)))


def named(stage: nn.Module, parameters: Parameters) -> str:
    """The class of a stage with names and values of its parameters."""
    texts = [type(stage).__name__, *(f"{name} {_number(value)}" for name, value in parameters.items())]
    return " ".join(texts)


def _number(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim:
        return "x".join(map(str, array.shape))  # a kernel, for instance
    return f"{array.item():.3g}" if array.dtype.kind == "f" else str(array.item())


def targets(stage: nn.Module, parameters: Parameters) -> list[Stage]:
    """The stages within any stage that also change HR, for a sample with these parameters."""
    return stage.targets(parameters) if isinstance(stage, Stage) else []


def on_host(parameters: dict[str, Any]) -> list[Parameters]:
    """{"<parameter>": (N, ...)} of tensors or arrays -> one dict per sample."""
    arrays = {name: np.asarray(value.cpu() if isinstance(value, Tensor) else value) for name, value in parameters.items()}
    lists = {name: array.tolist() if array.ndim == 1 else array for name, array in arrays.items()}
    count = len(next(iter(lists.values()), ()))
    return [{name: values[i] for name, values in lists.items()} for i in range(count)]


def regions(operations: list[Operation], wanted: Region) -> list[Region]:
    """The pixels of HR, of the result of the first operation, ..., of the last, on which `wanted` of the last depends."""
    found = [wanted]
    for operation in reversed(operations):
        found.append(operation.needs(found[-1]))
    return found[::-1]


def joined(operations: list[Operation]) -> list[Operation]:
    """The operations, with neighbours combined if that saves work."""
    found: list[Operation] = []
    for operation in operations:
        both = found[-1].followed_by(operation) if found else None
        found[-1:] = [both] if both else [*found[-1:], operation]
    return found


def run(stage: Stage, hr: Tensor, parameters: dict[str, Any], size: int | None) -> Tensor:
    """Apply a stage or pipeline of fixed scale to a batch, sample by sample."""
    check_leading(hr)
    height, width = (length // stage.scale for length in hr.shape[-2:])
    # All grids begin at the wanted pixels' corner, so that they are the same however much of the picture is given around.
    top, left = (0, 0) if size is None else ((height - size) // 2, (width - size) // 2)
    frame = Region(0, height, 0, width) if size is None else Region(0, size, 0, size)
    samples = on_host(parameters) or [{} for _ in range(len(hr))]
    plans = [joined(stage.plan(sample, 1.0)) for sample in samples]
    for operations in plans:
        _check_sizes(operations, hr.shape[-2:])
    whole = Region(-top, height - top, -left, width - left).times(stage.scale)
    needed = [regions(operations, frame) for operations in plans]
    block = band.BLOCK if hr.device.type == "cpu" else None
    given = [
        operation.constants(*pair, block)
        for operations, found in zip(plans, needed, strict=True)
        for operation, pair in zip(operations, zip(found, found[1:], strict=False), strict=True)
    ]
    constants = iter(_sent(given, hr.device))
    made = []
    with torch.no_grad():
        for image, operations, found in zip(hr, plans, needed, strict=True):
            picture = crop(image.reshape(-1, *image.shape[-3:]), whole, found[0])
            for operation, before, after in zip(operations, found, found[1:], strict=False):
                picture = operation.apply(picture, before, after, next(constants))
            made.append(picture.view(*image.shape[:-2], *picture.shape[-2:]))
        return torch.stack(made)


def _check_sizes(operations: list[Operation], size: tuple[int, int]) -> None:
    """InputError where a picture of `size` HR pixels is smaller than the kernel of a filter, where that comes."""
    step = 1.0
    for operation in operations:
        height, width = (round(length / step) for length in size)
        if min(height, width) < operation.kernel_size:
            raise InputError(
                f"degradation: a picture of {height}x{width} pixels comes to a blur, smaller than its kernel of "
                f"{operation.kernel_size}x{operation.kernel_size}; take larger images, in training a larger data.patch_size, "
                "or a smaller kernel_size"
            )
        step = operation.step


def _sent(given: list[list[np.ndarray]], device: torch.device) -> list[list[Tensor]]:
    """The constants of all operations, in one copy."""
    pieces = iter(sent([array for arrays in given for array in arrays], device))
    return [[next(pieces) for _ in arrays] for arrays in given]
