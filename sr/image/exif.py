"""EXIF: the orientation is applied and removed; the rest is copied to the new file. Only for `sr/image/file.py`."""

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif, Image

ICC_PROFILE = Base.InterColorProfile
# A TIFF page has layout tags in addition to those it shares with EXIF: texts, resolution, camera and place. Only these may be
# copied to another file.
SHARED_BY_TIFF = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.Orientation, Base.XResolution, Base.YResolution),
    *(Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist, Base.Copyright, IFD.Exif, IFD.GPSInfo),
)
LAST_OF_LAYOUT = Base.ReferenceBlackWhite  # the highest tag number in TIFF 6.0, appendix A


def of(image: Image) -> Exif:
    """EXIF of a loaded image, or of an unloaded one as far as it comes before the pixels."""
    # not image.getexif(): for a PNG without EXIF it decodes the whole file, looking for a block after the pixels
    tags = Image.getexif(image)
    if image.format == "TIFF":
        tags = without_layout(tags)
        tags.pop(Base.Orientation, None)  # Pillow rotates TIFF itself, but no other format
    return tags


def without_layout(tags: Exif) -> Exif:
    """The tags of a TIFF page that fit every file."""
    kept = Exif()
    for tag in SHARED_BY_TIFF:
        if tag in tags:
            kept[tag] = tags.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else tags[tag]
    return kept


def fitting_tiff(tags: Exif) -> Exif:
    """The tags of another file that are not layout, which a TIFF has itself."""
    for tag in [tag for tag in tags if tag <= LAST_OF_LAYOUT and tag not in SHARED_BY_TIFF]:
        del tags[tag]
    return tags


def orientation(tags: Exif) -> int:
    """1 to 8, see EXIF 2.32, section 4.6.4; 1 (upright) for other values."""
    value = tags.get(Base.Orientation)
    return value if value in range(1, 9) else 1


def encode(tags: Exif) -> bytes | None:
    """The block without its orientation; None if nothing remains."""
    tags.pop(Base.Orientation, None)
    try:
        return tags.tobytes() if tags else None
    except Exception:  # tags that Pillow can read but not write: the picture matters more
        return None


def decode(block: bytes, shape: tuple[int, ...]) -> Exif:
    """The tags of a block, with the size of an (H, W, ...) image if they state one."""
    tags = Exif()
    tags.load(block)
    for height, width, where in (
        (Base.ImageLength, Base.ImageWidth, tags),
        (Base.ExifImageHeight, Base.ExifImageWidth, tags.get_ifd(IFD.Exif)),
    ):
        where.update((tag, length) for tag, length in zip((height, width), shape, strict=False) if tag in where)
    return tags
