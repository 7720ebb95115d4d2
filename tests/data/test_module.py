"""The stream of training batches that a run sees: the same for any number of workers, from any step."""

from types import SimpleNamespace

import pytest
import torch

from sr import build
from tests.jobs import SMALL, compose


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


def test_every_process_sees_other_benchmark_images(tmp_path):
    seen = []
    for rank in (0, 1):
        (loader,) = module(tmp_path, rank=rank, world_size=2).val_dataloader()
        seen += [batch["name"][0] for batch in loader]
    assert sorted(seen) == ["astronaut", "coffee", "rocket"]


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(ValueError, match="data.batch_size=4 cannot be split over 3"):
        module(tmp_path, world_size=3).train_dataloader()
