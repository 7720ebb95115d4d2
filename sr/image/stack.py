"""TIFF beyond photographs and maps: several pages, several channels, other types of samples (tifffile).

Pages of scans, z-stacks and channels of microscopes (ImageJ, OME-TIFF), arrays saved as TIFF. All pages are upscaled.
"""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin as Tiff
from PIL.ExifTags import Base
from PIL.Image import Exif

from sr.errors import InputError
from sr.image import tiff
from sr.image.geotiff import photographic
from sr.image.raster import Raster
from sr.image.writer import StripWriter

_KEPT = {1: None, 5: "lzw", 8: "zlib", 32946: "zlib", 50000: "zstd", 34925: "lzma"}  # compressions, by TIFF's numbers
_IMAGEJ = "ImageJ="


class TIFFStack(Raster):
    """A TIFF with pages of one size and type: pages, frames and slices are planes, channels and samples are bands.

    Its axes are those that tifffile finds: C and S are bands, Y and X the sides, all others planes. Not read here, but by
    `sr.image.file`: single photographs, palettes, 1-bit pages; and pages that are turned, have alpha, or are of
    several sizes, of which it reads the first.
    """

    name = "TIFF"
    extensions = written = (".tif", ".tiff")
    library, extra = "tifffile", ""  # a dependency, not an extra
    placed = False

    @classmethod
    def claims(cls, path: Path) -> bool:
        import tifffile

        if (known := tiff.described(path)) is None or not _suits(*known):
            return False
        found, pages = known
        with tifffile.TiffFile(path) as opened:
            whole = len(opened.series) == 1 or pages == 1  # not pages of several sizes
            return whole and _axes(opened.series[0]) is not None and not (_photo(found) and opened.series[0].ndim == 2)

    def __init__(self, path: Path) -> None:
        import tifffile

        self.path, self.file = Path(path), tifffile.TiffFile(path)
        self.series = self.file.series[0]
        axes = _axes(self.series)
        shape = dict(zip(axes, self.series.shape, strict=True))
        self.dtype = np.dtype(self.series.dtype)
        if self.dtype.kind not in "uif":
            raise InputError(f"samples of type {self.dtype}: only real numbers can be read")
        self.bands = [axis for axis in axes if axis in "CS"]
        self.stacked = [axis for axis in axes if axis not in "CSYX"]
        self.shape = (shape["Y"], shape["X"], int(np.prod([shape[axis] for axis in self.bands])))
        self.planes = int(np.prod([shape[axis] for axis in self.stacked]))
        self._axes, self._sizes, self._page = axes, shape, (-1, None)
        self._whole = None
        if self.series.dataoffset is not None:  # one block of samples: only the windows that are read are loaded
            order = self.file.byteorder + self.dtype.char
            self._whole = np.memmap(path, order, "r", self.series.dataoffset, self.series.shape)

    def read(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray:
        where: dict[str, Any] = {"Y": rows, "X": columns} | self._place(plane)
        if self._whole is not None:
            samples = self._whole[tuple(where.get(axis, slice(None)) for axis in self._axes)]
        else:
            samples = self._decoded(plane)[tuple(where.get(axis, slice(None)) if axis in "CSYX" else 0 for axis in self._axes)]
        axes = [axis for axis in self._axes if axis in "CSYX"]
        samples = np.transpose(samples, [axes.index(axis) for axis in ("Y", "X", *self.bands)])
        return np.ascontiguousarray(samples.reshape(*samples.shape[:2], -1), self.dtype)

    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        return TIFFStackWriter(path, self, size)

    def not_kept(self) -> dict[str, str]:
        return {"EXIF": "its EXIF is not kept"} if Base.ExifOffset in self.file.pages[0].tags else {}

    def close(self) -> None:
        self.file.close()

    def _place(self, plane: int) -> dict[str, int]:
        """Where a plane lies on the axes that are neither sides nor bands."""
        if not self.stacked:
            return {}
        return dict(zip(self.stacked, np.unravel_index(plane, [self._sizes[axis] for axis in self.stacked]), strict=True))

    def _decoded(self, plane: int) -> np.ndarray:
        """The pages of a plane, with all axes; the last one is kept."""
        if self._page[0] != plane:
            paged = self._axes[: len(self._axes) - self.series.pages[0].ndim]  # the axes that are not inside a page
            sizes = [self._sizes[axis] for axis in paged]
            numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
            at = self._place(plane)
            if inside := [axis for axis in self.stacked if axis not in paged]:
                raise InputError(f"axes {self._axes}, of which {', '.join(inside)} lie inside a page: save one page for each")
            chosen = numbers[tuple(slice(at[axis], at[axis] + 1) if axis in at else slice(None) for axis in paged)]
            pages = [self.series.pages[int(n)].asarray() for n in chosen.ravel()]
            self._page = (plane, np.stack(pages).reshape(*chosen.shape, *pages[0].shape))
        return self._page[1]


class TIFFStackWriter(StripWriter):
    """An enlarged stack, page by page, each of which is in memory; with the resolution, profile and description of another.

    Args:
        path: of the result.
        source: the file that was enlarged.
        size: planes, height and width of the result.
    """

    def __init__(self, path: Path, source: TIFFStack, size: tuple[int, int, int]) -> None:
        super().__init__(path, size[0] * size[1])
        self.size, self.of, (height, width, bands) = size, source, source.shape
        page = source.file.pages[0]
        self.ratio = (size[1] / height, size[2] / width)
        self.split = "C" in source.bands and "S" not in source.bands and source.series.pages[0].ndim == 2  # a page a channel
        samples = {"planarconfig": "contig"} if bands > 1 and not self.split else {}
        self._options = {
            "photometric": "rgb" if page.photometric.name == "RGB" else "minisblack",
            "compression": _KEPT.get(int(page.compression), "zlib"),
            "description": _described(page.description, (width, height), size[:0:-1]),
            "metadata": None,
            **samples,
        }
        if page.compression not in _KEPT or int(page.compression) != 1:
            self._options["predictor"] = source.dtype.itemsize <= 4 and source.dtype.kind in "ui"
        if profile := page.iccprofile:
            self._options["iccprofile"] = profile
        if "XResolution" in page.tags and "YResolution" in page.tags:
            values = (Fraction(*page.tags[f"{axis}Resolution"].value) for axis in "XY")
            scaled = (
                value * Fraction(ratio).limit_denominator(1000) for value, ratio in zip(values, self.ratio[::-1], strict=True)
            )
            unit = page.tags["ResolutionUnit"].value if "ResolutionUnit" in page.tags else 2
            self._options |= {"resolution": tuple((v.numerator, v.denominator) for v in scaled), "resolutionunit": int(unit)}
        self._bands, self._dtype, self._written = bands, source.dtype, 0

    def begin(self, temporary: Path) -> None:
        import tifffile

        big = np.prod(self.size, dtype=float) * self._bands * self._dtype.itemsize > 2**32 - 2**25
        self._file = tifffile.TiffWriter(temporary, bigtiff=bool(big))
        self._page = np.empty((*self.size[1:], self._bands), self._dtype)

    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        first = self._done % self.size[1]
        self._page[first : first + len(samples)] = samples
        if first + len(samples) == self.size[1]:
            for image in np.moveaxis(self._page, -1, 0) if self.split or self._bands == 1 else [self._page]:
                options = self._options | ({} if self._written == 0 else {"description": None})
                self._file.write(image, contiguous=False, **options)
                self._written += 1

    def end(self) -> None:
        self._file.close()

    drop = end


def _suits(found: Exif, pages: int) -> bool:
    """Whether the tags of the first of these pages are those of a stack, or of samples that are no photograph's."""
    bits, extra = (tiff.many(found.get(tag)) for tag in (Tiff.BITSPERSAMPLE, Tiff.EXTRASAMPLES))
    colours = found.get(Tiff.PHOTOMETRIC_INTERPRETATION)
    if colours not in (1, 2) or min(bits, default=1) < 8 or any(kind in (1, 2) for kind in extra):  # 1, 2: alpha
        return False
    if found.get(Base.Orientation, 1) != 1:
        return False
    described = str(found.get(Tiff.IMAGEDESCRIPTION) or "").startswith(_IMAGEJ)
    return pages > 1 or described or not _photo(found)


def _photo(found: Exif) -> bool:
    """Whether `sr.image.file` reads a page with these tags, of RGB with further bands at least the colours."""
    return photographic(found) or (found.get(Tiff.PHOTOMETRIC_INTERPRETATION) == 2 and tiff.plain(found))


def _axes(series: Any) -> str | None:
    """The axes of a series of pages; None: without rows and columns, or with a name twice."""
    axes = series.axes
    return axes if axes.count("Y") == axes.count("X") == 1 and len(set(axes)) == len(axes) else None


def _described(text: str, old: tuple[int, int], new: tuple[int, int]) -> str | None:
    """The description of a stack, ImageJ's or OME's, for the new width and height; None: another one or none."""
    if text.startswith(_IMAGEJ):
        return text
    if "<OME" not in text[:2000]:
        return None
    for axis, before, after in zip("XY", old, new, strict=True):
        text = re.sub(rf'(?<=\bSize{axis}=")\d+', str(after), text)
        text = re.sub(rf'(?<=\bPhysicalSize{axis}=")[^"]+', lambda found, r=before / after: f"{float(found[0]) * r:.9g}", text)
    return text
