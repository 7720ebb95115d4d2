"""What networks for clips promise beyond those for pictures, checked on a tiny clip; see sr/weights/contract.py."""

import torch
from torch import Tensor, nn

from sr.errors import InputError

FRAMES = 3


def moving(image: Tensor) -> Tensor:
    """(1, C, H, W) -> (1, 3, C, H, W): a clip in which it moves by a pixel per frame."""
    return torch.stack([image.roll(shift, -1) for shift in range(FRAMES)], dim=1)


@torch.no_grad()
def check(network: nn.Module, clip: Tensor) -> None:
    """Check `reach_t` of a network that enlarges this clip (1, T, C, H, W), and that it takes clips of one frame.

    Raises:
        InputError: one line that says what is wrong.
    """
    name, reach = type(network).__name__, getattr(network, "reach_t", None)
    if reach is not None and (type(reach) is not int or reach < 0):
        raise InputError(f"{name}.reach_t is {reach!r}: set it to the frames on each side that a result depends on, or to None")
    try:
        network(clip[:, :1])
    except Exception as error:
        raise InputError(
            f"{name} takes {clip.shape[1]} frames but not one: clips end, so repeat or mirror frames inside forward"
        ) from error
    if reach is None:
        return
    still = clip[:, :1].expand(-1, 2 * reach + 3, *clip.shape[2:]).clone()
    before = network(still)[:, 0]
    still[:, -1] = 1 - still[:, -1]
    if not torch.equal(network(still)[:, 0], before):
        raise InputError(f"{name}.reach_t is {reach}, but a frame further away changes the result: set it to None")
