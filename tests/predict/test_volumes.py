"""predict.py on volumes: which file becomes which, and what fails without stopping the others."""

import numpy as np
import pytest

from sr.errors import InputError, MissingError, StorageError
from sr.image.kind import Kind
from sr.image.volume import Volume, read_volume, write_volume
from sr.network.interpolation_volume import InterpolationVolume
from sr.predict.volumes import plan_volumes, predict_volumes
from tests.volumes import brain, write_brain

nibabel = pytest.importorskip("nibabel")
MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,), percentiles=(0, 99.9))


@pytest.fixture
def folder(tmp_path):
    for name in ("a.nii.gz", "deep/b.npy"):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return tmp_path


def test_a_folder_keeps_its_sub_folders(folder):
    made = plan_volumes(folder / "in", folder / "out", suffix="_x2")
    assert [(a.name, b.relative_to(folder / "out").as_posix()) for a, b in made] == [
        ("a.nii.gz", "a_x2.nii.gz"),
        ("b.npy", "deep/b_x2.npy"),
    ]
    assert [b for _, b in plan_volumes(f"{folder}/in/**/*.n*", folder / "out")] == [
        folder / "out" / "a.nii.gz",
        folder / "out" / "deep" / "b.npy",
    ]
    results = folder / "in" / "out" / "a.nii.gz"
    results.parent.mkdir()
    results.write_bytes(b"")
    assert [a.name for a, _ in plan_volumes(folder / "in", folder / "in" / "out")] == ["a.nii.gz", "b.npy"]
    assert plan_volumes([folder / "in" / "a.nii.gz"], folder / "thin.nii.gz") == [
        (folder / "in" / "a.nii.gz", folder / "thin.nii.gz")
    ]


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("in", "in", "is the input folder: choose another one"),
        ("in/a.nii.gz", "in", "its result .* would overwrite an input: choose another output or a suffix"),
        ("in/a.nii.gz", "thin.png", "thin.png: a volume cannot be written as .png: pass a folder or .nii.gz"),
        ("in/a.nii.gz", "thin.nrrd", "is kept in its own format: pass .nii.gz"),
        ("gone", "out", "^input: no such file or folder"),
    ],
)
def test_what_cannot_be_written_is_one_line(folder, source, target, says):
    with pytest.raises((InputError, MissingError), match=says):
        plan_volumes(folder / source, folder / target)


def test_one_bad_file_does_not_stop_the_others(sr_data, tmp_path, capsys):
    good = write_brain(sr_data, tmp_path / "good.nii.gz", (6, 8, 10))
    thick = write_brain(sr_data, tmp_path / "thick.nii.gz", (6, 8, 10), (1, 1, 3))
    np.save(tmp_path / "nan.npy", np.full((4, 4, 4), np.nan))
    files = [(file, tmp_path / "out" / file.name) for file in (tmp_path / "nan.npy", thick, good)]
    network = InterpolationVolume(scale=2, axes="isotropic", kernel="trilinear")
    result = predict_volumes(network, files, MRI)
    said = capsys.readouterr()
    assert (result.written, result.failed) == (1, 2) and "1 written, 0 skipped (existing), 2 failed" in said.out
    assert "nan.npy: 64 of 64 voxels are NaN or infinite" in said.err
    assert "thick.nii.gz: voxels of 3x1x1 mm (D, H, W) are not cubes, but axes=isotropic enlarges" in said.err
    assert nibabel.load(files[2][1]).shape == (20, 16, 12)
    again = predict_volumes(network, files[1:], MRI, anisotropic=True)
    assert (again.written, again.skipped) == (1, 1)
    np.testing.assert_allclose(nibabel.load(files[1][1]).header.get_zooms(), (0.5, 0.5, 1.5), rtol=1e-6)
    with pytest.raises(InputError, match="^tile=-3: choose auto, null"):
        predict_volumes(network, files, MRI, tile=-3)


@pytest.mark.parametrize("ending", ["npy", "nii.gz", "nrrd"])
def test_a_result_that_cannot_be_stored_is_one_line(sr_data, tmp_path, ending):
    """/proc takes no files; each library has its own error for that."""
    pytest.importorskip("SimpleITK")
    voxels = np.rint(brain(sr_data, (6, 8, 10))[0, 0].numpy() * 1000).astype(np.int16)
    source = Volume(tmp_path / f"a.{ending}", voxels, 1.0, 0.0, None, (0, 1, 2))
    if ending == "nii.gz":
        source = read_volume(write_brain(sr_data, tmp_path / "a.nii.gz", (6, 8, 10)))
    if ending == "nrrd":
        itk = pytest.importorskip("SimpleITK")
        itk.WriteImage(itk.GetImageFromArray(voxels), str(source.path))
        source = read_volume(source.path)
    with pytest.raises(StorageError, match=f"/proc/thin.{ending}"):
        write_volume(f"/proc/thin.{ending}", source.values().repeat(2, 0), source, (2, 1, 1))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="file/thin.*: a folder of this path is a file"):
        write_volume(tmp_path / "file" / f"thin.{ending}", source.values().repeat(2, 0), source, (2, 1, 1))
