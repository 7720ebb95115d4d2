"""Slices of volumes as pictures: values and orientation by nibabel and SimpleITK, and results that keep their geometry."""

import numpy as np
import pytest
import torch

from sr.benchmark.slices import SliceBenchmark
from sr.data.overlap import shared
from sr.data.source.slices import Slices
from sr.data.store import Store
from sr.errors import InputError
from sr.image import rasters
from sr.image.kind import Kind
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.volumes import brain, write_brain

nibabel = pytest.importorskip("nibabel")
MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))
CT = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip")


def itk(path, values, spacing=(0.9, 0.8, 3.0)):
    """Values (z, y, x) as a file of SimpleITK with an oblique direction."""
    simpleitk = pytest.importorskip("SimpleITK")
    image = simpleitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin((-5.0, 7.5, 11.0))
    image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))
    simpleitk.WriteImage(image, str(path))
    return path


def test_a_slice_has_the_values_of_nibabel_and_the_percentiles_of_its_volume(sr_data, tmp_path):
    file = write_brain(sr_data, tmp_path / "a.nii.gz", (12, 20, 24), (1, 1, 3))
    values = nibabel.load(file).get_fdata(dtype=np.float32)  # (x, y, z)
    with rasters.opened(file) as raster:
        assert (raster.planes, raster.shape, raster.dtype) == (12, (20, 24, 1), np.float32)
        np.testing.assert_allclose(raster.read(slice(3, 9), slice(None), 5)[..., 0], values[:, 3:9, 5].T, rtol=1e-6)
    low, high = values.min(), np.percentile(values, 99.9)
    np.testing.assert_allclose(MRI.read(file / "0005.slice")[..., 0], (values[:, :, 5].T - low) / (high - low), atol=1e-6)


def test_training_and_test_take_slices_divided_by_volume(sr_data, tmp_path, capsys):
    for name in "abcdefgh":
        write_brain(sr_data, tmp_path / f"{name}.nii.gz", (4, 16, 16), (1, 1, 3))
    slices, test = Slices(tmp_path), SliceBenchmark("slices", tmp_path, 2, kind=MRI)
    slices.prepare()
    said = f"{tmp_path}: slices by volume (8): 20 train, 4 val, 8 test, 0 unused between them; series: 8 of volume\n"
    assert capsys.readouterr().out == said
    parts = {part: {file.parent.name for file in files} for part, files in slices.parts.items()}
    assert sum(map(len, parts.values())) == 8 and len(set.union(*parts.values())) == 8
    test.prepare()
    assert len(test) == 8 and test[3]["hr"].shape == (1, 16, 16) and test.names[0].endswith("_slice001")
    files = [file for file, _ in slices.files()]
    store = Store(files, tmp_path / "cache", kind=MRI)
    assert store.build() == 24 and store[7].shape == (16, 16, 1) and Store(files, tmp_path / "cache", kind=MRI).build() == 0
    np.testing.assert_array_equal(store[7], MRI.read(files[7]))
    assert shared(files, [file for file, _ in test.pairs]) == [] and shared(files, files[:3]) == files[:3]


def test_one_volume_is_divided_in_blocks(sr_data, tmp_path, capsys):
    write_brain(sr_data, tmp_path / "a.nii.gz", (20, 16, 16))
    Slices(tmp_path).prepare()
    assert ": slices within one volume, in blocks: 12 train, 2 val, 4 test, 2 unused" in capsys.readouterr().out


def test_a_changed_volume_is_decoded_again(sr_data, tmp_path):
    file = write_brain(sr_data, tmp_path / "a.nii.gz", (20, 16, 16))
    store = Store([file / "0000.slice"], tmp_path / "cache", kind=MRI)
    store.build()
    before = store[0].copy()
    itk(file, brain(sr_data, (20, 16, 16))[0, 0].numpy()[::-1])
    again = Store([file / "0000.slice"], tmp_path / "cache", kind=MRI)
    assert again.build() == 1 and not np.array_equal(again[0], before)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_result_keeps_type_values_and_places(sr_data, tmp_path, ending):
    """Every LR voxel's centre, and the values there, by SimpleITK; the affine by nibabel, too."""
    simpleitk = pytest.importorskip("SimpleITK")
    values = np.rint(brain(sr_data, (5, 14, 18))[0, 0].numpy() * 2000 - 1000).astype(np.int16)
    source = itk(tmp_path / f"a{ending}", values)
    (pair,) = plan(source, tmp_path / "out")
    with pytest.warns(match="5x14x18 voxels are enlarged slice by slice, across the file's axis 2$"):
        assert predict_files(Interpolation(scale=2), [pair], kind=CT).written == 1
    before, after = (simpleitk.ReadImage(str(file)) for file in pair)
    assert after.GetSize() == (36, 28, 5) and after.GetPixelID() == before.GetPixelID()
    for place in ((0, 0, 0), (3, 4, 2), (17, 13, 4)):
        there = [2 * place[0] + 0.5, 2 * place[1] + 0.5, place[2]]
        world = before.TransformContinuousIndexToPhysicalPoint([float(n) for n in place])
        np.testing.assert_allclose(after.TransformContinuousIndexToPhysicalPoint(there), world, atol=1e-4)
    hr = CT.scaled(torch.from_numpy(values)[:, None])
    expected = CT.to_stored(Interpolation(scale=2)(hr))[:, 0].numpy()
    assert np.abs(simpleitk.GetArrayFromImage(after).astype(int) - expected).max() <= 1
    if ending == ".nii.gz":
        old, new = (nibabel.load(file) for file in pair)
        np.testing.assert_allclose(new.affine[:3, :3], old.affine[:3, :3] / (2, 2, 1), atol=1e-5)
        np.testing.assert_allclose(new.affine @ (6.5, 8.5, 2, 1), old.affine @ (3, 4, 2, 1), atol=1e-4)


def test_what_does_not_fit_is_one_line(sr_data, tmp_path):
    file = write_brain(sr_data, tmp_path / "a.nii.gz", (5, 14, 18))
    with pytest.raises(InputError, match=r"a\.nrrd names a volume, but .*, and for a volume, .* its own format or a folder$"):
        plan(file, tmp_path / "a.nrrd")
    with pytest.raises(InputError, match=r"0002\.slice: float32 samples, but image=ct is int16 in \[-1024, 3071\]: convert it"):
        CT.read(file / "0002.slice")
    four = nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4))
    four.to_filename(tmp_path / "b.nii")
    with pytest.raises(InputError, match=r"^[^\n]*b\.nii: 4 dimensions, 4x4x4x2: split it into volumes first$"):
        Slices(tmp_path).parts  # noqa: B018
