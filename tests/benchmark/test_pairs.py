"""Evaluation sets: their LR files against the LR that we make, missing and incomplete sets, sets of one's own."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image

from sr.benchmark.pairs import Benchmark
from sr.build import measured_again
from sr.data.source.sample import Sample
from sr.errors import InputError, MissingError
from sr.image import file as image
from tests.jobs import CONF, compose

CHOICES = sorted(file.stem for file in (CONF / "benchmark").glob("*.yaml") if "LR_bicubic" in file.read_text())


def from_config(choice, data_dir, scale=2, *overrides):
    """The evaluation set that `benchmark=[choice]` makes."""
    cfg = compose("train", f"benchmark=[{choice}]", f"scale={scale}", f"data_dir='{data_dir}'", *overrides)
    made = instantiate(cfg.benchmark, _convert_="all")
    assert list(made) == [choice]
    return made[choice]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("choice, n_images", [("set5", 5), ("set14", 14)])
def test_lr_files_equal_lr_that_is_made(sr_data, choice, n_images, scale):
    """MATLAB made the files; 0 differing pixels."""
    files = from_config(choice, sr_data, scale)
    made = Benchmark(files.name, hr=files.hr, scale=scale)
    files.prepare()
    assert len(files) == len(made) == n_images
    assert all(lr is not None for _, lr in files.pairs) and all(lr is None for _, lr in made.pairs)
    for i in range(n_images):
        a, b = files[i], made[i]
        assert a["name"] == b["name"] == files.pairs[i][0].stem
        assert torch.equal(a["hr"], b["hr"])
        assert a["lr"].dtype == a["hr"].dtype == torch.uint8
        assert a["hr"].shape == (3, a["lr"].shape[1] * scale, a["lr"].shape[2] * scale)
        assert (a["lr"] != b["lr"]).sum() == 0


def test_hr_is_the_files_upper_left_corner(sr_data):
    """Against Pillow; bridge is gray, and comic's 361 rows lose one at x2."""
    set14 = from_config("set14", sr_data, 2)
    by_name = dict(zip(set14.names, range(len(set14)), strict=True))
    for name in ("bridge", "comic", "baboon"):
        expected = np.array(Image.open(set14.hr / f"{name}.png").convert("RGB")).transpose(2, 0, 1)
        hr = set14[by_name[name]]["hr"].numpy()
        assert all(n - m < 2 and m % 2 == 0 for n, m in zip(expected.shape[1:], hr.shape[1:], strict=True))
        assert np.array_equal(hr, expected[:, : hr.shape[1], : hr.shape[2]])
    assert Image.open(set14.hr / "bridge.png").mode == "L"
    assert set14[by_name["comic"]]["hr"].shape[1] == 360 and Image.open(set14.hr / "comic.png").height == 361


def test_incomplete_set_warns_and_is_used(sr_data):
    urban100 = from_config("urban100", sr_data)
    with pytest.warns(UserWarning, match=r"^Urban100 is incomplete: 20 of 100 images in .*cannot be compared"):
        urban100.prepare()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert len(urban100) == 20 and len(urban100.names) == 20
    assert urban100[0]["name"] == "img001"


