"""Leading dimensions: channels come before the two spatial dimensions, everything else in front of them.

Pictures are (N, C, H, W) and clips (N, T, C, H, W). Code for pictures works on clips if N and T become one dimension:
`pictures` does this, `restored` undoes it, and `for_each_frame` repeats a sample's values for each of its frames. A volume
(N, C, D, H, W) is not a clip: move its slices to the front, (N, D, C, H, W), if slices are pictures.
"""

from torch import Tensor

from sr.errors import InputError


def check_leading(image: Tensor, what: str = "image") -> None:
    """InputError if the tensor has no leading dimension: neither (N, C, H, W) nor (N, T, C, H, W)."""
    if image.ndim < 4:
        raise InputError(f"{what} has shape {tuple(image.shape)}: expected (N, C, H, W), or (N, T, C, H, W) for clips")


def pictures(image: Tensor) -> Tensor:
    """(N, ..., C, H, W) -> (M, C, H, W), M the product of all leading dimensions; pictures are returned unchanged.

    Raises:
        InputError: fewer than four dimensions.
    """
    check_leading(image)
    return image if image.ndim == 4 else image.flatten(0, -4)


def restored(made: Tensor, like: Tensor) -> Tensor:
    """(M, ...) computed from `pictures(like)` -> (N, ..., ...) with the leading dimensions of `like`."""
    return made if like.ndim == 4 else made.unflatten(0, like.shape[:-3])


def n_frames(image: Tensor) -> int:
    """Frames of each sample of (N, ..., C, H, W): 1 for pictures, T for clips."""
    return image.shape[1:-3].numel()


def for_each_frame(values: Tensor, image: Tensor) -> Tensor:
    """A value per sample of `image`, (N, ...), repeated for each picture of `pictures(image)`: (M, ...)."""
    return values if image.ndim == 4 else values.repeat_interleave(n_frames(image), dim=0)


def mean_over_frames(scores: Tensor, image: Tensor) -> Tensor:
    """Scores (M,) of `pictures(image)` -> (N,): the mean over the frames of each sample."""
    return scores if image.ndim == 4 else scores.unflatten(0, (len(image), -1)).mean(1)
