"""EXIF: the orientation is applied and dropped, the rest goes on to the new file. For `sr/image/file.py` alone."""

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif, Image

ICC_PROFILE = Base.InterColorProfile
# A TIFF's page holds its layout beside what EXIF shares with it: texts, resolution, camera and place. Only these may go
# into another file.
SHARED_BY_TIFF = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.Orientation, Base.XResolution, Base.YResolution),
    *(Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist, Base.Copyright, IFD.Exif, IFD.GPSInfo),
)
LAST_OF_LAYOUT = Base.ReferenceBlackWhite  # the highest number of those in TIFF 6.0, appendix A


def of(image: Image) -> Exif:
    """EXIF of a loaded image, or as much as stands before the pixels of one that is not loaded."""
    # not image.getexif(): for a PNG without EXIF that decodes the whole file, in search of a block behind the pixels
    tags = Image.getexif(image)
    if image.format == "TIFF":
        tags = without_layout(tags)
        tags.pop(Base.Orientation, None)  # Pillow turns a TIFF by itself, and no other format
    return tags


def without_layout(tags: Exif) -> Exif:
    """Those of a TIFF page's tags that fit every file."""
    kept = Exif()
    for tag in SHARED_BY_TIFF:
        if tag in tags:
            kept[tag] = tags.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else tags[tag]
    return kept


def fitting_tiff(tags: Exif) -> Exif:
    """Those of another file's tags that are no layout, which a TIFF has of its own."""
    for tag in [tag for tag in tags if tag <= LAST_OF_LAYOUT and tag not in SHARED_BY_TIFF]:
        del tags[tag]
    return tags


def orientation(tags: Exif) -> int:
    """1 to 8, see the EXIF standard 2.32, section 4.6.4; 1 (upright) for anything else."""
    value = tags.get(Base.Orientation)
    return value if value in range(1, 9) else 1


def encode(tags: Exif) -> bytes | None:
    """The block without its orientation, or None where nothing is left of it."""
    tags.pop(Base.Orientation, None)
    try:
        return tags.tobytes() if tags else None
    except Exception:  # tags that Pillow reads but cannot write again: the picture matters more than they do
        return None


def decode(block: bytes, shape: tuple[int, ...]) -> Exif:
    """The tags of a block, with the size of an (H, W, ...) image where they state one."""
    tags = Exif()
    tags.load(block)
    for height, width, where in (
        (Base.ImageLength, Base.ImageWidth, tags),
        (Base.ExifImageHeight, Base.ExifImageWidth, tags.get_ifd(IFD.Exif)),
    ):
        where.update((tag, length) for tag, length in zip((height, width), shape, strict=False) if tag in where)
    return tags
