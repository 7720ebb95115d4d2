"""DICOM files are read as values in their unit: compared with SimpleITK, pydicom and NumPy."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array
from pydicom.pixels.decoders import JPEGLSLosslessDecoder

from sr.data.source.folder import images
from sr.errors import InputError, MissingError
from sr.image import rasters
from sr.image.dicom import DICOM, header
from sr.image.file import read, size
from sr.image.kind import PHOTO, Kind
from sr.predict.plan import plan
from tests.image.dicoms import real, series, written

itk = pytest.importorskip("SimpleITK")
RNG = np.random.default_rng(0)
CT = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip")
XRAY = Kind("xray", 1, "uint16", (0, 65535), 65535, False, (0,))
MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))
SCALED = {  # file: type and full range of its values
    "CT_small.dcm": ("int32", None),
    "MR_small_bigendian.dcm": ("int16", None),
    "MR_small_RLE.dcm": ("int16", None),
    "693_J2KI.dcm": ("int16", None),
    "MR_small_jpeg_ls_lossless.dcm": ("int16", None),
    "image_dfl.dcm": ("uint8", None),
    "JPGExtended.dcm": ("uint16", (0, 4095)),
}


def whole(raster: DICOM, plane: int = 0) -> np.ndarray:
    return raster.read(slice(0, raster.shape[0]), slice(0, raster.shape[1]), plane)


@pytest.mark.parametrize("name", SCALED)
def test_values_are_those_that_simpleitk_reads(name):
    with rasters.opened(real(name)) as raster:
        found = whole(raster)
        assert (raster.dtype, raster.full) == (np.dtype(SCALED[name][0]), SCALED[name][1])
        np.testing.assert_array_equal(raster.read(slice(3, 9), slice(2, 7)), found[3:9, 2:7])
    assert size(real(name)) == found.shape[:2]
    if name == "image_dfl.dcm":  # SimpleITK does not read it
        np.testing.assert_array_equal(found[..., 0], pydicom.dcmread(real(name)).pixel_array)
    else:
        expected = itk.GetArrayFromImage(itk.ReadImage(str(real(name))))[0]
        lossy = name == "JPGExtended.dcm"  # decoders differ in the last bit
        np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=1 if lossy else 0)


def test_frames_and_colours():
    name = real("examples_ybr_color.dcm")
    with rasters.opened(name) as raster:
        assert (raster.shape, raster.planes, raster.dtype) == ((240, 320, 3), 30, np.uint8)
        np.testing.assert_array_equal(whole(raster, 29), pixel_array(name)[29])
        assert raster.not_used() == ["have several planes; only the first is used"]
    np.testing.assert_array_equal(PHOTO.read(name), pixel_array(name)[0])


@pytest.mark.parametrize("signed", [False, True])
def test_white_is_high_in_monochrome1(tmp_path, signed):
    samples = RNG.integers(-500 if signed else 0, 500, (8, 9)).astype(np.int16 if signed else np.uint16)
    written(tmp_path / "a.dcm", samples, bits=12, PhotometricInterpretation="MONOCHROME1")
    with rasters.opened(tmp_path / "a.dcm") as raster:
        np.testing.assert_array_equal(whole(raster)[..., 0], (-1 if signed else 4095) - samples.astype(int))
        assert raster.dtype == samples.dtype


@pytest.mark.parametrize("slope, intercept, dtype", [(2, -1000, "int16"), (0.25, 0, "float32"), (40, 0, "int32")])
def test_rescaled_values(tmp_path, slope, intercept, dtype):
    samples = RNG.integers(0, 4096, (8, 9)).astype(np.uint16)
    written(tmp_path / "a.dcm", samples, bits=12, RescaleSlope=slope, RescaleIntercept=intercept)
    with rasters.opened(tmp_path / "a.dcm") as raster:
        assert raster.dtype == dtype and raster.full is None
        np.testing.assert_array_equal(whole(raster)[..., 0], samples.astype(float) * slope + intercept)


def test_another_modality_is_said_before_a_training():
    assert MRI.not_used(real("MR_small.dcm")) == []
    assert MRI.not_used(real("CT_small.dcm")) == ["are of modality CT, which is not that of image=mri"]


def test_files_without_the_extension_are_named(tmp_path):
    (tmp_path / "notes.txt").write_text("of the series")
    with pytest.raises(MissingError, match=r"found 1 \.txt$"):
        images(tmp_path)
    (tmp_path / "IM0001").write_bytes(real("MR_small.dcm").read_bytes())
    for find in (images, lambda folder: plan([folder], tmp_path / "out")):
        with pytest.raises(MissingError, match="; IM0001 is a DICOM file: add .dcm to the names of such files$"):
            find(tmp_path)


def test_kinds(tmp_path):
    """Hounsfield units are clipped and reported, bits of a radiograph fill the range, slices have no range of their own."""
    written(tmp_path / "ct" / "a.dcm", samples := RNG.integers(-2000, 4000, (8, 9)).astype(np.int16))
    np.testing.assert_array_equal(CT.read(tmp_path / "ct" / "a.dcm")[..., 0], samples.clip(-1024, 3071))
    assert CT.not_used(tmp_path / "ct" / "a.dcm") == ["have values outside [-1024, 3071], which are clipped"]
    written(tmp_path / "x" / "a.dcm", samples := RNG.integers(0, 1024, (8, 9)).astype(np.uint16), bits=10)
    expected = np.floor(samples * (65535 / 1023) + 0.5)
    np.testing.assert_allclose(XRAY.read(tmp_path / "x" / "a.dcm")[..., 0], expected, atol=1)
    files = series(tmp_path / "mri", 5)
    written(tmp_path / "mri" / "other.dcm", np.full((40, 40), 30000, np.int16), SeriesInstanceUID="1.2.3")
    values = np.stack([pydicom.dcmread(file).pixel_array for file in files]).astype(np.float64)
    low, high = np.percentile(values, [0, 99.9])
    for file, expected in zip(files, values, strict=True):
        np.testing.assert_allclose(MRI.read(file)[..., 0], (expected - low) / (high - low), atol=1e-6)


def test_pixels_of_padding_have_no_data(tmp_path):
    samples = RNG.integers(0, 100, (20, 20)).astype(np.int16)
    samples[:3], samples[12, 12] = -2000, -1990
    written(tmp_path / "a.dcm", samples, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    np.testing.assert_array_equal(CT.read_valid(tmp_path / "a.dcm")[1], samples > -1990)
    assert CT.read(tmp_path / "a.dcm").min() >= 0  # filled from around them


REFUSED = {
    "colours of type PALETTE COLOR: convert it to RGB first": real("examples_palette.dcm"),
    "32 bits in 32: samples of 8 and 16 bits can be read": real("rtdose.dcm"),
    "RescaleSlope 0 and RescaleIntercept 0 give no values": {"RescaleSlope": 0},
    "HighBit is 14, but 16 bits are stored": {"HighBit": 14},
    "a whole slide image, whose frames are tiles": {"TotalPixelMatrixColumns": 5000},
    "compressed as MPEG2 Main Profile / Main Level, which pydicom does not decode": "1.2.840.10008.1.2.4.100",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_read_is_one_line(tmp_path, line):
    file = REFUSED[line]
    if isinstance(file, dict):
        file = written(tmp_path / "a.dcm", np.zeros((8, 8), np.int16), **file)
    elif isinstance(file, str):
        ds = pydicom.dcmread(written(tmp_path / "a.dcm", np.zeros((8, 8), np.int16)))
        ds.file_meta.TransferSyntaxUID, ds.PixelData = file, pydicom.encaps.encapsulate([b"no MPEG"])
        ds["PixelData"].VR = "OB"
        pydicom.dcmwrite(file := tmp_path / "a.dcm", ds, enforce_file_format=True)
    with pytest.raises(InputError) as caught:
        rasters.opened(file)
    assert str(caught.value).startswith(f"{file}: {line}") and "\n" not in str(caught.value)


def test_a_missing_decoder_is_one_line_that_names_the_package():
    name = real("MR_small_jpeg_ls_lossless.dcm")
    JPEGLSLosslessDecoder.remove_plugin("pylibjpeg")
    try:
        with pytest.raises(InputError) as caught:
            rasters.opened(name)
    finally:
        JPEGLSLosslessDecoder.add_plugin("pylibjpeg", ("pydicom.pixels.decoders.pylibjpeg", "_decode_frame"))
    assert str(caught.value) == (
        f"{name}: compressed as JPEG-LS Lossless Image Compression, which needs pylibjpeg-libjpeg: pip install pylibjpeg "
        "pylibjpeg-libjpeg"
    )


def test_files_that_are_no_dicom_or_have_another_name(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no DICOM file" * 20)
    with pytest.raises(InputError, match="a.dcm: not a DICOM file: it has no DICM at byte 128"):
        rasters.opened(tmp_path / "a.dcm")
    (tmp_path / "a.png").write_bytes(real("MR_small.dcm").read_bytes())  # begins like a TIFF
    with pytest.raises(InputError, match="a.png: cannot be read as an image \\(a DICOM file: training and predict.py read it"):
        read(tmp_path / "a.png")


def test_bands_and_types_that_do_not_suit_a_kind(tmp_path):
    with pytest.raises(InputError, match="uint8 samples, but image=ct is int16"):
        CT.read(real("examples_rgb_color.dcm"))
    with pytest.raises(InputError, match="3 bands, but image=mri has 1"):
        MRI.read(real("examples_rgb_color.dcm"))
    for ask in (PHOTO.read, PHOTO.not_used):  # benchmarks ask before a training
        with pytest.raises(InputError, match="int16 samples, but image=photo is uint8"):
            ask(real("MR_small.dcm"))
    written(tmp_path / "a.dcm", np.full((8, 8), 7, np.int16))
    with pytest.raises(InputError, match=r"its values at percentiles \[0, 99.9\] are both 7: nothing to see"):
        MRI.read(tmp_path / "a.dcm")


def test_odd_values_of_a_header_are_neither_warned_about_nor_logged(sr_data, caplog, recwarn):
    """pydicom would show them: they are of a patient."""
    file = sr_data / "domains" / "medical" / "dicom" / "gdcm-CT-MONO2-8-abdo.dcm"
    assert header(file).get("SeriesInstanceUID") == "REM SAMPLES 1" and not recwarn.list and not caplog.records
    assert pydicom.dcmread(file).get("StudyInstanceUID") and not recwarn.list and not caplog.records  # the setting is pydicom's
    with rasters.opened(file) as raster:
        low, high = raster.at((0, 100))
    assert low < high and [str(one.message).split(": ")[1] for one in recwarn.list] == [
        "percentiles are those of all slices of one series in the folder (1)"
    ]
