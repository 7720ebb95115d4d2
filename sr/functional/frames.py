"""What a network takes: pictures, clips or bursts; and networks for pictures on clips, frame by frame.

Pictures are (N, C, H, W). A network with `clips = True` turns clips (N, T, C, h, w) into clips (N, T, C, sH, sW); one with
`bursts = True` turns bursts (N, T, C, h, w), T pictures of one scene, into pictures (N, C, sH, sW). Without either it takes
pictures. `reach_t` of a network for clips is the number of frames before and after a frame on which its result depends (2 for a
sliding window of 5), or None: on the whole clip (recurrent networks).
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.leading import for_each_frame, pictures, restored


def is_clip(network: nn.Module) -> bool:
    """Whether a network takes clips."""
    return getattr(network, "clips", False)


def is_burst(network: nn.Module) -> bool:
    """Whether a network takes bursts."""
    return getattr(network, "bursts", False)


def check_clip(clip: Tensor, what: str = "clip") -> None:
    """InputError if a tensor is not (N, T, C, H, W)."""
    if clip.ndim != 5 or 0 in clip.shape:
        raise InputError(f"{what} has shape {tuple(clip.shape)}: expected (N, T, C, H, W), without empty dimensions")


def framewise(network: Callable[..., Tensor], clip: Tensor, **others: Any) -> Tensor:
    """A network for pictures on each frame of a clip: (N, T, C, h, w) -> (N, T, C, sH, sW); pictures pass unchanged.

    Args:
        others: further arguments of the network's `forward`; tensors have one value per clip, (N, ...).
    """
    given = {key: for_each_frame(value, clip) if isinstance(value, Tensor) else value for key, value in others.items()}
    return restored(network(pictures(clip), **given), clip)
