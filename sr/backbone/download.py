"""Files of torchvision's ImageNet weights and others, which learned metrics need."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from sr.errors import MissingError, first_line

T = TypeVar("T")


def with_backbone(build: Callable[[], T], metric: str, *urls: str) -> T:
    """Call ``build``, which loads the files named at the ends of ``urls`` from torch's cache, or downloads them.

    Raises:
        MissingError: a file is not in the cache and cannot be downloaded; one line says where to put it.
    """
    files = {Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1]): url for url in urls}
    try:
        return build()
    except OSError as error:  # URLError, HTTPError and timeouts are OSErrors
        file = next((file for file in files if not file.exists()), None)
        if file is None:
            raise
        raise MissingError(
            f"{metric} needs {file}, which is missing and could not be downloaded ({error}): download {files[file]} on another "
            f"machine and copy it there, or set TORCH_HOME to a folder that has hub/checkpoints/{file.name}"
        ) from None


def downloaded(build: Callable[[], T], metric: str) -> T:
    """Call ``build`` of a library that caches its downloads itself.

    Raises:
        MissingError: the files are missing and cannot be downloaded.
    """
    try:
        return build()
    except OSError as error:
        raise MissingError(
            f"{metric} needs weights that could not be downloaded ({first_line(error, 200)}): use it once on a machine with "
            "internet access, and set TORCH_HOME and HF_HOME to copies of the folders that it creates (~/.cache/torch, "
            "~/.cache/huggingface)"
        ) from None
