"""Checks that no training image is smaller than the patch."""

from collections.abc import Iterable
from typing import Any

from sr.data.store import Store
from sr.errors import InputError


def check_sizes(sets: Iterable[Any], patch_size: int, scale: float) -> None:
    """InputError: the first image file of the sets with a side below patch_size * scale."""
    need = round(patch_size * scale)
    for images in sets:
        for file, pixels in zip(images.files, images, strict=True) if isinstance(images, Store) else ():
            h, w = pixels.shape[:2]
            if min(h, w) < need:
                raise InputError(
                    f"{file}: {w}x{h} pixels is smaller than the HR patch of {need}x{need} (data.patch_size={patch_size} "
                    f"times scale={scale}); remove the image, or pass a smaller data.patch_size, or data.small=mirror"
                )
