"""What predict.py upscales: a photograph, read whole, or a raster, read by windows; each with its writer and its strips."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from sr.errors import InputError
from sr.image import rasters
from sr.image.file import Image, read
from sr.image.kind import Kind
from sr.image.raster import Raster, extension
from sr.image.writer import DEEP, StripWriter, Writer, not_kept
from sr.infer import rasters as raster_strips
from sr.infer.strips import Alpha, check_bands, factor_of, shape, strips
from sr.infer.upscaler import Upscaler
from sr.network.inputs import check_least
from sr.say import warn

Picture = Image | Raster


def opened(path: Path, target: Path) -> Picture:
    """The raster, open, or the photograph of a file. Raises like `sr.image.file.read`.

    Pages of photographs whose result holds one picture are read as the photograph of the first, with its profile and EXIF.
    """
    raster = rasters.opened(path)
    if raster is not None and not raster.placed and not _keeps(raster, target):
        with suppress(InputError):
            return read(path)
    return raster or read(path)


def close(picture: Picture) -> None:
    """Close a raster, whose strips are all made; its writer needs it no more."""
    if isinstance(picture, Raster):
        picture.close()


def check(picture: Picture, upscaler: Upscaler, kind: Kind) -> None:
    """InputError: the file does not suit the network."""
    size = picture.shape if isinstance(picture, Raster) else picture.pixels.shape
    check_least(upscaler.network, *size[:2])
    if isinstance(picture, Raster):
        if upscaler.target is not None:
            raise InputError("size=... is for photographs, because a raster's geometry has one factor: pass outscale=...")
        raster_strips.check_bands(upscaler, picture, kind)
        kind.limits(picture)
        _say_modality(picture, kind)
        raster_strips.check_unit(picture, kind)
    elif not kind.whole:
        raise InputError(
            f"a photograph of {picture.pixels.dtype}, but image={kind.name} is {kind.dtype} in {list(kind.range)}: use a "
            "network trained for photographs"
        )
    else:
        check_bands(upscaler.network, picture.was_gray)


def check_pages(picture: Picture, target: Path, pages: str) -> None:
    """InputError: the file has several frames or pages of which the result would hold one, and `pages` is not "first"."""
    photograph = not isinstance(picture, Raster)
    count = picture.facts.frames if photograph else 1 if _keeps(picture, target) else picture.planes
    if count > 1 and pages != "first":
        raise InputError(
            f"has {count} frames or pages, but {target.name} holds one picture: pass pages=first for the first one alone; "
            "pages of a TIFF are kept in a .tif, and an animation is enlarged as a video or as a folder of its frames"
        )


def _say_modality(raster: Raster, kind: Kind) -> None:
    """Warn about a DICOM file whose values are not those of the network's images: an MR image has no Hounsfield units."""
    if found := raster.foreign(kind.name):
        warn(f"{raster.path.parent}: files of modality {found}, but the network is for image={kind.name}: do not trust results")


def writer(picture: Picture, target: Path, upscaler: Upscaler, outscale: float | None) -> tuple[StripWriter, dict[str, str]]:
    """The writer of a result, and what the result loses, in a few words -> what to say."""
    factor = factor_of(upscaler, outscale)
    if isinstance(picture, Image):
        kept = {"icc_profile": picture.icc_profile, "exif": picture.exif}
        lost = picture.facts.not_kept() | not_kept(target, picture.pixels.dtype, gray=picture.was_gray, **kept)
        return Writer(target, shape(picture, factor), picture.pixels.dtype, **kept), lost
    size = raster_strips.size(picture, factor)
    if _keeps(picture, target):
        return picture.writer(target, size), picture.not_kept()
    return _flat(picture, target, size)


def made(
    picture: Picture,
    target: Path,
    upscaler: Upscaler,
    kind: Kind,
    outscale: float | None,
    alpha_upscale: Alpha,
    progress: Callable[[float], None],
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The strips of a result, (h, W, C), and where they have data, (h, W) or None."""
    if isinstance(picture, Raster):
        planes = None if _keeps(picture, target) else 1
        return raster_strips.strips(upscaler, picture, kind, planes=planes, outscale=outscale, progress=progress)
    options = {"outscale": outscale, "alpha_upscale": alpha_upscale, "progress": progress}
    return ((strip, None) for strip in strips(upscaler, picture, **options))


def _keeps(raster: Raster, target: Path) -> bool:
    """Whether a result of this name is a raster; otherwise it is a photograph of the first plane."""
    return extension(target) in raster.written


def _flat(raster: Raster, target: Path, size: tuple[int, int, int]) -> tuple[StripWriter, dict[str, str]]:
    """The writer of a photograph made of a raster's first plane, without its metadata."""
    bands, deep = raster.shape[2], raster.dtype == np.uint16
    if bands not in (1, 3) or raster.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"{target}: {bands} bands of {raster.dtype} do not fit into {target.suffix}: write "
            f"{' or '.join(raster.written) or 'a file of another format'}"
        )
    lost = {"metadata": f"its coordinates and tags are not kept in {target.suffix}"} if raster.placed else {}
    if raster.full is not None:
        ends = "{:g} to {:g}".format(*raster.full)
        lost["brightness"] = f"its values, {ends}, are not spread over those of {target.suffix}: it looks dark"
    if raster.planes > 1:
        lost["further frames or pages"] = (
            f"only the first of its {raster.planes} frames or pages is upscaled in {target.suffix}"
        )
    if raster.masked:
        lost["nodata"] = f"where it has no data is not kept in {target.suffix}"
    if deep and target.suffix.lower() not in DEEP:
        lost["depth"] = f"its 16 bits become 8 in {target.suffix}"
    return Writer(target, (*size[1:], bands), raster.dtype), lost
