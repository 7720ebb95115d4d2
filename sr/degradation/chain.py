"""Degradations in sequence: `degradation=[blur,bicubic,noise,jpeg]`."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation.bicubic import Bicubic
from sr.degradation.decimation import Decimation
from sr.degradation.sharpen import Sharpen
from sr.degradation.stage import Stage, joined_words, on_host, targets, width
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.parts import own, sample_each
from sr.functional.ranges import levels_of
from sr.functional.sent import sent_by_name


def only_bicubic(degradation: nn.Module) -> bool:
    """Whether a degradation is bicubic downscaling and nothing else, which can be made at any scale."""
    stages = list(getattr(degradation, "stages", {}).values())
    return len(stages) == 1 and isinstance(stages[0], Bicubic)


class Chain(nn.Module):
    """HR (N, C, sH, sW), quantised -> LR (N, C, H, W), quantised, through `stages` in order.

    Clips (N, T, C, sH, sW) as well: parameters of a sample hold for all its frames, but each frame has its own noise. With the
    stage `burst` (`makes_bursts`) LR of pictures are bursts, (N, T, C, H, W).

    After every stage the image is rounded half up to `levels` and clipped, as if each stage read and wrote a file. The
    MATLAB scripts of the BD benchmarks do so (imfilter, then imresize of uint8). A pipeline (`sr.degradation.sequence`)
    counts as one stage, and is rounded at its end.

    Args:
        stages: name -> degradation; a parameter `sigma` of the stage `blur` is called "blur.sigma".
        scale: HR pixels per LR pixel; the product of the stages' scales must equal it, otherwise InputError. At scale 1
            (restoration) a stage must change the image, otherwise `forward` raises InputError: LR would be HR.
        levels: 255 for 8 bit, 65535 for 16; None: images without levels, which are neither rounded nor clipped.
    """

    def __init__(self, stages: dict[str, nn.Module], scale: int, levels: int | None = 255) -> None:
        super().__init__()
        if not stages:
            raise InputError("degradation is empty; pass at least one stage, such as degradation=[bicubic]")
        for name, stage in stages.items():
            if width(stage, 1.0) != stage.scale:
                raise InputError(
                    f"degradation stage {name} leaves each sample in another size: put it in a pipeline that ends in the size "
                    "of LR (_target_: sr.degradation.sequence.Sequence, scale: ${scale}, stages: ...)"
                )
        product = math.prod(stage.scale for stage in stages.values())
        if product != scale:
            raise InputError(
                f"degradation=[{','.join(stages)}] downscales by {product}, but scale={scale}; "
                "one stage must downscale by scale=${scale}: bicubic or decimation"
            )
        self.stages = nn.ModuleDict(stages)
        self.scale, self.levels = scale, levels_of(levels)
        self.idle = scale == 1 and all(isinstance(stage, Bicubic | Decimation) for stage in stages.values())
        self.margin = _margin(list(stages.values()))
        self.makes_bursts = any(getattr(stage, "makes_bursts", False) for stage in stages.values())
        self.sharpens = any(isinstance(module, Sharpen) and module.target for module in self.modules())

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages, {"<stage>.<parameter>": (count, ...)}; each draws from a stream of its name."""
        return sample_each(self.stages, draws)

    def reach(self, parameters: dict[str, np.ndarray], size: int) -> int:
        """HR pixels around patches of size x size LR pixels that samples with these parameters need, at most `margin`."""
        side, scale = size, 1
        for name, stage in reversed(self.stages.items()):
            margin = stage.reach(own(parameters, name), side) if hasattr(stage, "reach") else stage.margin
            side, scale = side * stage.scale + 2 * margin, scale * stage.scale
        return -(-(side - size * scale) // (2 * scale)) * scale

    def words(self, parameters: dict[str, Any], count: int) -> list[str]:
        """What is done to each of `count` samples, for people: "blur sigma 1.8, bicubic 1/4, JPEG 54"."""
        samples = on_host(parameters) or [{}] * count
        return [joined_words((stage, own(one, name)) for name, stage in self.stages.items()) for one in samples]

    def on_device(self, parameters: dict[str, Any], told: bool = False) -> dict[str, Any]:
        """Those parameters that are read on the device, unlike those of pipelines; with `told` those that `told` reads too."""
        stages = {n for n, one in self.stages.items() if not isinstance(one, Stage) or (told and hasattr(one, "told"))}
        return {name: value for name, value in parameters.items() if name.split(".")[0] in stages}

    def told(self, parameters: dict[str, Any], device: torch.device) -> dict[str, Tensor]:
        """Keys of a batch, (N, ...) each: what stages tell of what they drew; the kernel of the stage `blur` is "blur_kernel".

        A stage tells by a method `told(parameters)` -> {name: (N,), (N, D) or, in the plane of the image, (N, C, H, W)}.
        """
        found: dict[str, Tensor] = {}
        for name, stage in self.stages.items():
            if hasattr(stage, "told"):
                told = stage.told(sent_by_name(own(parameters, name), device))
                found |= {f"{name}_{key}": value for key, value in told.items()}
        return found

    def forward(
        self, hr: Tensor, parameters: dict[str, Any], size: int | None = None, sent: dict[str, Tensor] | None = None
    ) -> Tensor:
        """LR of `hr`; with `size`, at least its middle size x size LR pixels, and only those if that saves work.

        Parameters are NumPy arrays, or tensors on the CPU: reading from a GPU would synchronise it. `sent`: those of
        `on_device`, where they are there already.
        """
        if hr.shape[-2] % self.scale or hr.shape[-1] % self.scale:
            raise InputError(f"HR size {tuple(hr.shape[-2:])} is not a multiple of scale={self.scale}; crop it first")
        if self.idle:
            raise InputError(
                f"degradation=[{','.join(self.stages)}] changes nothing at scale=1, so LR equals HR: "
                "pass degradation=[noise] or others, or LR files (data=folder data.train=DIR data.lr=DIR)"
            )
        image, sides = hr, self._sides(size)
        for name, stage in self.stages.items():
            given = own(parameters, name)
            if isinstance(stage, Stage):
                image = stage(image, given, sides[name])
            else:
                image = stage(image, sent_by_name(given if sent is None else own(sent, name), hr.device))
            image = quantise(image, self.levels) if self.levels else image
        return image

    def targets(self, hr: Tensor, parameters: dict[str, Any]) -> dict[str, Tensor]:
        """The target for patches `hr`: {"hr"}, if stages change it too (`sr.degradation.sharpen`).

        With "real" as well if a discriminator should use the unchanged ones as real.
        """
        if not self.sharpens:
            return {"hr": hr}
        changed, real = list(hr.unbind()), list(hr.unbind())
        for i, sample in enumerate(on_host(parameters) or [{}] * len(hr)):
            found = [one for name, stage in self.stages.items() for one in targets(stage, own(sample, name))]
            for stage in found:
                changed[i] = stage(changed[i][None], {})[0]
                real[i] = changed[i] if stage.discriminator else real[i]
        return {"hr": torch.stack(changed), "real": torch.stack(real)}

    def _sides(self, size: int | None) -> dict[str, int | None]:
        """Side of the square that later stages need from each pipeline's result; None for other stages, which give
        everything."""
        found: dict[str, int | None] = {}
        for name, stage in reversed(self.stages.items()):
            found[name] = size if hasattr(stage, "reach") else None
            size = size and size * stage.scale + 2 * stage.margin
        return found


def quantise(image: Tensor, levels: int = 255) -> Tensor:
    """Round [0, 1] half up to multiples of 1/levels, and clip."""
    return (image * levels).add_(0.5).floor_().clamp_(0, levels).div_(levels)


def _margin(stages: list[nn.Module]) -> int:
    """HR pixels around a patch on which its LR may depend, rounded up to whole LR pixels."""
    scale, margin = 1, 0
    for stage in stages:
        margin += stage.margin * scale
        scale *= stage.scale
    return -(-margin // scale) * scale
