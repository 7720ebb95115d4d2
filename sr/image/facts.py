"""What an image file contains besides the pixels of one picture, so that losses are reported.

For `sr/image/file.py`, which fills it in from a file's header.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import PIL.Image
from PIL import ImageCms
from PIL import TiffImagePlugin as Tiff
from PIL.Image import Exif

from sr.errors import InputError
from sr.image.tiff import many

_SRGB = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)  # primaries, XYZ at D50
_HEAD = 2**16  # bytes at the start of a file that are searched
_LAB = (8, 9, 10)  # values of TIFF's photometric interpretation: CIE, ICC and ITU Lab
# GeoTIFF 1.1 (OGC 19-008): tags of the raster's position, and keys of the directory in tag 34735.
_PIXEL_SCALE, _TIEPOINT, _TRANSFORM, _GEO_KEYS, _GEO_TEXTS = 33550, 33922, 34264, 34735, 34737
_PROJECTED, _GEODETIC, _USER_DEFINED = 3072, 2048, 32767
_GEOJP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")  # identifier of the box with a GeoTIFF in JPEG 2000


@dataclass(frozen=True)
class Facts:
    """Facts about a file's first picture and what surrounds it.

    Args:
        bits: bits per sample in the file, at least 8.
        kept_bits: 8 or 16, the bits per sample that `sr.image.file.read` returns.
        frames: frames of an animation, pages of a TIFF.
        alpha: whether there is an alpha channel or a transparent colour.
        colours: CMYK or Lab, which become sRGB; otherwise "".
        profile: name of a colour profile other than sRGB, or a gamma other than 1/2.2; otherwise "".
        extra_bands: bands of unknown meaning in addition to RGB.
        georeference: coordinate system and pixel size in words; "" without one.
        broken_exif: whether there is EXIF that cannot be written again.
    """

    bits: int = 8
    kept_bits: int = 8
    frames: int = 1
    alpha: bool = False
    colours: str = ""
    profile: str = ""
    extra_bands: int = 0
    georeference: str = ""
    broken_exif: bool = False

    def not_kept(self) -> dict[str, str]:
        """What an upscaled file loses: short name -> message about the file."""
        said = {
            "further frames or pages": f"only the first of its {self.frames} frames or pages is upscaled",
            "georeference": f'its georeference ({self.georeference}) is not kept: pip install ".[satellite]" keeps it',
            "further bands": f"only RGB is upscaled: further bands ({self.extra_bands}) are dropped",
            "depth": f"its {self.bits} bits per sample are read as {self.kept_bits}",
            "colour space": f"its colours ({self.colours}) become sRGB",
            "gamma": f"its {self.profile} is not kept",
            "EXIF": "its EXIF is damaged and not kept",
        }
        lost = (self.frames > 1, self.georeference, self.extra_bands, self.bits > self.kept_bits, self.colours)
        lost += (self.profile.startswith("gamma "), self.broken_exif)
        return {what: text for (what, text), is_lost in zip(said.items(), lost, strict=True) if is_lost}

    def not_used(self, bits: int = 8) -> list[str]:
        """What is lost as RGB or gray of 8 or 16 `bits` (training, benchmarks, comparisons), as endings of a sentence about
        files."""
        said = {
            f"have {self.bits} bits per sample, which are rounded to {min(bits, self.kept_bits)}": self.bits
            > min(bits, self.kept_bits),
            "have several frames or pages; only the first is used": self.frames > 1,
            "have transparent parts: alpha is dropped, and hidden colours are used like visible ones": self.alpha,
            f"have other colours ({self.colours}), which become sRGB": self.colours,
            f"are not sRGB ({self.profile}); their values are used unchanged": self.profile,
            "have further bands; only RGB is used": self.extra_bands,
        }
        return [text for text, is_so in said.items() if is_so]


def of_picture(image: PIL.Image.Image, file: BinaryIO) -> Facts:
    """Facts of an image other than TIFF that Pillow has opened but not necessarily decoded."""
    bits = _bits(image, file)
    deep = image.mode.startswith("I") or (image.format == "PNG" and bits == 16)
    profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
    gamma = image.info.get("gamma", 1 / 2.2)
    return Facts(
        bits=bits,
        kept_bits=16 if deep else 8,
        frames=getattr(image, "n_frames", 1),
        alpha=image.has_transparency_data,
        colours=_cmyk(image.info.get("icc_profile")) if image.mode == "CMYK" else "",
        profile=_name(profile) if profile or "srgb" in image.info or abs(gamma * 2.2 - 1) < 0.01 else f"gamma {gamma:.4g}",
        georeference=_georeference_of_jp2(file) if image.format == "JPEG2000" else "",
    )


def of_tiff(tags: Exif, pages: int) -> Facts:
    """Facts of a TIFF with this number of pages, from the tags of the first."""
    extra, photometric = many(tags.get(Tiff.EXTRASAMPLES)), tags.get(Tiff.PHOTOMETRIC_INTERPRETATION)
    alpha = bool(extra) and extra[-1] in (1, 2)
    bits = max([8, *many(tags.get(Tiff.BITSPERSAMPLE))])
    colours = _cmyk(tags.get(Tiff.ICCPROFILE)) if photometric == 5 else "Lab" if photometric in _LAB else ""
    return Facts(
        bits=bits,
        kept_bits=16 if bits == 16 else 8,
        frames=max(pages, 1),
        alpha=alpha,
        colours=colours,
        profile="" if colours else _name(tags.get(Tiff.ICCPROFILE)),
        extra_bands=len(extra) - alpha if photometric == 2 else 0,
        georeference=_georeference(tags),
    )


def _cmyk(profile: bytes | None) -> str:
    """CMYK, and whether a profile defines it."""
    try:
        sound = bool(profile) and ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space.strip() == "CMYK"
    except (OSError, ImageCms.PyCMSError):
        sound = False
    return "CMYK" if sound else "CMYK without a usable profile"


def _name(profile: bytes | None) -> str:
    """The name of a colour profile; "" if it is sRGB (same primaries, not linear) or there is none."""
    if not profile:
        return ""
    try:
        known = ImageCms.ImageCmsProfile(BytesIO(profile)).profile
    except (OSError, ImageCms.PyCMSError):
        return "a broken profile"
    name = " ".join((known.profile_description or "a profile without a name").split())
    colorants = (known.red_colorant, known.green_colorant, known.blue_colorant)
    if known.xcolor_space.strip() == "RGB" and all(colorants) and "linear" not in name.lower():
        pairs = zip(colorants, _SRGB, strict=True)
        if all(abs(a - b) < 0.004 for colorant, wanted in pairs for a, b in zip(colorant[0], wanted, strict=True)):
            return ""
    return name


def _bits(image: PIL.Image.Image, file: BinaryIO) -> int:
    """Bits per sample in the file, which Pillow does not report; at least 8."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if image.format == "PNG":
        return max(head[24], 8)
    if image.format == "JPEG2000" and (at := head.find(b"\xff\x4f\xff\x51")) >= 0:  # SOC and SIZ, ISO 15444-1, A.5.1
        depth = head[at + 42]
        if depth & 128:
            raise InputError("signed samples: convert it to gray or RGB of 8 or 16 bits")
        return max(depth + 1, 8)
    if image.format == "AVIF" and (at := head.find(b"av1C")) >= 0:  # AV1 in ISO base media files 1.2, section 2.3.3
        flags = head[at + 6]
        return 8 if not flags & 64 else 12 if flags & 32 else 10
    if image.format == "PPM" and head[1:2] in b"2356":
        largest = re.sub(rb"#[^\n]*", b"", head[:1000]).split()[3]
        return max(int(largest).bit_length(), 8)
    return 16 if image.format == "SGI" and head[3] == 2 else 8


def _georeference(tags: Exif) -> str:
    """The coordinate system and pixel size, as far as the tags say."""
    if not any(tag in tags for tag in (_GEO_KEYS, _TRANSFORM, _PIXEL_SCALE, _TIEPOINT)):
        return ""
    keys = many(tags.get(_GEO_KEYS))
    codes = {keys[at]: keys[at + 3] for at in range(4, len(keys) - 3, 4) if keys[at + 1] == 0}
    code = next((codes[key] for key in (_PROJECTED, _GEODETIC) if 0 < codes.get(key, 0) < _USER_DEFINED), None)
    texts = str(tags.get(_GEO_TEXTS) or "").split("|")[0].strip(" \0")
    system = f"EPSG:{code}" if code else texts[:80] or "a coordinate system"
    scale = many(tags.get(_PIXEL_SCALE))
    return f"{system}, pixels of {scale[0]:g} x {scale[1]:g}" if len(scale) > 1 else f"{system}, transform"


def _georeference_of_jp2(file: BinaryIO) -> str:
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    return "GMLJP2" if b"gml.root-instance" in head else "GeoJP2" if _GEOJP2 in head else ""
