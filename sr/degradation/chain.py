"""Degradations one after the other: `degradation=[blur,bicubic,noise,jpeg]`."""

import math

import numpy as np
from torch import Tensor, nn

from sr.degradation.bicubic import Bicubic
from sr.degradation.decimation import Decimation
from sr.errors import InputError
from sr.functional.draws import Draws


class Chain(nn.Module):
    """HR (N, C, sH, sW) on the grid of its levels -> LR (N, C, H, W) on that grid, through `stages` in their order.

    Clips (N, T, C, sH, sW) too: what is drawn for a sample holds for all of its frames, and noise differs between them.

    After every stage the image is rounded half up to `levels` and clipped, as if each stage read and wrote a file. The
    MATLAB scripts of the BD benchmarks do so (imfilter, then imresize of uint8), and all stages rely on such input.

    Args:
        stages: name -> degradation; a parameter `sigma` of the stage `blur` is called "blur.sigma".
        scale: HR pixels for an LR pixel; the product of the stages' scales must be that, else ValueError. At scale 1
            (restoration) a stage must change the image, else `forward` raises InputError: LR would be HR.
        levels: 255 for 8 bit, 65535 for 16; None: images without levels, which are neither rounded nor clipped.
    """

    def __init__(self, stages: dict[str, nn.Module], scale: int, levels: int | None = 255) -> None:
        super().__init__()
        if not stages:
            raise InputError("degradation is empty; name at least one stage, such as degradation=[bicubic]")
        product = math.prod(stage.scale for stage in stages.values())
        if product != scale:
            raise InputError(
                f"degradation=[{','.join(stages)}] shrinks by {product}, but scale={scale}; "
                "one stage must shrink, by scale=${scale}: bicubic or decimation"
            )
        self.stages = nn.ModuleDict(stages)
        self.scale, self.levels = scale, levels
        self.idle = scale == 1 and all(isinstance(stage, Bicubic | Decimation) for stage in stages.values())
        self.margin = _margin(list(stages.values()))

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages, {"<stage>.<parameter>": (count, ...)}; each draws from a stream of its name."""
        return {f"{name}.{k}": v for name, stage in self.stages.items() for k, v in stage.sample(draws.stream(name)).items()}

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        if hr.shape[-2] % self.scale or hr.shape[-1] % self.scale:
            raise InputError(f"HR size {tuple(hr.shape[-2:])} is not a multiple of scale={self.scale}; crop it first")
        if self.idle:
            raise InputError(
                f"degradation=[{','.join(self.stages)}] changes nothing at scale=1, so that LR equals HR: "
                "pass degradation=[noise] or others, or LR files (data=folder data.train=DIR data.lr=DIR)"
            )
        image = hr
        for name, stage in self.stages.items():
            own = {k.removeprefix(f"{name}."): v for k, v in parameters.items() if k.startswith(f"{name}.")}
            image = stage(image, own)
            image = quantise(image, self.levels) if self.levels else image
        return image


def quantise(image: Tensor, levels: int = 255) -> Tensor:
    """Round [0, 1] half up to multiples of 1/levels, and clip."""
    return (image * levels).add_(0.5).floor_().clamp_(0, levels).div_(levels)


def _margin(stages: list[nn.Module]) -> int:
    """HR pixels around a patch that its LR depends on, rounded up to whole LR pixels."""
    scale, margin = 1, 0
    for stage in stages:
        margin += stage.margin * scale
        scale *= stage.scale
    return -(-margin // scale) * scale
