"""The stream of training batches that a run sees: the same for any number of workers, from any step."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from sr import build
from sr.augmentation.chain import Chain
from sr.benchmark.pairs import Benchmark
from sr.data.benchmarks import Benchmarks
from sr.data.module import SRData
from sr.data.source.folder import Folder
from sr.data.source.sample import Sample
from sr.degradation.bicubic import Bicubic
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind
from tests.jobs import SMALL, compose

MRI = Kind("mri", 1, "float32", (0, 1), None, False, (0,))


def module(folder, *words, step=0, rank=0, world_size=1):
    data = build.data(compose("train", *SMALL, f"data_dir={folder}", f"output_dir={folder}", *words))
    data.trainer = SimpleNamespace(
        global_step=step, global_rank=rank, world_size=world_size, training=True,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    return data


def batches(data, count=3):
    stream = iter(data.train_dataloader())
    return [data.on_after_batch_transfer(next(stream), 0) for _ in range(count)]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a["lr"], b["lr"]) and torch.equal(a["hr"], b["hr"])


def test_batches_are_what_networks_want(tmp_path):
    (batch,) = batches(module(tmp_path), 1)
    assert batch["lr"].shape == (4, 3, 16, 16) and batch["hr"].shape == (4, 3, 32, 32)
    assert batch["hr"].dtype == torch.float32 and 0 <= batch["hr"].min() < batch["hr"].max() <= 1


@pytest.mark.medium
def test_workers_restarts_and_seeds(tmp_path):
    alone = batches(module(tmp_path))
    assert_same(alone, batches(module(tmp_path, "data.n_workers=2")))
    assert_same(alone[2:], batches(module(tmp_path, step=2), 1))
    other = batches(module(tmp_path, "seed=1"), 1)
    assert not torch.equal(alone[0]["hr"], other[0]["hr"])
    assert not torch.equal(alone[0]["hr"], alone[1]["hr"])


def test_processes_share_a_batch(tmp_path):
    (whole,) = batches(module(tmp_path), 1)
    shares = [batches(module(tmp_path, rank=rank, world_size=2), 1)[0]["hr"] for rank in (0, 1)]
    assert torch.equal(torch.cat(shares), whole["hr"])


def test_accumulated_batches_are_the_parts_of_the_whole_one(tmp_path):
    (whole,) = batches(module(tmp_path, step=3), 1)
    parts = batches(module(tmp_path, "trainer.accumulate_grad_batches=2", step=3), 2)
    assert torch.equal(torch.cat([part["hr"] for part in parts]), whole["hr"])


def test_every_process_sees_other_images(tmp_path):
    seen = []
    for rank in (0, 1):
        data = module(tmp_path, rank=rank, world_size=2)
        for (loader,) in (data.val_dataloader(), data.test_dataloader()):
            seen += [batch["name"][0] for batch in loader]
    assert sorted(seen) == ["astronaut", "coffee", "moon", "motorcycle_right", "rocket"]


@pytest.mark.parametrize(
    "limit, expected", [(1, (1, 1)), (2, (2, 2)), (0.7, (2, 1)), (20, (3, 2)), (1.0, (3, 2)), (None, (3, 2))]
)
def test_a_limit_is_of_the_set_whatever_the_number_of_processes(tmp_path, limit, expected):
    """What the loaders of all processes give together, with two sets that differ in size."""
    for name in "ab":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    sets = {"sample": Benchmark("sample", Sample(held_out=True), 2), "mine": Benchmark("mine", tmp_path, 2)}
    for stage, world in ((stage, world) for stage in ("val", "test") for world in (1, 2, 4)):
        data = Benchmarks(benchmark=sets, **{f"limit_{stage}": limit})
        seen: list[set] = [set(), set()]
        for rank in range(world):
            on_cpu = SimpleNamespace(root_device=torch.device("cpu"))
            data.trainer = SimpleNamespace(global_rank=rank, world_size=world, strategy=on_cpu)
            for names, loader in zip(seen, getattr(data, f"{stage}_dataloader")(), strict=True):
                names |= {loader.dataset.images.names[index] for index in loader.dataset.indices}
        names = ["astronaut", "coffee", "rocket"][: expected[0]], ["a", "b"][: expected[1]]
        assert (sorted(seen[0]), sorted(seen[1])) == names
        assert data.counts(stage) == dict(zip(sets, expected, strict=True))


@pytest.mark.parametrize(
    "kind, low, high, more",
    [
        (MRI, (1, 1, 4, 8, 8), (1, 1, 8, 8, 8), {}),  # a volume
        (PHOTO, (1, 5, 3, 8, 8), (1, 5, 3, 16, 16), {"frames": 5}),  # a clip
        (PHOTO, (1, 5, 3, 8, 8), (1, 3, 16, 16), {}),  # a burst
        (PHOTO, (1, 5, 3, 8, 8), None, {"scale": 2}),  # a burst without HR
    ],
)
def test_the_bands_are_counted_on_their_own_axis(kind, low, high, more):
    """Of volumes it is not the third from the end."""
    data, batch = Benchmarks(benchmark={}, kind=kind), {"lr": torch.zeros(low), "hr": torch.zeros(high or low), **more}
    if high is None:
        del batch["hr"]
    assert data.on_after_batch_transfer(batch, 0)["lr"].shape == low
    data.kind = replace(kind, bands=kind.bands + 1, luma=False)
    with pytest.raises(InputError, match=f"has images with {kind.bands} bands, but image={kind.name} has {kind.bands + 1}"):
        data.on_after_batch_transfer(batch, 0)


def test_the_limits_come_from_the_config_and_lightning_gets_none_of_its_own(tmp_path):
    words = ["trainer.limit_val_batches=1", "trainer.limit_test_batches=0.4", "callback=[]", "logger=none"]
    cfg = compose("train", *SMALL, f"data_dir={tmp_path}", f"output_dir={tmp_path}", *words)
    data, trainer = build.data(cfg), build.trainer(cfg)
    assert (data.counts("val"), data.counts("test")) == ({"split": 1}, {"sample": 1})
    assert (trainer.limit_val_batches, trainer.limit_test_batches) == (1.0, 1.0)


@pytest.mark.parametrize("limit", ["-1", "1.5", "true", "all"])
def test_a_limit_that_is_none_is_refused(tmp_path, limit):
    with pytest.raises(ValueError, match=f"^trainer.limit_test_batches={limit}: pass a whole number".replace("true", "True")):
        module(tmp_path, f"trainer.limit_test_batches={limit}")


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(ValueError, match="data.batch_size=4 cannot be split over 3"):
        module(tmp_path, world_size=3).train_dataloader()


@pytest.mark.medium
def test_one_run_does_not_clear_away_another_ones_partners(tmp_path):
    """Two folders of LR for one of HR, in one cache: a sweep over data.lr trains on both at once."""
    for name in ("hr", "lr_a", "lr_b"):
        (tmp_path / name).mkdir()
        Image.open(Sample().files()[0][0]).resize((64, 64) if name == "hr" else (32, 32)).save(tmp_path / name / "0.png")
    words = ["data=folder", f"data.train={tmp_path}/hr", "data.small=mirror", "validation=[]"]
    first = module(tmp_path, *words, f"data.lr={tmp_path}/lr_a")
    module(tmp_path, *words, f"data.lr={tmp_path}/lr_b")
    assert batches(first, 1)[0]["lr"].shape == (4, 3, 16, 16)  # its files are opened now


def test_a_folder_of_images_has_any_name_that_a_disk_takes(tmp_path):
    folder = tmp_path / (b"\xe9" + b"f" * 250).decode("utf-8", "surrogateescape")
    folder.mkdir()
    shutil.copy(Sample().files()[0][0], folder / "0.png")
    data = SRData(
        train=Folder(folder), benchmark={}, degradation=Bicubic(2), augmentation=Chain({}), scale=2, patch_size=16,
        batch_size=1, cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    data.prepare_data()
    assert len(list(tmp_path.glob("cache/*/hr/*.npy"))) == 1


def test_a_negative_number_of_workers_is_named(tmp_path):
    with pytest.raises(Exception, match="data.n_workers=-1: must be at least 0, or null"):
        module(tmp_path, "data.n_workers=-1").train_dataloader()
