"""predict.py on DICOM files: geometry, meaning and patient data survive, as SimpleITK and dcmdump (DCMTK) read them."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.sequence import Sequence

from sr.errors import InputError, StorageError
from sr.image import rasters
from sr.image.kind import PHOTO, Kind
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.image.dicoms import NAME, NORMAL, PATIENT, ROOT, TURNED, real, series, written

itk = pytest.importorskip("SimpleITK")
CT = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip")
XRAY = Kind("xray", 1, "uint16", (0, 65535), 65535, False, (0,))
MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))
RNG = np.random.default_rng(0)


def bicubic(scale: int = 2, channels: int = 1, kernel: str = "bicubic") -> Interpolation:
    return Interpolation(scale=scale, channels=channels, kernel=kernel)


def upscaled(folder, source, network=None, kind: Kind = CT, **options):
    """The result for a file, in a folder; it must be written."""
    target = folder / "out" / source.name
    assert predict_files(network or bicubic(), [(source, target)], kind=kind, **options).written == 1
    return target


def doubled(samples: np.ndarray) -> np.ndarray:
    return samples.repeat(2, -2).repeat(2, -1)


def moment(image) -> list[float]:
    """(x, y, z) index of the centre of brightness."""
    brightness = itk.GetArrayFromImage(image).astype(float)[0]
    rows, columns = np.indices(brightness.shape)
    return [float(np.average(columns, weights=brightness)), float(np.average(rows, weights=brightness)), 0.0]


@pytest.mark.parametrize("factor", [2, 3, 2.5])
def test_a_landmark_keeps_its_world_coordinate(tmp_path, factor):
    """In an oblique slice of oblong pixels; a gaussian, because its centre is no matter of the kernel."""
    y, x = np.mgrid[:40, :50]
    samples = (2000 * np.exp(-((y - 17) ** 2 + (x - 31) ** 2) / 8)).astype(np.int16)
    source = written(tmp_path / "a.dcm", samples)
    whole = int(factor) if factor == int(factor) else None
    target = upscaled(tmp_path, source, bicubic(whole or 2), outscale=None if whole else factor)
    lr, sr = itk.ReadImage(str(source)), itk.ReadImage(str(target))
    before, after = (np.array(image.TransformContinuousIndexToPhysicalPoint(moment(image))) for image in (lr, sr))
    assert np.abs(before - lr.TransformIndexToPhysicalPoint((31, 17, 0))).max() < 0.01
    assert np.abs(after - before).max() < 0.05  # mm; half an LR pixel has 0.25 and 0.35
    np.testing.assert_allclose(sr.GetSpacing()[:2], np.array(lr.GetSpacing()[:2]) / factor, rtol=1e-9)
    np.testing.assert_allclose(sr.GetDirection(), lr.GetDirection(), atol=1e-9)
    corners = [image.TransformContinuousIndexToPhysicalPoint([-0.5, -0.5, 0]) for image in (lr, sr)]
    np.testing.assert_allclose(*corners, atol=1e-4)


def test_a_series_keeps_its_extent(tmp_path):
    files = series(tmp_path / "lr", 4)
    predict_files(bicubic(), [(file, tmp_path / "sr" / file.name) for file in files], kind=MRI)
    volumes = []
    for folder in (tmp_path / "lr", tmp_path / "sr"):
        reader = itk.ImageSeriesReader()
        (uid,) = reader.GetGDCMSeriesIDs(str(folder))
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), uid))
        volumes.append(reader.Execute())
    lr, sr = volumes
    assert sr.GetSize() == (80, 80, 4) and sr.GetSpacing() == pytest.approx((0.25, 0.35, 2))
    for index in ((0, 0, 0), (7, 30, 3)):
        place = np.array(sr.TransformContinuousIndexToPhysicalPoint([2 * index[0] + 0.5, 2 * index[1] + 0.5, index[2]]))
        np.testing.assert_allclose(place, lr.TransformIndexToPhysicalPoint(index), atol=1e-4)
    samples = [itk.GetArrayFromImage(image).astype(float) for image in volumes]
    assert np.abs(samples[1].reshape(4, 40, 2, 40, 2).mean((2, 4)) - samples[0]).max() < 15  # of 2000


def test_what_is_kept_and_what_is_new(tmp_path):
    samples = RNG.integers(-1000, 2000, (20, 24)).astype(np.int16)
    private = {"PatientBirthDate": "19700102", "InstitutionName": "Hôpital", "SpecificCharacterSet": "ISO_IR 192"}
    source = written(tmp_path / "a.dcm", samples, **private, SmallestImagePixelValue=-1000, ImagerPixelSpacing=[0.8, 0.6])
    before, after = pydicom.dcmread(source), pydicom.dcmread(upscaled(tmp_path, source, bicubic(kernel="nearest")))
    np.testing.assert_array_equal(after.pixel_array, doubled(samples))
    changed = {"Rows", "Columns", "PixelSpacing", "ImagerPixelSpacing", "ImagePositionPatient", "SOPInstanceUID", "ImageType"}
    changed |= {"SeriesInstanceUID", "PixelData", "SmallestImagePixelValue", "DerivationDescription", "SourceImageSequence"}
    keywords = {element.keyword for ds in (before, after) for element in ds}
    assert {keyword for keyword in keywords if before.get(keyword) != after.get(keyword)} == changed
    assert (after.PatientName, after.PatientID, after.StudyInstanceUID) == (NAME, PATIENT, f"{ROOT}.1")
    assert (after.Rows, after.Columns) == (40, 48) and after.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
    assert after.PixelSpacing == [0.35, 0.25] and after.ImagerPixelSpacing == [0.4, 0.3]
    assert after.SourceImageSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert after.DerivationDescription == "Super-resolution from 24x20 to 48x40 pixels"
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID and after.SOPInstanceUID.is_valid


def test_uids_depend_on_the_source_and_the_samples_alone(tmp_path):
    source = written(tmp_path / "a.dcm", RNG.integers(-1000, 2000, (20, 24)).astype(np.int16))
    other = written(tmp_path / "b.dcm", RNG.integers(-1000, 2000, (20, 24)).astype(np.int16))
    files = [upscaled(tmp_path / str(n), *job) for n, job in enumerate([(source,), (source,), (source, bicubic(3)), (other,)])]
    assert files[0].read_bytes() == files[1].read_bytes()
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in files]
    assert len({header.SOPInstanceUID for header in headers}) == 3
    assert headers[0].SeriesInstanceUID == headers[3].SeriesInstanceUID != headers[2].SeriesInstanceUID


@pytest.mark.parametrize("name", ["CT_small.dcm", "693_J2KI.dcm", "MR_small_bigendian.dcm", "examples_overlay.dcm"])
def test_samples_of_each_encoding_come_back(tmp_path, name):
    with rasters.opened(real(name)) as raster:
        kind, values = (XRAY if raster.dtype == np.uint16 else CT), raster.values
    target = upscaled(tmp_path, real(name), bicubic(kernel="nearest"), kind)
    np.testing.assert_array_equal(pixel_array(target), doubled(pixel_array(real(name))))
    before, after = pydicom.dcmread(real(name)), pydicom.dcmread(target)
    for keyword in ("RescaleSlope", "RescaleIntercept", "BitsStored", "PixelRepresentation", "WindowCenter", "PatientName"):
        assert before.get(keyword) == after.get(keyword)
    assert not any(element.tag.group & 0xFF00 == 0x6000 for element in after) and values.allocated == 16
    assert target.read_bytes()[:4] == b"\0\0\0\0"  # the header of a TIFF is gone


@pytest.mark.parametrize("colours", ["MONOCHROME1", "MONOCHROME2"])
def test_a_radiograph_of_10_bits(tmp_path, colours):
    samples = RNG.integers(0, 1024, (20, 24)).astype(np.uint16)
    source = written(tmp_path / "a.dcm", samples, bits=10, PhotometricInterpretation=colours)
    after = pydicom.dcmread(upscaled(tmp_path, source, bicubic(kernel="nearest"), XRAY))
    np.testing.assert_array_equal(after.pixel_array, doubled(samples))
    assert (after.PhotometricInterpretation, after.BitsStored) == (colours, 10)


def test_frames_of_colour(tmp_path, capsys):
    source = real("SC_rgb_rle_2frame.dcm")
    target = upscaled(tmp_path, source, bicubic(channels=3, kernel="nearest"), PHOTO)
    assert "its compression (RLE Lossless) is not kept" in capsys.readouterr().err
    after = pydicom.dcmread(target)
    assert (after.NumberOfFrames, after.PhotometricInterpretation, after.Rows) == (2, "RGB", 200)
    np.testing.assert_array_equal(after.pixel_array, pixel_array(source).repeat(2, 1).repeat(2, 2))


def test_functional_groups_of_frames(tmp_path):
    """An enhanced file: position and scaling of each frame, orientation and spacing of all."""

    def item(**elements):
        ds = Dataset()
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        return Sequence([ds])

    samples = RNG.integers(0, 4000, (2, 20, 24)).astype(np.int16)
    measures, plane = item(PixelSpacing=[0.7, 0.5]), item(ImageOrientationPatient=list(TURNED))
    places = [[float(value) for value in n * NORMAL] for n in range(2)]
    frames = [
        item(
            PlanePositionSequence=item(ImagePositionPatient=places[n]),
            PixelValueTransformationSequence=item(RescaleSlope=n + 1, RescaleIntercept=-n),
        )[0]
        for n in range(2)
    ]
    source = written(
        tmp_path / "a.dcm",
        samples.reshape(40, 24),
        Rows=20,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=item(PixelMeasuresSequence=measures, PlaneOrientationSequence=plane),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )
    with rasters.opened(source) as raster:
        np.testing.assert_array_equal(raster.read(slice(0, 20), slice(0, 24), 1)[..., 0], samples[1] * 2 - 1)
    after = pydicom.dcmread(upscaled(tmp_path, source, bicubic(kernel="nearest")))
    np.testing.assert_array_equal(after.pixel_array, doubled(samples))
    assert after.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing == [0.35, 0.25]
    step = -0.125 * np.array(TURNED[:3]) - 0.175 * np.array(TURNED[3:])
    for n, group in enumerate(after.PerFrameFunctionalGroupsSequence):
        np.testing.assert_allclose(group.PlanePositionSequence[0].ImagePositionPatient, places[n] + step, atol=1e-9)


def test_padding_stays_padding(tmp_path):
    samples = RNG.integers(-20, 20, (20, 24)).astype(np.int16)
    samples[:5], samples[0, 20] = -2000, 7
    source = written(tmp_path / "a.dcm", samples, PixelPaddingValue=-2000)
    found = pydicom.dcmread(upscaled(tmp_path, source)).pixel_array
    np.testing.assert_array_equal(found == -2000, doubled(samples == -2000))
    assert found[found != -2000].min() > -60  # nothing of it bleeds into the picture


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmdump (DCMTK) is not installed")
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "SC_rgb_rle_2frame.dcm"])
def test_dcmtk_reads_the_results(tmp_path, name):
    bands, kind = (3, PHOTO) if "rgb" in name else (1, CT)
    target = upscaled(tmp_path, real(name), bicubic(channels=bands), kind)
    said = subprocess.run(["dcmdump", "+L", target], capture_output=True, text=True, check=True)
    assert "LittleEndianExplicit" in said.stdout and "DERIVED\\SECONDARY" in said.stdout and not said.stderr
    rows = pydicom.dcmread(real(name), stop_before_pixels=True).Rows
    assert f"(0028,0010) US {2 * rows}" in said.stdout


def test_bad_input_is_one_line_and_the_others_are_written(tmp_path, capsys):
    folder = tmp_path / "lr"
    written(folder / "a.dcm", np.zeros((16, 16), np.int16))
    shutil.copy(real("examples_rgb_color.dcm"), folder / "b.dcm")
    (folder / "c.dcm").write_bytes(b"no DICOM")
    (folder / "d.dcm").write_bytes((folder / "a.dcm").read_bytes()[:-100])
    predict_files(bicubic(), plan(folder, tmp_path / "sr"), kind=CT)
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if ".dcm: " in line and "%|" not in line]
    assert len(lines) == 3 and "1 written, 0 skipped (existing), 3 failed" in said.out
    assert "b.dcm: 3 bands, but the network is for 1 (image=ct)" in lines[0]
    assert "c.dcm: not a DICOM file" in lines[1] and "d.dcm: cannot be read as DICOM" in lines[2]
    assert [file.name for file in (tmp_path / "sr").iterdir()] == ["a.dcm"]


def test_a_photograph_made_of_it_says_what_it_loses(tmp_path, capsys):
    source = written(tmp_path / "a.dcm", RNG.integers(0, 1024, (20, 24)).astype(np.uint16), bits=10)
    assert predict_files(bicubic(), [(source, tmp_path / "a.png")], kind=XRAY).written == 1
    said = capsys.readouterr().err
    assert "its coordinates and tags are not kept in .png" in said and "its values, 0 to 1023, are not spread over" in said
    with pytest.raises(InputError, match="int16 samples, but image=photo is uint8"):
        PHOTO.read(written(tmp_path / "b.dcm", np.zeros((16, 16), np.int16)))


def test_another_modality_is_said(tmp_path, recwarn):
    source = shutil.copy(real("MR_small.dcm"), tmp_path / "a.dcm")  # alone in its folder
    upscaled(tmp_path / "mri", source, kind=MRI)
    assert not any("of modality" in str(one.message) for one in recwarn.list)
    with pytest.warns(match=r": files of modality MR, but the network is for image=ct: do not trust results$"):
        upscaled(tmp_path / "ct", source, kind=CT)


def test_a_file_where_the_folder_of_the_result_should_be(tmp_path):
    source = shutil.copy(real("MR_small.dcm"), tmp_path / "a.dcm")
    with pytest.raises(StorageError, match="a.dcm/b.dcm: a folder of this path is a file$"):
        predict_files(bicubic(), [(source, source / "b.dcm")], kind=MRI)
