"""GeoTIFFs through sr/predict/files.py: coordinates, nodata, names, type and tags are kept; checked by other readers too."""

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import tifffile
import torch

from sr.errors import StorageError
from sr.functional.resize import imresize
from sr.image import rasters
from sr.image.geotiff import JP2, GeoTIFF
from sr.image.kind import PHOTO, Kind
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.image.geotiffs import LANDSAT8, POINT, SENTINEL2, samples, written
from tests.jobs import small_files

REFLECTANCE = Kind("sentinel2", 6, "uint16", (0, 10000), 10000, False, (2, 1, 0), "clip")
ONE = Kind("band", 1, "uint16", (0, 10000), 10000, False, (0,), "clip")


def bicubic(bands: int = 6, scale: int = 2) -> Interpolation:
    return Interpolation(scale=scale, channels=bands)


def upscaled(tmp_path, source, network, kind, **options):
    target = tmp_path / "out" / "sr.tif"
    result = predict_files(network, [(source, target)], kind=kind, **options)
    assert (result.written, result.failed) == (1, 0)
    return target


def refusal(tmp_path, capsys, source, network, kind, name="sr.tif"):
    result = predict_files(network, [(source, tmp_path / "out" / name)], kind=kind)
    assert (result.written, result.failed) == (0, 1) and not list(tmp_path.glob("out/*"))
    (line,) = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if str(tmp_path) in line]
    return line[line.index(str(tmp_path)) :].strip()


def test_the_pixels_are_those_of_the_network(tmp_path):
    target = upscaled(tmp_path, SENTINEL2, bicubic(), REFLECTANCE)
    lr = torch.from_numpy(samples(SENTINEL2).astype(np.float64)).permute(2, 0, 1)[None]
    expected = imresize(lr / 10000, 2)[0].permute(1, 2, 0).numpy() * 10000
    sr = tifffile.imread(target)
    sr = sr if sr.shape[-1] == 6 else np.moveaxis(sr, 0, -1)
    assert sr.dtype == np.uint16 and sr.shape == (128, 128, 6)
    assert np.abs(sr - expected).max() <= 0.51
    tiled = samples(upscaled(tmp_path / "tiled", SENTINEL2, bicubic(), REFLECTANCE, tile=24, overlap=8))
    np.testing.assert_array_equal(tiled, samples(target))


@pytest.mark.parametrize("factor", [2, 3, 2.5])
def test_a_landmark_keeps_its_world_coordinate(tmp_path, factor):
    pixels = np.full((40, 50, 1), 1000, np.uint16)
    pixels[17, 31] = 9000
    source = written(tmp_path / "lr.tif", pixels)
    whole = int(factor) if factor == int(factor) else None
    target = upscaled(tmp_path, source, bicubic(1, whole or 2), ONE, outscale=None if whole else factor)
    with rasterio.open(source) as lr:
        before = np.array(lr.xy(17, 31))
    page = tifffile.TiffFile(target).pages[0]  # its coordinates by the tags, not by GDAL
    (x0, y0), (dx, dy) = page.tags["ModelTiepointTag"].value[3:5], page.tags["ModelPixelScaleTag"].value[:2]
    brightness = np.maximum(page.asarray().reshape(page.shape[:2]).astype(float) - 1000, 0)
    rows, columns = np.indices(brightness.shape) + 0.5
    centre = [np.average(columns, weights=brightness), np.average(rows, weights=brightness)]
    after = np.array([x0 + centre[0] * dx, y0 - centre[1] * dy])
    assert dx == dy == pytest.approx(20 / factor) and np.abs(after - before).max() < 1  # metres; a pixel has 20


