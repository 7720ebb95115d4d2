"""What losses compare in a training step: SR and HR, of clips their frames, and further outputs of the network."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sr.functional.frames import is_clip
from sr.functional.leading import pictures


def frames(network: nn.Module, image: Tensor) -> Tensor:
    """The frames (N T, C, H, W) of a clip of a network for clips; pictures and volumes are unchanged."""
    return pictures(image) if is_clip(network) else image


def enlarged(
    module: Any, lr: Tensor, others: Mapping[str, Any], hr: Tensor, batch: Mapping[str, Any]
) -> tuple[Tensor, dict[str, Tensor]]:
    """SR as losses see it, of clips the frames, and the further outputs of the network that losses are `of`."""
    network, made = module.network, {}
    if module.loss.of:  # not compiled: more than `forward`
        sr, made = network.outputs(lr, **others)
    else:
        sr = module.trained("network")(lr, **others)
    return frames(network, module.learned(sr, hr, batch)), made


def compared(
    module: Any, lr: Tensor, others: Mapping[str, Any], hr: Tensor, batch: Mapping[str, Any]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """SR as losses see it, the weighted sum of the losses of an SRModule, and each by name. Of clips losses see the frames."""
    network = module.network
    sr, made = enlarged(module, lr, others, hr, batch)
    average = module.average_image(lr, **others)
    loss, parts = module.loss(
        sr,
        frames(network, hr),
        None if average is None else frames(network, average),
        {name: frames(network, image) for name, image in made.items()},
    )
    return sr, loss, parts
