"""Whether an image is in [0, 1], as everything here takes it: one in 0..255 would be scored and enlarged without an error."""

from torch import Tensor

from sr.errors import InputError

LARGEST = 100.0  # saturated pixels of a satellite reach 20 times the range of an image kind; pictures of 8 bits more than 100


def check_pixels(image: Tensor, name: str) -> None:
    """Refuse whole numbers, and values that are those of 8 or 16 bits.

    Raises:
        InputError: one line with the name, what was found and the division that mends it.
    """
    if not image.is_floating_point():
        raise InputError(f"{name} is {image.dtype}: pass float32 in [0, 1], of uint8 {name}.float() / 255")
    if image.numel() and (most := image.detach().max().item()) > LARGEST:
        raise InputError(f"{name} reaches {most:g}: pixels are in [0, 1], so divide 8-bit ones by 255 and 16-bit ones by 65535")
