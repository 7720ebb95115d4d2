"""What a run validates on: kept from training, the same whatever files are added, and not what is reported."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr import build
from sr.augmentation.chain import Chain
from sr.benchmark.pairs import Benchmark
from sr.data.hold_out import hold_out
from sr.data.module import SRData
from sr.data.overlap import shared
from sr.data.source.folder import Folder
from sr.data.source.official import Official
from sr.data.source.sample import Sample
from sr.data.split import Split
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.errors import InputError
from sr.functional.resize import imresize
from tests.jobs import SMALL, compose

NAMES = [f"{number:05d}" for number in range(4000)]


def data(train: object, folder: Path, *, size: float | int | None = None, benchmark: dict | None = None, **options) -> SRData:
    made = SRData(
        train=train, validation={"split": Split(scale=2, size=size)}, benchmark=benchmark or {}, scale=2, patch_size=16,
        degradation=Degradations({"bicubic": Bicubic(2)}, 2), augmentation=Chain({}), batch_size=1,
        cache_dir=str(folder / "cache"), **options,
    )  # fmt: skip
    made.prepare_data()
    made.setup("fit")
    return made


def trained(made: SRData) -> set[str]:
    return {file.name for images in made.hr.sets for file in images.files}


@pytest.fixture
def photos(sr_data, tmp_path) -> Path:
    """Set14 in a folder of one's own."""
    return Path(shutil.copytree(sr_data / "benchmark" / "Set14" / "HR", tmp_path / "photos"))


def everything(source: int, place: int) -> bool:
    return True


def chosen(names: list[str], size: float | int | None) -> set[str]:
    return {names[place] for _, place in hold_out([names], size, everything)}


def test_added_files_leave_the_choice_as_it_is():
    few = NAMES[:2000]
    share = chosen(few, 0.05)
    assert 70 < len(share) < 130 and chosen(NAMES, 0.05) & set(few) == share
    number = chosen(few, 50)
    assert len(number) == 50 and len(chosen([*few, "one more"], 50) & number) >= 49
    assert chosen(few[::-1], 50) == number
    assert [len(chosen(NAMES[:count], None)) for count in (2, 5, 4000)] == [1, 1, 10]


def test_the_split_is_disjoint_and_is_said(photos, tmp_path, capsys):
    made = data(str(photos), tmp_path, size=3)
    held = {file.name for file in made.validation["split"].files}
    assert len(held) == 3 and trained(made) == {file.name for file in photos.iterdir()} - held
    names = ", ".join(made.validation["split"].names)
    assert f"validation: 3 held-out training images: {names}\n" in capsys.readouterr().out
    Image.open(photos / "zebra.png").crop((0, 0, 100, 100)).save(photos / "another.png")
    assert {file.name for file in data(str(photos), tmp_path, size=3).validation["split"].files} >= held - {"zebra.png"}


def test_runs_with_other_splits_share_the_decoded_images(photos, tmp_path):
    first = data(str(photos), tmp_path, size=1)
    data(str(photos), tmp_path, size=5)
    assert all(first.hr[index].ndim == 3 for index in range(len(first.hr)))  # opened now, not cleared away by the second


@pytest.mark.medium
def test_lr_is_made_as_for_training_and_the_same_for_every_seed(photos, tmp_path):
    held = data(str(photos), tmp_path, size=2).validation["split"]
    for sample in (held[0], held[1]):
        expected = imresize(sample["hr"][None].float() / 255, 1 / 2, rounding=True)[0].mul(255).round().to(torch.uint8)
        assert torch.equal(sample["lr"], expected)
    words = [
        "data=folder",
        f"data.train={photos}",
        f"data_dir={tmp_path}",
        f"output_dir={tmp_path}",
        "degradation=[bicubic,noise]",
    ]
    noisy = [build.data(compose("train", *SMALL, *words, f"seed={seed}")).validation["split"][0] for seed in (0, 1)]
    assert torch.equal(noisy[0]["lr"], noisy[1]["lr"])
    noise = noisy[0]["lr"].float() - imresize(noisy[0]["hr"][None].float() / 255, 1 / 2, rounding=True)[0].mul(255).round()
    assert noise.std() > 1


