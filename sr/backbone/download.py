"""Files of torchvision's ImageNet weights, which learned metrics need."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from sr.errors import MissingError

T = TypeVar("T")


def with_backbone(build: Callable[[], T], metric: str, url: str) -> T:
    """Call ``build``, which loads the file named at the end of ``url`` from torch's cache, or downloads it.

    Raises:
        MissingError: the file is not in the cache and cannot be downloaded; one line says where to put it.
    """
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
    try:
        return build()
    except OSError as error:  # URLError, HTTPError and timeouts are OSErrors
        if file.exists():
            raise
        raise MissingError(
            f"{metric} needs {file}, which is missing and could not be downloaded ({error}): download {url} on another machine "
            f"and copy it there, or set TORCH_HOME to a folder that has hub/checkpoints/{file.name}"
        ) from None
