"""Which frames of a batch a network gets: bursts, clips and pictures meet networks for each of them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.say import warn


def has_burst(batch: Mapping[str, Any]) -> bool:
    """Whether LR of a batch are bursts (N, T, C, H, W): several frames, and HR, if there is any, is one picture."""
    hr = batch.get("hr")
    return batch["lr"].ndim == 5 and "frames" not in batch and (hr is None or hr.ndim == 4)


def reference(batch: Mapping[str, Any]) -> Tensor:
    """LR as pictures show it: the first frame of bursts."""
    return batch["lr"][:, 0] if has_burst(batch) else batch["lr"]


def seen(network: nn.Module, batch: Mapping[str, Any]) -> Tensor:
    """LR as the network takes it: of a burst the first frame alone for a network for pictures; for one for bursts a picture as
    a burst of one frame, with a warning.

    Raises:
        InputError: a network for clips gets bursts, or one for bursts gets clips.
    """
    lr, name = batch["lr"], type(network).__name__
    if is_volume(network):
        return lr
    if has_burst(batch):
        if is_clip(network):
            raise InputError(f"{name} is for clips, but the data have bursts: pass data=clips, or network=burst_fusion")
        return lr if is_burst(network) else lr[:, 0]
    if not is_burst(network):
        return lr
    if lr.ndim == 5:
        raise InputError(
            f"{name} is for bursts, but the data have clips: pass benchmark=[bursts], or data=folder with "
            "degradation=[burst,bicubic]"
        )
    warn(f"{name} gets pictures: each is a burst of one frame, so this is single-frame SR")
    return lr[:, None]