def test_lr_is_made_once_for_each_image(photos, tmp_path):
    """Also where two sources have images of one name."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for index, file in enumerate(sorted(photos.iterdir())[:2] if name == "one" else sorted(photos.iterdir())[2:4]):
            shutil.copy(file, tmp_path / name / f"{index}.png")
    held = data([str(tmp_path / "one"), str(tmp_path / "two")], tmp_path, size=2).validation["split"]
    assert len({item.key for item in held.items}) == 1
    first = [held[index]["lr"] for index in range(2)]
    assert all(held[index]["lr"] is first[index] for index in range(2)) and first[0].shape != first[1].shape


def test_of_paired_files_lr_is_read(sr_data, tmp_path):
    folder = sr_data / "benchmark" / "Set14"
    held = data(str(folder / "HR"), tmp_path, size=2, lr=str(folder / "LR_bicubic" / "X2")).validation["split"]
    for index, item in enumerate(held.items):
        assert item.lr.name == f"{item.hr.stem}x2.png"
        assert np.array_equal(held[index]["lr"].permute(1, 2, 0), np.asarray(Image.open(item.lr).convert("RGB")))


def test_a_data_set_with_validation_images_of_its_own_trains_on_all_others(sr_data, tmp_path):
    for name in ("train", "valid"):
        shutil.copytree(sr_data / "benchmark" / "Set5" / "HR", tmp_path / name)
    files = sorted(file.name for file in (tmp_path / "train").iterdir())
    made = data(Official(tmp_path / "train", 5, "https://x/a.zip", own_validation=tmp_path / "valid"), tmp_path)
    assert len(made.hr) == 5 and {file.parent.name for file in made.validation["split"].files} == {"valid"}
    absent = data(Official(tmp_path / "train", 5, "https://x/a.zip", own_validation=tmp_path / "none"), tmp_path)
    assert len(absent.hr) == 4 and trained(absent) < set(files)
    assert not {*Sample().validation()} & {*Sample().files(), *Sample(held_out=True).files()}


def test_images_in_memory_are_split_too(tmp_path):
    class Digits:
        def prepare(self, download=False):
            pass

        def arrays(self):
            return np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), np.uint8)

    made = data(Digits(), tmp_path, size=4)
    held, left = made.validation["split"], [image.tobytes() for image in (made.hr[i] for i in range(len(made.hr)))]
    assert len(left) == 26 and held[3]["hr"].shape == (3, 32, 32)
    assert all(sample["hr"].permute(1, 2, 0).numpy().tobytes() not in left for sample in (held[i] for i in range(4)))


@pytest.mark.parametrize(
    "count, size, line", [(1, 1, "should hold out 1 of the 1 training images"), (3, 3, "should hold out 3 of the 3")]
)
def test_a_split_that_leaves_nothing_to_train_on_is_refused(photos, tmp_path, count, size, line):
    for file in sorted(photos.iterdir())[count:]:
        file.unlink()
    with pytest.raises(InputError, match=line + r".* validation=\[\] to validate on the benchmarks$"):
        data(str(photos), tmp_path, size=size)


def test_a_single_image_is_trained_on_and_the_benchmarks_choose(sr_data, photos, tmp_path, capsys, recwarn):
    """Unless a number or a share was asked for."""
    for file in sorted(photos.iterdir())[1:]:
        file.unlink()
    five = Benchmark("set5", sr_data / "benchmark" / "Set5" / "HR", 2)
    made = data(str(photos), tmp_path, benchmark={"set5": five})
    assert trained(made) == {file.name for file in photos.iterdir()} and made.sets("val") == {"set5": five}
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("validation:")]
    assert line.startswith("validation: no training image can be held out, so set5 chooses best.ckpt")
    assert not [warning for warning in recwarn if "validated on too" in str(warning.message)]
    with pytest.raises(InputError, match="should hold out 1 of the 1"):
        data(str(photos), tmp_path, size=0.5)


@pytest.mark.parametrize("size", [0, -1, 1.0, True])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(InputError, match=f"validation.split.size={size}: pass a fraction"):
        Split(scale=2, size=size)


# -- what sets share ---------------------------------------------------------------------------------------------------


def test_the_same_file_and_a_copy_are_shared(sr_data, tmp_path):
    files = sorted((sr_data / "benchmark" / "Set5" / "HR").iterdir())
    (tmp_path / "link.png").symlink_to(files[0])
    shutil.copy(files[1], tmp_path / "copy.png")
    changed = bytearray(files[2].read_bytes())
    changed[-20] ^= 1
    (tmp_path / "changed.png").write_bytes(changed)
    mine = [tmp_path / name for name in ("link.png", "copy.png", "changed.png", "missing.png")]
    assert shared(files, mine) == mine[:2] and shared(mine, files) == files[:2]


def test_a_benchmark_that_chooses_or_is_trained_on_is_said(sr_data, photos, tmp_path):
    five, fourteen = (Benchmark(name, sr_data / "benchmark" / name / "HR", 2) for name in ("Set5", "Set14"))
    with pytest.warns(UserWarning) as warned:
        made = data(Folder(photos), tmp_path, size=2, benchmark={"set5": five, "set14": fourteen})
    lines = [str(warning.message) for warning in warned]
    assert any(
        line.startswith("2 of 14 images of benchmark set14 are also used for validation: its score chooses") for line in lines
    )
    assert any(line.startswith("12 of 14 images of set14 are also in the training set (") for line in lines)
    assert [line for line in lines if "set5" in line] == [line for line in lines if "head.png is face.png" in line]
    assert made.sets("test").keys() == {"set5", "set14"}


def test_nothing_is_said_where_nothing_is_shared(sr_data, photos, tmp_path, recwarn):
    """head of Set5 is face of Set14, in another size."""
    (photos / "face.png").unlink()
    data(Folder(photos), tmp_path, benchmark={"set5": Benchmark("Set5", sr_data / "benchmark" / "Set5" / "HR", 2)})
    assert not [str(warning.message) for warning in recwarn]


def test_one_picture_in_two_sizes_is_said(sr_data, photos, tmp_path):
    with pytest.warns(
        UserWarning, match=r"^1 of 5 images of benchmark set5 look like training images \(head.png is face.png\)"
    ):
        data(Folder(photos), tmp_path, benchmark={"set5": Benchmark("Set5", sr_data / "benchmark" / "Set5" / "HR", 2)})
