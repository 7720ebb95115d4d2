"""Pixels in [0, 1]: the check that they are, without which one in 0..255 would be scored and upscaled; and their levels."""

from collections.abc import Callable
from weakref import ref

from torch import Tensor

from sr.device.private import changes_of
from sr.errors import InputError

# The last image without fault, and how often it had been changed.
_last: tuple[Callable[[], Tensor | None], int | None] = (lambda: None, 0)
LARGEST = 100.0  # saturated satellite pixels reach 20 times the range of an image kind; 8-bit images exceed 100


def check_pixels(image: Tensor, name: str) -> None:
    """Refuse integers, and values that look like 8 or 16 bits. Several metrics ask for one HR: it is read once.

    Raises:
        InputError: one line with the name, what was found and how to divide.
    """
    if not image.is_floating_point():
        raise InputError(f"{name} is {image.dtype}: pass float32 in [0, 1], of uint8 {name}.float() / 255")
    global _last
    changes = changes_of(image)
    if _last[0]() is image and _last[1] == changes:
        return
    if image.numel() and (most := image.detach().max().item()) > LARGEST:
        raise InputError(f"{name} reaches {most:g}: pixels are in [0, 1], so divide 8-bit ones by 255 and 16-bit ones by 65535")
    _last = (ref(image), changes)


def levels(image: Tensor, most: int) -> Tensor:
    """Values in [0, 1], clipped, to those of integers up to `most`, plus 1/2: cut off at the point they are rounded half up."""
    return image.float().clamp(0, 1).mul_(most).add_(0.5)