def test_names_type_compression_and_tags_are_kept(tmp_path):
    source, rng = tmp_path / "lr.tif", np.random.default_rng(0)
    pixels = rng.integers(-200, 4000, (48, 80, 2)).astype(np.int16)
    written(source, pixels, names=("nir", "swir"), nodata=-9999, tiled=True, blockxsize=32, blockysize=16, compress="zstd")
    with rasterio.open(source, "r+") as file:
        file.scales, file.offsets, file.units = (1e-4, 1e-4), (0.1, 0.1), ("reflectance", "reflectance")
        file.update_tags(SENSOR="OLI")
        file.update_tags(1, WAVELENGTH="865", STATISTICS_MAXIMUM="4000")
    kind = Kind("int16", 2, "int16", (-2000, 16000), None, False, (0,), "clip")
    with rasterio.open(source) as lr, rasterio.open(upscaled(tmp_path, source, bicubic(2), kind)) as sr:
        for name in ("crs", "descriptions", "dtypes", "nodata", "scales", "offsets", "units", "colorinterp", "bounds"):
            assert getattr(sr, name) == getattr(lr, name), name
        assert sr.block_shapes == lr.block_shapes and sr.compression == lr.compression
        assert sr.tags() == lr.tags() and sr.tags(1) == {"WAVELENGTH": "865"} and sr.tags(2) == lr.tags(2)
        assert np.abs(sr.read().mean((1, 2)) - lr.read().mean((1, 2))).max() < 20 and sr.read().min() < 0


def test_coordinates_of_pixel_centres_stay_so(tmp_path):
    kind = Kind("point", 1, "uint16", (0, 8000), None, False, (0,), "clip")
    with rasterio.open(POINT) as lr, rasterio.open(upscaled(tmp_path, POINT, bicubic(1), kind)) as sr:
        assert sr.tags()["AREA_OR_POINT"] == "Point" and sr.bounds == lr.bounds


@pytest.mark.parametrize("marked", ["0", "65535", "mask", "alpha"])
def test_nodata_stays_nodata_and_does_not_bleed(tmp_path, marked):
    valid = np.ones((40, 40), bool)
    valid[:13], valid[20, 20] = False, False
    nodata = {"0": 0, "65535": 65535}.get(marked)
    pixels = np.where(valid[..., None], 3000, nodata or 0).astype(np.uint16).repeat(3, 2)
    if marked == "alpha":
        pixels = np.dstack([pixels, valid * np.uint16(65535)])
    profile = {"nodata": nodata, "photometric": "rgb"} | ({"alpha": "yes"} if marked == "alpha" else {})
    source = written(tmp_path / "lr.tif", pixels, mask=valid if marked == "mask" else None, **profile)
    kind = Kind("three", 3, "uint16", (0, 10000), 10000, False, (0,), "clip")
    with rasterio.open(upscaled(tmp_path, source, bicubic(3), kind, tile=24, overlap=8)) as sr:
        there = sr.dataset_mask() > 0
        np.testing.assert_array_equal(there, valid.repeat(2, 0).repeat(2, 1))
        assert set(np.unique(sr.read([1, 2, 3])[:, there])) == {3000}
        assert sr.nodata == nodata and sr.count == pixels.shape[2]


def test_floats_with_nan_as_nodata(tmp_path, capsys):
    pixels = np.random.default_rng(1).random((32, 32, 1)).astype(np.float32)
    pixels[:, :7] = np.nan
    kind = Kind("float", 1, "float32", (0, 1), None, False, (0,))
    source = written(tmp_path / "lr.tif", pixels, nodata=np.nan, compress="deflate", predictor=3)
    sr = samples(upscaled(tmp_path, source, bicubic(1), kind))
    assert np.isnan(sr[:, :14]).all() and np.isfinite(sr[:, 14:]).all() and sr.dtype == np.float32
    shutil.rmtree(tmp_path / "out")
    line = refusal(tmp_path, capsys, written(tmp_path / "bad.tif", pixels), bicubic(1), kind)
    assert line == f"{tmp_path}/bad.tif: NaN or infinite samples: replace them, or set the nodata value of a GeoTIFF"


def test_a_valid_value_never_becomes_nodata(tmp_path):
    pixels = np.full((24, 24, 1), 40, np.uint16)
    pixels[10:12, 10:12] = 900  # the undershoot of bicubic reaches 0
    sr = samples(upscaled(tmp_path, written(tmp_path / "lr.tif", pixels, nodata=0), bicubic(1), ONE))
    assert sr.min() == 1


