"""Which image formats are read, and messages for other files."""

from pathlib import Path

from sr.image import rasters
from sr.image.raster import extension
from sr.image.video import EXTENSIONS as VIDEOS

# Pillow's names of the formats that are read, with their extensions. No others: its EPS reader, for example, starts
# Ghostscript.
READ = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TGA": (".tga",),
    "QOI": (".qoi",),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
}
EXTENSIONS = tuple(extension for extensions in READ.values() for extension in extensions)

# Other kinds of files by extension, and what to do with them.
_PICTURE = "convert it to PNG or TIFF first"
_OTHERS = {
    "a DICOM file": ("training and predict.py read it, if its name ends in .dcm", ()),
    "a volume": (
        "data=slices and benchmark=[slices] take the slices of volumes, model=edsr3d whole ones, and predict.py both",
        (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".mgz"),
    ),
    "a video": (
        "predict.py reads it, if its name ends in .mp4 or the like, and data=clips trains on it; for the rest save its frames "
        "as PNG, as by ffmpeg -i FILE frames/%06d.png",
        VIDEOS,
    ),
    "a HEIC photo": (_PICTURE, (".heic", ".heif", ".hif")),
    "a JPEG XL file": (_PICTURE, (".jxl",)),
    "a raw photo": (
        "develop it to PNG or TIFF first",
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
    ),
    "a PDF file": ("save its pages as PNG or TIFF first", (".pdf",)),
    "a Photoshop file": (_PICTURE, (".psd", ".psb")),
    "a drawing of lines and curves": ("render it to PNG first", (".svg", ".eps", ".ps", ".ai", ".wmf", ".emf")),
    "an image of high dynamic range": ("save it as PNG or TIFF of 16 bits first", (".exr", ".hdr", ".pfm")),
    "an array, not an image": (
        "save it as PNG or TIFF first",
        (".npy", ".npz", ".mat", ".h5", ".hdf5", ".fits", ".fit", ".zarr"),
    ),
    "an archive": ("unpack it first", (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")),
}
# (position, bytes) in the file: kind, as in _OTHERS. The extension counts first, since any file may contain such bytes.
_CONTENT = (
    (128, b"DICM", "a DICOM file"),
    (344, b"n+1\0", "a volume"),
    (8, b"AVI ", "a video"),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (4, b"ftypheic", "a HEIC photo"),
    (4, b"ftypheix", "a HEIC photo"),
    (4, b"ftypmif1", "a HEIC photo"),
    (4, b"ftyp", "a video"),
    (0, b"\xff\x0a", "a JPEG XL file"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL file"),
    (0, b"%PDF", "a PDF file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x76\x2f\x31\x01", "an image of high dynamic range"),
    (0, b"#?RADIANCE", "an image of high dynamic range"),
    (0, b"\x89HDF", "an array, not an image"),
    (0, b"\x93NUMPY", "an array, not an image"),
    (0, b"SIMPLE  =", "an array, not an image"),
    (0, b"<svg", "a drawing of lines and curves"),
    (0, b"%!PS", "a drawing of lines and curves"),
    (0, b"PK\3\4", "an archive"),
)


def is_read(path: str | Path) -> bool:
    """Whether a file name has the extension of a readable image."""
    return extension(path) in EXTENSIONS or extension(path) in rasters.EXTENSIONS


def other(path: str | Path) -> str | None:
    """The kind of a file that is not a readable image, and what to do, from its name and first bytes; None: unknown."""
    by_name = next((name for name, (_, extensions) in _OTHERS.items() if extension(path) in extensions), None)
    name = by_name or _by_content(Path(path))
    return None if name is None else f"{name}: {_OTHERS[name][0]}"


def _by_content(path: Path) -> str | None:
    with open(path, "rb") as file:
        head = file.read(512)
    return next((name for at, magic, name in _CONTENT if head[at:].startswith(magic)), None)
