"""Slices are divided by patient, or in blocks of one patient's slices; doubled and missing ones are refused."""

import numpy as np
import pydicom
import pytest

from sr.benchmark.slices import SliceBenchmark
from sr.data.source.folder import Folder
from sr.data.source.slices import Slices
from sr.data.split import Split
from sr.errors import InputError, MissingError
from sr.image.dicom_series import ordered, slice_of
from sr.image.kind import Kind
from tests.image.dicoms import ROOT, series, written

CT = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip", private=True)


def positions(files) -> list[float]:
    return [slice_of(file).position for file in files]


def test_one_patient_in_blocks_with_gaps(tmp_path, capsys):
    files = series(tmp_path, 20)  # 2 mm apart, named against their order
    slices = Slices(tmp_path)
    parts = slices.parts
    assert [len(parts[part]) for part in ("train", "val", "test")] == [12, 2, 4]
    assert parts["train"] + parts["val"] + parts["test"] == [*files[:12], *files[13:15], *files[16:]]
    assert min(positions(parts["val"])) - max(positions(parts["train"])) == pytest.approx(4)
    slices.prepare()
    assert capsys.readouterr().out == (
        f"{tmp_path}: slices within one patient, in blocks: 12 train, 2 val, 4 test, 2 unused between them; series: 1 of CT\n"
    )
    assert slices.validation() == [(file, None) for file in files[13:15]]
    assert slices.names()[0] == "series1_slice001" and Slices(tmp_path, "test").names()[-1] == "series1_slice020"


def test_two_series_of_one_patient_are_divided_at_the_same_places(tmp_path):
    series(tmp_path / "a", 20)
    series(tmp_path / "b", 10, spacing=4.0, SeriesInstanceUID=f"{ROOT}.9")
    parts = Slices(tmp_path).parts
    ends = [(min(positions(parts[part])), max(positions(parts[part]))) for part in ("train", "val", "test")]
    assert ends[0][1] < ends[1][0] - 4 and ends[1][1] < ends[2][0] - 4
    assert len({slice_of(file).series for file in parts["test"]}) == 2


def test_whole_patients_are_held_out(tmp_path, capsys):
    for n in range(10):
        series(tmp_path / f"p{n}", 3, PatientID=f"patient {n}", SeriesInstanceUID=f"{ROOT}.8.{n}")
    parts = Slices(tmp_path, val=0.1, test=0.2).parts
    patients = {part: {slice_of(file).patient for file in files} for part, files in parts.items()}
    assert {part: len(found) for part, found in patients.items()} == {"train": 7, "val": 1, "test": 2}
    assert sum(map(len, parts.values())) == 30 and len(set().union(*patients.values())) == 10
    Slices(tmp_path).prepare()
    said = capsys.readouterr().out
    assert "slices by patient (10): 21 train, 3 val, 6 test, 0 unused between them; series: 10 of CT" in said
    assert "patient " not in said.replace("by patient (10)", "")  # no ID


def test_two_patients_and_radiographs(tmp_path, capsys):
    for n in range(2):
        series(tmp_path / f"p{n}", 12, PatientID=f"patient {n}", SeriesInstanceUID=f"{ROOT}.8.{n}")
    Slices(tmp_path).prepare()
    assert "slices within 2 patients, in blocks" in capsys.readouterr().out
    for n in range(4):  # without positions
        file = written(tmp_path / "x" / f"{n}.dcm", np.zeros((8, 8), np.uint16), PatientID=f"x{n}", SeriesInstanceUID=f"1.{n}")
        ds = pydicom.dcmread(file)
        del ds.ImagePositionPatient
        ds.save_as(file)
    assert [len(files) for files in Slices(tmp_path / "x").parts.values()] == [2, 1, 1]
    (tmp_path / "x" / "0.dcm").unlink(), (tmp_path / "x" / "1.dcm").unlink()
    with pytest.raises(InputError, match="images of fewer than 3 patients without ImagePositionPatient cannot be divided"):
        _ = Slices(tmp_path / "x").parts


def test_a_folder_says_that_it_does_not_divide_by_patient(tmp_path):
    series(tmp_path, 20)
    hint = "; others of the same patient may be trained on: data=slices divides by patient"
    lines = [Split(scale=2).of([source], None, CT).line() for source in (Folder(tmp_path), Slices(tmp_path))]
    assert lines[0].endswith(hint) and hint not in lines[1]
    assert lines[1] == "validation: 2 held-out training images: series1_slice014, series1_slice015"


def test_the_order_is_that_of_positions_not_of_names(tmp_path):
    files = series(tmp_path, 5)
    assert [one.file for one in ordered(map(slice_of, sorted(files)))[0]] == files
    other = written(tmp_path / "z.dcm", np.zeros((8, 8), np.int16), ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    assert [len(each) for each in ordered(map(slice_of, [*files, other]))] == [1, 5]


def test_a_missing_or_doubled_slice_is_one_line(tmp_path):
    files = series(tmp_path, 8)
    again = written(tmp_path / "again.dcm", np.zeros((8, 8), np.int16), position=6.0)
    with pytest.raises(InputError) as caught:
        _ = Slices(tmp_path).parts
    assert str(caught.value).startswith(f"{again} and {files[3]} are two slices of one series at the same place: keep one")
    again.unlink()
    files[5].unlink()
    with pytest.raises(InputError) as caught:
        _ = Slices(tmp_path).parts
    assert str(caught.value).startswith(f"a slice is missing between {files[4]} and {files[6]}: they are 4 mm apart, others 2;")
    assert len(Slices(tmp_path, missing="keep").series[0]) == 7


def test_other_errors(tmp_path):
    with pytest.raises(InputError, match="missing=skip: choose stop or keep"):
        Slices(tmp_path, missing="skip")
    with pytest.raises(MissingError, match="no images in"):
        _ = Slices(tmp_path).parts
    series(tmp_path, 2)
    with pytest.raises(InputError, match="too few slices for training, validation and test: none are left for"):
        _ = Slices(tmp_path).parts


def test_a_benchmark(tmp_path):
    files = series(tmp_path, 20)
    benchmark = SliceBenchmark("slices", tmp_path, 2, kind=CT)
    benchmark.prepare()
    assert [hr for hr, _ in benchmark.pairs] == files[16:] and len(benchmark) == 4
    assert benchmark[0]["name"] == "series1_slice017" and benchmark[0]["lr"].shape == (1, 20, 20)
    np.testing.assert_array_equal(benchmark[0]["hr"][0].numpy(), pydicom.dcmread(files[16]).pixel_array)