def test_complete_set_does_not_warn(sr_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(from_config("b100", sr_data, 3)) == 100


@pytest.mark.parametrize("choice", CHOICES)
def test_missing_set_is_one_line(choice, tmp_path):
    benchmark = from_config(choice, tmp_path)  # building looks for nothing
    for use in (benchmark.prepare, benchmark.__len__, lambda: benchmark[0]):
        with pytest.raises(FileNotFoundError) as error:
            use()
        assert str(error.value) == (
            f"{benchmark.name} not found: no such folder {benchmark.hr}; download it from {benchmark.url}, "
            "or set data_dir (environment variable SR_DATA)"
        )
    assert str(tmp_path) in str(benchmark.hr)


@pytest.mark.parametrize("choice", CHOICES)
def test_config_is_in_the_edsr_layout(choice, tmp_path):
    benchmark = from_config(choice, tmp_path, 4)
    assert benchmark.hr.parent == benchmark.lr.parent.parent
    assert benchmark.hr.name.endswith("HR") and benchmark.lr.match("*LR_bicubic/X4")
    assert benchmark.scale == 4
    assert benchmark.n_images == {"set5": 5, "set14": 14, "manga109": 109}.get(choice, 100)


def test_div2k_names(sr_data, tmp_path):
    set5, div2k = sr_data / "benchmark" / "Set5", tmp_path / "DIV2K"
    (div2k / "DIV2K_valid_HR").mkdir(parents=True)
    (div2k / "DIV2K_valid_LR_bicubic" / "X3").mkdir(parents=True)
    for index, name in enumerate(("baby", "bird"), start=801):
        shutil.copy(set5 / "HR" / f"{name}.png", div2k / "DIV2K_valid_HR" / f"0{index}.png")
        lr = div2k / "DIV2K_valid_LR_bicubic" / "X3" / f"0{index}x3.png"
        shutil.copy(set5 / "LR_bicubic" / "X3" / f"{name}x3.png", lr)
    benchmark = from_config("div2k_val", tmp_path, 3)
    with pytest.warns(UserWarning, match="2 of 100"):
        benchmark.prepare()
    assert [lr.name for _, lr in benchmark.pairs] == ["0801x3.png", "0802x3.png"]
    assert benchmark[1]["name"] == "0802"


def test_lr_is_made_for_the_images_without_a_file(sr_data, tmp_path):
    set5 = sr_data / "benchmark" / "Set5"
    x2 = tmp_path / "LR_bicubic" / "X2"
    shutil.copytree(set5 / "LR_bicubic" / "X2", x2)
    (x2 / "headx2.png").unlink()
    shutil.copytree(set5 / "HR", tmp_path / "HR")
    mixed = Benchmark("Set5", tmp_path / "HR", 2, lr=x2, url="https://example.org")
    files = Benchmark("Set5", set5 / "HR", 2, lr=set5 / "LR_bicubic" / "X2")
    assert [lr is None for _, lr in mixed.pairs] == [False, False, False, True, False]
    assert torch.equal(mixed[3]["lr"], files[3]["lr"])
    with pytest.warns(UserWarning, match=r"^Set5: LR of 1 of 5 images is made by .*: .*X2 has no file for head.png$"):
        mixed.prepare()


def test_lr_of_another_scale_names_the_file(sr_data):
    set5 = sr_data / "benchmark" / "Set5"
    benchmark = Benchmark("Set5", hr=set5 / "HR", scale=2, lr=set5 / "LR_bicubic" / "X4")
    message = r"^sizes do not match at x2: .*babyx4.png is 128x128, expected 256x256 for .*baby.png of 512x512"
    for use in (benchmark.prepare, lambda: benchmark[0]):
        with pytest.raises(ValueError, match=message):
            use()


def test_images_are_read_one_at_a_time(sr_data, monkeypatch):
    read = []
    real = image.read_rgb8
    monkeypatch.setattr("sr.image.file.read_rgb8", lambda file: read.append(Path(file).name) or real(file))
    benchmark = from_config("set5", sr_data)
    benchmark.prepare()
    assert len(benchmark) == 5 and read == []
    benchmark[2]
    assert read == ["butterfly.png", "butterflyx2.png"]


def test_sample_has_nothing_of_the_training_photos(tmp_path):
    benchmark = from_config("sample", tmp_path, 3)
    assert not {hr for hr, _ in benchmark.pairs} & {hr for hr, _ in Sample().files()}
    assert benchmark[0]["hr"].shape == (3, 510, 510) and benchmark[0]["lr"].shape == (3, 170, 170)


def test_folder_of_ones_own(sr_data, tmp_path):
    for place in ("summer", "winter"):
        shutil.copytree(sr_data / "benchmark" / "Set5" / "HR", tmp_path / place)
    benchmark = from_config("folder", tmp_path, 2, f"benchmark.folder.hr={tmp_path}")
    assert len(benchmark) == 10
    assert benchmark[0]["name"] == "summer_baby" and benchmark[9]["name"] == "winter_woman"
    (tmp_path / "summer" / "baby.jpg").write_bytes((tmp_path / "summer" / "baby.png").read_bytes())
    with pytest.raises(ValueError, match=r"^several images of folder in .* have the same name summer_baby: rename one$"):
        Benchmark("folder", tmp_path, 2).prepare()


def test_folder_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="no images in .*: looked for"):
        Benchmark("folder", tmp_path, 2).prepare()


def test_16_bit_and_alpha(sr_data):
    """Real photos with alpha and 16 bit come as 8-bit RGB."""
    benchmark = Benchmark("photos", sr_data / "samples" / "photos", 4)
    for i in range(len(benchmark)):
        item = benchmark[i]
        assert item["hr"].dtype == torch.uint8 and item["hr"].shape[0] == 3
        assert item["hr"].shape[1] == 4 * item["lr"].shape[1]


def test_image_smaller_than_the_scale(tmp_path):
    Image.new("RGB", (3, 9)).save(tmp_path / "tiny.png")
    with pytest.raises(ValueError, match=r"tiny.png is smaller than the scale 4$"):
        Benchmark("folder", tmp_path, 4)[0]


