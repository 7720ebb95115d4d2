"""TIFF stacks: pages, channels and types of samples survive enlargement; photographs and odd files stay with file.py."""

import numpy as np
import PIL.Image
import pytest
import skimage
import tifffile
from PIL import ImageSequence

from sr.image import rasters
from sr.image.file import size
from sr.image.geotiff import GeoTIFF
from sr.image.kind import PHOTO, Kind
from sr.image.stack import TIFFStack
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from tests.image.geotiffs import SENTINEL2

RNG = np.random.default_rng(0)
MICRON = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeXUnit": "um", "PhysicalSizeYUnit": "um"}
CASES = {  # shape, type, how tifffile writes it, bands, planes
    "pages of rgb": ((3, 20, 30, 3), "uint8", {"photometric": "rgb"}, 3, 3),
    "pages of gray": ((4, 20, 30), "uint16", {"photometric": "minisblack", "compression": "zlib"}, 1, 4),
    "imagej": ((2, 3, 2, 20, 30), "uint16", {"imagej": True, "metadata": {"axes": "TZCYX", "spacing": 2.0}}, 2, 6),
    "ome": ((2, 20, 30), "float32", {"ome": True, "metadata": {"axes": "CYX", **MICRON}, "compression": "zlib"}, 2, 1),
    "many samples": ((20, 30, 5), "int16", {"photometric": "minisblack", "planarconfig": "contig"}, 5, 1),
    "planar": ((5, 20, 30), "float32", {"photometric": "minisblack", "planarconfig": "separate"}, 5, 1),
    "one of float": ((20, 30), "float32", {"photometric": "minisblack"}, 1, 1),
}


def kind(bands: int, dtype: str) -> Kind:
    return Kind("x", bands, dtype, (0, 1 if dtype == "float32" else 200), None, False, (0,))


def made(file, case):
    shape, dtype, options, *_ = CASES[case]
    pixels = RNG.random(shape).astype(dtype) if dtype == "float32" else RNG.integers(0, 200, shape).astype(dtype)
    tifffile.imwrite(file, pixels, resolution=(100, 50), **options)
    return pixels


def doubled(pixels: np.ndarray, axes: str) -> np.ndarray:
    return pixels.repeat(2, axes.index("Y")).repeat(2, axes.index("X"))


@pytest.mark.parametrize("case", CASES)
def test_a_stack_is_enlarged_page_by_page(tmp_path, case):
    pixels, (_, dtype, _, bands, planes) = made(tmp_path / "a.tif", case), CASES[case]
    with rasters.opened(tmp_path / "a.tif") as raster:
        assert isinstance(raster, TIFFStack) and (raster.shape, raster.planes, raster.dtype) == ((20, 30, bands), planes, dtype)
        window = raster.read(slice(3, 11), slice(2, 9), planes - 1)
    assert window.shape == (8, 7, bands) and size(tmp_path / "a.tif") == (20, 30)
    network = Interpolation(scale=2, channels=bands, kernel="nearest")
    assert predict_files(network, [(tmp_path / "a.tif", tmp_path / "b.tif")], kind=kind(bands, dtype)).written == 1
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        lr, sr = before.series[0], after.series[0]
        found, wanted = sr.asarray(), doubled(pixels, lr.axes)
        wanted = np.moveaxis(wanted, 0, -1) if case == "planar" else wanted  # samples of a pixel beside each other
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        assert after.pages[0].resolution == (200, 100) and after.is_imagej == before.is_imagej and after.is_ome == before.is_ome
    if case == "imagej":
        assert sr.axes == "TZCYX"
    if case == "ome":
        text = tifffile.tiffcomment(tmp_path / "b.tif")
        assert 'SizeX="60"' in text and 'PhysicalSizeX="0.25"' in text and 'PhysicalSizeY="0.125"' in text


def test_pillow_sees_the_pages(tmp_path):
    pixels = made(tmp_path / "a.tif", "pages of rgb")
    predict_files(Interpolation(scale=2, kernel="nearest"), [(tmp_path / "a.tif", tmp_path / "b.tif")], kind=PHOTO)
    pages = [np.array(page.convert("RGB")) for page in ImageSequence.Iterator(PIL.Image.open(tmp_path / "b.tif"))]
    np.testing.assert_array_equal(pages, doubled(pixels, "QYXS"))


def test_training_reads_the_first_plane_and_says_so(tmp_path):
    pixels = made(tmp_path / "a.tif", "pages of gray")
    gray16 = Kind("gray16", 1, "uint16", (0, 65535), 65535, False, (0,))
    np.testing.assert_array_equal(gray16.read(tmp_path / "a.tif")[..., 0], pixels[0])
    assert gray16.not_used(tmp_path / "a.tif") == ["have several planes; only the first is used"]


def test_a_real_z_stack(sr_data, tmp_path):
    file = sr_data / "domains" / "medical" / "microscopy" / "img3d.tif"
    if not file.is_file():
        pytest.skip(f"no {file}")
    with rasters.opened(file) as raster:
        assert isinstance(raster, TIFFStack) and raster.planes > 1 and raster.shape[2] == 1
        middle = raster.planes // 2
        np.testing.assert_array_equal(
            raster.read(slice(0, raster.shape[0]), slice(0, raster.shape[1]), middle)[..., 0], tifffile.imread(file)[middle]
        )


def test_what_is_no_stack(tmp_path):
    photo = np.array(PIL.Image.open(f"{skimage.__path__[0]}/data/chelsea.png"))[:40, :50]
    tifffile.imwrite(tmp_path / "photo.tif", photo, photometric="rgb")
    tifffile.imwrite(tmp_path / "gray16.tif", photo[..., 0].astype(np.uint16))
    tifffile.imwrite(tmp_path / "alpha.tif", np.dstack([photo, photo[..., 0]]), photometric="rgb", extrasamples=["unassalpha"])
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as file:
        for side in (40, 30):
            file.write(photo[:side], photometric="rgb")
    for name in ("photo", "gray16", "alpha", "sizes"):
        assert rasters.find(tmp_path / f"{name}.tif") is None, name
    assert rasters.find(SENTINEL2) is GeoTIFF and rasters.find(tmp_path / "missing.tif") is None
