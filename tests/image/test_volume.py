"""Volume files: voxels, type, scaling and geometry, checked by nibabel and SimpleITK."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from sr.errors import InputError, MissingError
from sr.image.kind import Kind
from sr.image.volume import found, read_volume, stem, write_volume
from sr.image.volume_kind import clipped, from_unit, to_kind
from tests.volumes import FOLDER, brain, write_brain

nibabel = pytest.importorskip("nibabel")
itk = pytest.importorskip("SimpleITK")
MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))
FACTORS = [(2, 1, 1), (2, 2, 2), (4, 1, 3)]  # along D, H, W


def world(affine: np.ndarray, index: np.ndarray) -> np.ndarray:
    return affine[:3, :3] @ index + affine[:3, 3]


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 1, 4), (3, 1, 1)])
def test_nifti_keeps_places_type_and_scaling(sr_data, tmp_path, spacing, factors):
    source = read_volume(write_brain(sr_data, tmp_path / "a.nii.gz", (8, 10, 12), spacing))
    before = nibabel.load(tmp_path / "a.nii.gz")
    d = 0 if spacing[0] == 3 else 2  # the axis of the slices in the file
    assert source.axes[0] == d and source.spacing[0] == pytest.approx(max(spacing)) and source.cubes() == (max(spacing) == 1)
    np.testing.assert_allclose(source.values(), before.get_fdata().transpose(source.axes), rtol=1e-6)

    values = source.values()
    for axis, factor in enumerate(factors):
        values = values.repeat(factor, axis)
    write_volume(tmp_path / "b.nii.gz", values, source, factors)
    after, by = nibabel.load(tmp_path / "b.nii.gz"), np.array([factors[source.axes.index(axis)] for axis in range(3)])
    assert after.shape == tuple(np.array(before.shape) * by) and after.get_data_dtype() == np.int16
    assert (after.dataobj.slope, after.dataobj.inter) == (0.5, 3.0)
    np.testing.assert_allclose(after.header.get_zooms(), np.array(spacing) / by, rtol=1e-6)
    for form in ("get_qform", "get_sform"):
        (old, old_code), (new, new_code) = (getattr(image, form)(coded=True) for image in (before, after))
        assert old_code == new_code
        for index in ((0, 0, 0), (3, 5, 2), (7, 1, 6)):
            centre = np.mean([(np.array(index) + 0.5) * by - 0.5], axis=0)  # the middle of the voxels that divide it
            np.testing.assert_allclose(world(new, centre), world(old, np.array(index)), atol=1e-4)
    middle = tuple(slice(None, None, f) for f in by)
    assert np.array_equal(np.asanyarray(after.dataobj)[middle], np.asanyarray(before.dataobj))  # to the last bit


def test_a_file_without_orientation_gets_none(sr_data, tmp_path):
    """Both codes of its header are 0: a result with an affine would say left from right, which nobody knows."""
    voxels = np.rint(brain(sr_data, (6, 8, 10))[0, 0].numpy() * 1000).astype(np.int16)
    bare = nibabel.Nifti1Image(voxels, None)
    bare.header.set_zooms((1, 1, 3))
    bare.to_filename(tmp_path / "a.nii")
    source = read_volume(tmp_path / "a.nii")
    write_volume(tmp_path / "b.nii", source.values().repeat(2, 0), source, (2, 1, 1))
    made = nibabel.load(tmp_path / "b.nii").header
    assert (int(made["sform_code"]), int(made["qform_code"])) == (0, 0)
    assert made.get_zooms() == (1, 1, 1.5) and made.get_data_shape() == (6, 8, 20)
    assert itk.ReadImage(str(tmp_path / "b.nii")).GetSpacing() == (1, 1, 1.5)


def test_another_reader_sees_the_same_places(sr_data, tmp_path):
    source = read_volume(write_brain(sr_data, tmp_path / "a.nii.gz", (8, 10, 12)))
    write_volume(tmp_path / "b.nii.gz", source.values().repeat(2, 0), source, (2, 1, 1))
    before, after = (itk.ReadImage(str(tmp_path / name)) for name in ("a.nii.gz", "b.nii.gz"))
    for x, y, z in ((0, 0, 0), (3, 5, 2), (11, 9, 7)):
        old = before.TransformIndexToPhysicalPoint((x, y, z))
        new = after.TransformContinuousIndexToPhysicalPoint((x, y, 2 * z + 0.5))
        np.testing.assert_allclose(new, old, atol=1e-4)
    np.testing.assert_allclose(after.GetSpacing(), (1, 1, 0.5), rtol=1e-5)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".mgz"])
def test_other_formats(sr_data, tmp_path, ending):
    voxels = np.rint(brain(sr_data, (6, 8, 10))[0, 0].numpy() * 1000).astype(np.int16)
    if ending == ".mgz":
        affine = np.diag([-1.0, 1, 2, 1])
        nibabel.MGHImage(voxels.transpose(2, 1, 0), affine).to_filename(tmp_path / "a.mgz")
    else:
        image = itk.GetImageFromArray(voxels)
        image.SetSpacing((1, 1, 2)), image.SetOrigin((5, -6, 7)), image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
        itk.WriteImage(image, str(tmp_path / f"a{ending}"))
    source = read_volume(tmp_path / f"a{ending}")
    assert np.array_equal(source.values(), voxels) and source.spacing == (2, 1, 1) and source.axes == (2, 1, 0)
    write_volume(tmp_path / f"b{ending}", source.values().repeat(2, 0), source, (2, 1, 1))
    again = read_volume(tmp_path / f"b{ending}")
    assert (
        again.spacing == (1, 1, 1)
        and again.voxels.dtype.newbyteorder("=") == np.int16
        and np.array_equal(again.voxels[::2], voxels)
    )
    if ending != ".mgz":
        before, after = (itk.ReadImage(str(tmp_path / f"{name}{ending}")) for name in "ab")
        place = after.TransformContinuousIndexToPhysicalPoint((3, 4, 2 * 2 + 0.5))
        np.testing.assert_allclose(place, before.TransformIndexToPhysicalPoint((3, 4, 2)), atol=1e-6)


def test_numpy_files_and_names(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", values)
    volume = read_volume(tmp_path / "a.npy")
    assert volume.spacing is None and volume.cubes() and np.array_equal(volume.values(), values)
    write_volume(tmp_path / "b.npy", values.repeat(2, 1), volume, (1, 2, 1))
    assert np.array_equal(np.load(tmp_path / "b.npy"), values.repeat(2, 1))
    assert stem(tmp_path / "Scan.v2.NII.GZ") == "Scan.v2"


def test_percentiles_become_the_range_and_back(sr_data, tmp_path):
    volume = read_volume(write_brain(sr_data, tmp_path / "a.nii", (8, 10, 12)))
    voxels, limits = to_kind(volume, replace(MRI, percentiles=(0, 90)))
    values = volume.values()
    assert limits == pytest.approx((values.min(), np.percentile(values, 90))) and voxels.shape == (8, 10, 12, 1)
    assert voxels.min() == 0 and 0.89 < (voxels <= 1).mean() < 0.92
    np.testing.assert_allclose(from_unit(voxels[..., 0], limits), values, atol=1e-3)
    hounsfield = Kind("ct", 1, "float32", (-1024, 3071), None, False, (0,))
    assert np.array_equal(to_kind(volume, hounsfield)[0][..., 0], values)


def test_real_files(sr_data):
    for name, sizes, spacing in (("S0_10slices", (10, 128, 128), 53.141), ("aniso_vox", (24, 58, 58), 5.0)):
        volume = read_volume(sr_data / FOLDER / f"{name}.nii.gz")
        assert volume.voxels.shape == sizes and volume.spacing[0] == pytest.approx(spacing, abs=1e-3) and not volume.cubes()
    assert read_volume(sr_data / FOLDER / "MR_Gd.nii.gz").cubes()  # 0.977, 0.977, 1.003 mm


@pytest.mark.parametrize(("name", "library"), [("a.nii.gz", "nibabel"), ("a.nrrd", "SimpleITK")])
def test_a_missing_library_is_one_line(tmp_path, monkeypatch, name, library):
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf'need {library}: pip install "\.\[medical\]"$'):
        read_volume(tmp_path / name)


def _save(file, array):
    np.save(file, array)
    return file


def _header(file, at, *numbers):
    """A NIfTI file of which some float32 of the header, from byte `at`, are replaced."""
    image = nibabel.Nifti1Image(np.arange(64, dtype=np.int16).reshape(4, 4, 4), np.diag([1.0, 1, 2, 1]))
    image.to_filename(file)
    content = bytearray(file.read_bytes())
    content[at : at + 4 * len(numbers)] = np.array(numbers, "<f4").tobytes()
    file.write_bytes(content)
    return file


def test_an_sform_counts_more_than_the_sizes_beside_it(tmp_path):
    """pixdim says that y is the axis of the slices, the sform that z is; readers place voxels by the sform."""
    volume = read_volume(_header(tmp_path / "a.nii", 80, 1, 9, 1))
    assert volume.spacing == (2, 1, 1) and volume.axes == (2, 1, 0)


BAD = {
    "affine of NaN": (lambda f, d: _header(f / "a.nii", 280, *[np.nan] * 12), "a.nii: its affine does not place voxels"),
    "affine of zeros": (lambda f, d: _header(f / "a.nii", 280, *[0] * 12), "a.nii: its affine does not place voxels"),
    "nan": (lambda f, d: _save(f / "a.npy", np.full((2, 2, 2), np.nan)), "a.npy: 8 of 8 voxels are NaN or infinite"),
    "4d": (lambda f, d: d / FOLDER / "example4d.nii.gz", "example4d.nii.gz: 4 dimensions, 128x96x24x2: split it into volumes"),
    "2d": (lambda f, d: _save(f / "a.npy", np.zeros((4, 4))), "a.npy: 2 dimensions, 4x4: a volume has three dimensions"),
    "complex": (lambda f, d: _save(f / "a.npy", np.zeros((2, 2, 2), complex)), "a.npy: voxels are complex128"),
    "text": (lambda f, d: (f / "a.npy").write_text("no") and f / "a.npy", "a.npy: not a NumPy array, or truncated"),
    "cut": (lambda f, d: (f / "a.nii").write_bytes(b"\x5c\x01" + bytes(90)) and f / "a.nii", "a.nii: cannot be read"),
    "flat": (lambda f, d: _save(f / "a.npy", np.ones((2, 2, 2))), "a.npy: its values at percentiles .* are both 1"),
    "format": (lambda f, d: (f / "a.png").write_bytes(b"x") and f / "a.png", "a.png: not a volume format: choose one of .npy"),
    "gone": (lambda f, d: f / "b.nii", "^no such file: "),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line(sr_data, tmp_path, case):
    make, says = BAD[case]
    with pytest.raises((InputError, MissingError), match=says) as error:
        to_kind(read_volume(make(tmp_path, sr_data)), MRI)
    assert "\n" not in str(error.value)


def test_a_kind_with_other_bands_or_another_range_is_refused(tmp_path):
    volume = read_volume(_save(tmp_path / "a.npy", np.arange(27.0).reshape(3, 3, 3) * 100))
    with pytest.raises(InputError, match="a.npy: a volume has one band, but image=photo has 3: pass image=mri"):
        to_kind(volume, Kind("photo", 3, "uint8", (0, 255), 255, True, (0, 1, 2)))
    with pytest.raises(InputError, match="a.npy: values from 0 to 2600, but image=gray is uint8 in"):
        to_kind(volume, Kind("gray", 1, "uint8", (0, 255), 255, False, (0,)))
    with pytest.raises(InputError, match=r"image.percentiles=\[5, 3\]: pass \[low, high\] from 0 to 100"):
        Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(5, 3))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.mha", "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {}\n"),
        ("a.nrrd", "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {}\n\n"),
    ],
)
def test_a_header_does_not_read_another_file(tmp_path, name, header):
    """SimpleITK reads it: that shows that the header is sound."""
    itk = pytest.importorskip("SimpleITK")
    (tmp_path / "secret").write_bytes(bytes(range(8)))
    (tmp_path / name).write_text(header.format(tmp_path / "secret"))
    assert itk.GetArrayFromImage(itk.ReadImage(str(tmp_path / name))).sum() == 28
    with pytest.raises(InputError, match="its header names another file for the voxels"):
        read_volume(tmp_path / name)


def test_hounsfield_units_outside_the_range_are_clipped_but_not_in_predict(tmp_path):
    values = np.arange(27.0).reshape(3, 3, 3) * 300 - 2000  # to 5800
    volume = read_volume(_save(tmp_path / "a.npy", values))
    kind = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip")
    assert np.array_equal(to_kind(volume, kind)[0][..., 0], values.clip(-1024, 3071))
    assert clipped(volume, kind) == ["have values outside [-1024, 3071], which are clipped"]
    assert np.array_equal(to_kind(volume, kind, clip=False)[0][..., 0], values)
    inside = read_volume(_save(tmp_path / "b.npy", values.clip(-1000, 3000)))
    assert clipped(inside, kind) == [] and clipped(volume, MRI) == []
    with pytest.raises(InputError, match=r"a\.npy: values from -2000 to 5800, but image=ct is int16 in \[-1024, 3071\]"):
        to_kind(volume, replace(kind, outside="refuse"))


def test_a_pattern_names_files(tmp_path):
    for name in ("b.nii.gz", "a.nii.gz", "c.txt", "deep/d.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in found(tmp_path / "*", "data.train")] == ["a.nii.gz", "b.nii.gz"]
    assert [file.name for file in found([f"{tmp_path}/**/*.nii.gz"], "data.train")] == ["a.nii.gz", "b.nii.gz", "d.nii.gz"]
    with pytest.raises(MissingError, match=r"^data\.train: no volumes in .*x\*\.nii: looked for \.npy, "):
        found(tmp_path / "x*.nii", "data.train")