def test_broken_image_is_named(sr_data, tmp_path):
    data = (sr_data / "benchmark" / "Set5" / "HR" / "baby.png").read_bytes()
    (tmp_path / "baby.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"baby.png: cannot be read as an image"):
        Benchmark("folder", tmp_path, 2)[0]


def test_lr_that_does_not_match_is_refused(sr_data, tmp_path):
    """An LR folder of one's own, misspelt or with other names, must not be measured as bicubic."""
    set5 = sr_data / "benchmark" / "Set5"
    shutil.copytree(set5 / "LR_bicubic" / "X2", tmp_path / "lr")
    (tmp_path / "lr" / "headx2.png").rename(tmp_path / "lr" / "head_small.png")
    message = r"^no LR partner for .*/head.png in .*/lr: looked for head\.\* and headx2\.\* .* 1 of 5 images have none$"
    for url in (None, "https://example.org"):  # of a published set too: this is not the folder it comes with
        for use in (Benchmark.prepare, len, lambda benchmark: benchmark[3]):
            with pytest.raises(MissingError, match=message):
                use(Benchmark("mine", set5 / "HR", 2, lr=tmp_path / "lr", url=url))
        with pytest.raises(MissingError, match=r"^mine: no such LR folder: .*ler; pass null to make LR by bicubic$"):
            Benchmark("mine", set5 / "HR", 2, lr=tmp_path / "ler", url=url).prepare()


def test_a_published_set_may_come_without_lr_and_says_so(sr_data):
    hr = sr_data / "benchmark" / "Set5" / "HR"
    with pytest.warns(UserWarning, match=r"^Set5: LR of 5 of 5 images is made by MATLAB's bicubic: no folder .*X8$"):
        Benchmark("Set5", hr, 8, lr=hr.parent / "LR_bicubic" / "X8", url="https://example.org").prepare()


@pytest.mark.parametrize("of", ["hr", "lr"])
def test_a_damaged_image_is_named_before_a_run(tmp_path, of):
    for folder, size in (("hr", 24), ("lr", 12)):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)).save(tmp_path / folder / "a.png")
    whole = (tmp_path / of / "a.png").read_bytes()
    benchmark = Benchmark("mine", hr=tmp_path / "hr", lr=tmp_path / "lr", scale=2)
    benchmark.prepare()
    (tmp_path / of / "a.png").write_bytes(whole[:-40])
    with pytest.raises(ValueError, match=f"{of}/a.png: cannot be read as an image"):
        Benchmark("mine", hr=tmp_path / "hr", lr=tmp_path / "lr", scale=2).prepare()


@pytest.mark.parametrize("hr", [None, ""])
def test_a_benchmark_without_hr_is_refused(hr):
    with pytest.raises(InputError, match=r"^benchmark mine: hr=.* is not a folder: scores need HR images"):
        Benchmark("mine", hr, 2)


def test_a_benchmark_that_a_command_line_added_is_measured_again(sr_data, tmp_path):
    """`+benchmark.mine={_target_: ..., hr: ...}`, as a checkpoint keeps it."""
    hr = sr_data / "benchmark" / "Set5" / "HR"
    node = {"_target_": "sr.benchmark.pairs.Benchmark", "name": "mine", "hr": str(hr), "scale": "${scale}"}
    config = {"scale": 3, "benchmark": {"mine": node, "other": {"_target_": "os.system", "name": "x"}}}
    mine = measured_again(config, tmp_path, ["mine"])["mine"]
    assert len(mine) == 5 and mine.scale == 3 and mine.name == "mine"
    with pytest.raises(InputError, match="this version has no benchmark other"):
        measured_again(config, tmp_path, ["other"])


def test_lr_by_a_pattern_and_lr_of_other_names_are_not_bicubic(sr_data, tmp_path):
    """Also in the folder of a published set: files that are there are meant to be used."""
    set5 = sr_data / "benchmark" / "Set5"
    shutil.copytree(set5 / "HR", tmp_path / "HR")
    x2 = tmp_path / "LR_bicubic" / "X2"
    shutil.copytree(set5 / "LR_bicubic" / "X2", x2)
    for file in x2.iterdir():
        file.rename(x2 / f"{file.stem.removesuffix('x2')}_LR.png")
    options = {"lr": x2, "url": "https://example.org"}
    with pytest.raises(MissingError, match="no LR partner for .*baby.png .* 5 of 5 images have none$"):
        Benchmark("Set5", tmp_path / "HR", 2, **options).prepare()
    named = Benchmark("Set5", tmp_path / "HR", 2, **options, lr_pattern="{name}_LR")
    files = Benchmark("Set5", set5 / "HR", 2, lr=set5 / "LR_bicubic" / "X2")
    assert all(torch.equal(named[at]["lr"], files[at]["lr"]) for at in range(5))
    with pytest.raises(MissingError, match="no such LR folder: .*LR_other"):  # not that of the set's bicubic LR
        Benchmark("Set5", tmp_path / "HR", 2, lr=tmp_path / "LR_other", url="https://example.org").prepare()
