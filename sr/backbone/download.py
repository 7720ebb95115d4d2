"""Files of torchvision's ImageNet weights, on which learned metrics stand."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from sr.errors import MissingError

T = TypeVar("T")


def with_backbone(build: Callable[[], T], metric: str, url: str) -> T:
    """Call ``build``, which loads the file at the end of ``url`` from torch's cache or downloads it to there.

    Raises:
        FileNotFoundError: the file is not in the cache and cannot be downloaded; one line says where it belongs.
    """
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
    try:
        return build()
    except OSError as error:  # URLError, HTTPError and timeouts are OSErrors
        if file.exists():
            raise
        raise MissingError(
            f"{metric} needs {file}, which is missing and could not be downloaded ({error}): download {url} elsewhere "
            f"and put it there, or set TORCH_HOME to a folder that has hub/checkpoints/{file.name}"
        ) from None