def test_a_photo_network_keeps_the_georeference(tmp_path):
    pixels = (samples(SENTINEL2)[..., :3] // 20).clip(0, 255).astype(np.uint8)
    source = written(tmp_path / "rgb.tif", pixels, photometric="rgb", compress="jpeg")
    target = tmp_path / "out" / "sr.tif"
    result = predict_files(bicubic(3), [(source, target)], kind=PHOTO)
    assert result.not_kept == {"compression": 1}
    with rasterio.open(source) as lr, rasterio.open(target) as sr:
        assert (sr.crs, sr.bounds, sr.colorinterp) == (lr.crs, lr.bounds, lr.colorinterp)
        assert sr.dtypes == ("uint8",) * 3 and sr.compression.name == "deflate"
        assert np.abs(sr.read().mean((1, 2)) - lr.read().mean((1, 2))).max() < 1
    gray = written(tmp_path / "gray.tif", pixels[..., :1])
    assert samples(upscaled(tmp_path, gray, bicubic(3), PHOTO, overwrite=True)).shape == (128, 128, 1)


def test_one_line_for_a_file_that_does_not_suit_the_network(tmp_path, capsys):
    six = tmp_path / "six.tif"
    shutil.copy(SENTINEL2, six)
    line = refusal(tmp_path, capsys, six, bicubic(3), PHOTO)
    assert line.startswith(f"{six}: 6 bands, but the network is for 3 (image=photo): write three of them first")
    byte = written(tmp_path / "byte.tif", np.zeros((32, 32, 6), np.uint8))
    line = refusal(tmp_path, capsys, byte, bicubic(), REFLECTANCE)
    assert line.startswith(f"{byte}: uint8 samples, but image=sentinel2 is uint16 in [0, 10000]")
    line = refusal(tmp_path, capsys, six, bicubic(), REFLECTANCE, "sr.png")
    assert line.endswith("6 bands of uint16 do not fit into .png: write .tif or .tiff")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(SENTINEL2.read_bytes()[:30000])
    assert refusal(tmp_path, capsys, cut, bicubic(), REFLECTANCE).startswith(f"{cut}: cannot be read as ")


def test_what_stays_a_photograph_or_loses_something(tmp_path):
    """Palettes and white as 0 are read by file.py; partly transparent pixels are reported."""
    rgb = (samples(SENTINEL2)[..., :3] // 20).clip(0, 255).astype(np.uint8)
    assert rasters.find(written(tmp_path / "white.tif", rgb[..., :1], photometric="miniswhite")) is None
    assert rasters.find(written(tmp_path / "bit.tif", rgb[..., :1] // 255, nbits=1)) is None
    source = written(tmp_path / "alpha.tif", np.dstack([rgb, rgb[..., 0]]), photometric="rgb", alpha="yes")
    result = predict_files(bicubic(3), [(source, tmp_path / "sr.tif")])
    assert result.written == 1 and result.not_kept == {"alpha": 1}


def test_names_of_results(tmp_path, sr_data):
    source = sr_data / "domains" / "satellite" / "aerial" / "img-8bit.jp2"
    if not source.is_file():
        pytest.skip(f"no {source}")
    with pytest.warns(UserWarning, match="results become .tif"):
        ((_, target),) = plan(source, tmp_path)
    assert target == tmp_path / "img-8bit.tif"
    assert predict_files(bicubic(3), [(source, target)]).written == 1
    with rasterio.open(source) as lr, rasterio.open(target) as sr:
        assert sr.crs == lr.crs and sr.bounds == lr.bounds and sr.shape == (686, 686)


def test_a_full_disk_leaves_nothing(tmp_path):
    with small_files(60_000), pytest.raises(StorageError, match=r"sr\.tif: .*is the disk full"):
        predict_files(bicubic(), [(SENTINEL2, tmp_path / "sr.tif")], kind=REFLECTANCE)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="no gdalinfo: install gdal-bin")
@pytest.mark.parametrize("source", [SENTINEL2, LANDSAT8])
def test_gdalinfo_sees_the_same_place(tmp_path, source):
    target = upscaled(tmp_path, source, bicubic(), REFLECTANCE if source == SENTINEL2 else landsat())
    lr, sr = (json.loads(subprocess.check_output(["gdalinfo", "-json", file])) for file in (source, target))
    assert sr["cornerCoordinates"] == lr["cornerCoordinates"] and sr["coordinateSystem"] == lr["coordinateSystem"]
    assert sr["size"] == [2 * side for side in lr["size"]]
    assert [band["description"] for band in sr["bands"]] == [band["description"] for band in lr["bands"]]
    assert [band["type"] for band in sr["bands"]] == ["UInt16"] * 6


def landsat() -> Kind:
    return Kind("landsat8", 6, "uint16", (5000, 55000), 50000, False, (2, 1, 0), "clip")


def test_without_rasterio(tmp_path, capsys, monkeypatch):
    """A photograph is still upscaled, and its georeference is reported; other bands need the library, in one line."""
    for format in (GeoTIFF, JP2):
        monkeypatch.setattr(format, "library", "a_library_that_is_not_there")
    six, rgb = tmp_path / "six.tif", (samples(SENTINEL2)[..., :3] // 20).clip(0, 255).astype(np.uint8)
    shutil.copy(SENTINEL2, six)
    line = refusal(tmp_path, capsys, six, bicubic(), REFLECTANCE)
    assert line == f'{six}: GeoTIFF files need a_library_that_is_not_there: pip install ".[satellite]"'
    result = predict_files(bicubic(3), [(written(tmp_path / "rgb.tif", rgb, photometric="rgb"), tmp_path / "sr.tif")])
    assert result.written == 1 and result.not_kept == {"georeference": 1}
    assert 'is not kept: pip install ".[satellite]" keeps it' in capsys.readouterr().err


def test_a_truncated_file_does_not_stop_the_next_one(tmp_path, capsys):
    """rasterio raises the last error of GDAL again for the next file of the same thread."""
    pixels = np.random.default_rng(2).integers(0, 4000, (40, 48, 6)).astype(np.uint16)
    good = written(tmp_path / "good.tif", pixels, compress="deflate", interleave="band")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size * 2 // 3])
    files = [(file, tmp_path / "out" / file.name) for file in (cut, good)]
    result = predict_files(bicubic(), files, kind=REFLECTANCE)
    assert (result.written, result.failed) == (1, 1) and [file.name for file in (tmp_path / "out").iterdir()] == ["good.tif"]
    assert f"{cut}: cannot be read as GeoTIFF" in capsys.readouterr().err


def test_reflectances_for_a_network_of_integers_are_refused(tmp_path, capsys):
    pixels = np.random.default_rng(3).integers(0, 4000, (40, 48, 6)).astype(np.float32)
    pixels[:20], nodata = -9999, -9999
    source = written(tmp_path / "reflectance.tif", np.where(pixels < 0, pixels, pixels / 10000), nodata=nodata)
    line = refusal(tmp_path, capsys, source, bicubic(), REFLECTANCE)
    assert line.startswith(f"{source}: values from 0.0001 to 0.3999, but image=sentinel2 has range [0, 10000]: convert")
    other = replace(REFLECTANCE, name="landsat8", range=(7273, 43636))
    line = refusal(tmp_path, capsys, shutil.copy(SENTINEL2, tmp_path / "s2.tif"), bicubic(), other)
    assert "but image=landsat8 has range [7273, 43636]: convert" in line
    with pytest.warns(match=r"s2\.tif: \d+% of .* lie outside image=half's range \[0, 500\]: do not trust"):
        upscaled(tmp_path / "half", tmp_path / "s2.tif", bicubic(), replace(REFLECTANCE, name="half", range=(0, 500)))
    upscaled(tmp_path, written(tmp_path / "numbers.tif", pixels, nodata=nodata), bicubic(), REFLECTANCE)
