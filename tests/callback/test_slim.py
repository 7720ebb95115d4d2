"""Pruning while a network trains."""

import pytest
import torch

from sr.callback.slim import Slim
from sr.device.count import multiply_adds
from sr.errors import InputError
from sr.model.channels import widths
from sr.weights import checkpoint
from sr.weights.load import load
from tests.jobs import run_train
from tests.run.test_resume import assert_equal, go_on, read

WORDS = ("network.n_blocks=2", "model.ema=0.9", "schedule=constant", "callback=[default,slim]", "callback.slim.macs=0.4",
         "callback.slim.n_batches=2", "callback.slim.every=2", "callback.slim.end=4", "trainer.max_steps=6",
         "trainer.val_check_interval=3")  # fmt: skip


def test_most_channels_go_early():
    slim = Slim(macs=0.5, start=100, end=300, every=50)
    assert [step for step in range(400) if slim.removes(step)] == [150, 200, 250, 300]
    assert [slim.left(step) for step in (0, 100, 200, 300, 400)] == pytest.approx([1, 1, 1 - 0.5 * 7 / 8, 0.5, 0.5])
    assert not any(Slim(macs=1.0).removes(step) for step in range(2000))


@pytest.mark.parametrize(
    "options, line",
    [
        ({"macs": 0}, "callback.slim.macs=0: pass a fraction of the multiply-adds above 0"),
        ({"importance": "l1"}, "callback.slim.importance=l1: choose one of taylor, magnitude"),
        ({"start": 5, "end": 5}, "callback.slim: start=5, end=5, .*: start must be from 0 up and before end"),
    ],
)
def test_what_is_out_of_range_is_one_line(options, line):
    with pytest.raises(InputError, match=line):
        Slim(**options)


@pytest.mark.slow
def test_a_stopped_run_goes_on_as_if_nothing_had_been(tmp_path):
    words = [*WORDS, f"data_dir={tmp_path}/data"]
    run_train(*words, f"output_dir={tmp_path}/whole")
    with pytest.warns(UserWarning, match="callback.slim.end=4 is not before trainer.max_steps=3"):
        run_train(*words, "trainer.max_steps=3", f"output_dir={tmp_path}/part")
    last = tmp_path / "part" / "checkpoints" / "last.ckpt"
    first = load(last)
    go_on(tmp_path / "part", 6)
    whole, part = read(tmp_path / "whole"), read(tmp_path / "part")
    for key in ("state_dict", "optimizer_states"):
        assert_equal(whole[key], part[key], key)

    small = load(tmp_path / "whole" / "checkpoints" / "best.ckpt")  # of the size after the last removal
    assert sum(widths(small)) < sum(widths(first)) < 24
    assert multiply_adds(small) <= 0.4 * multiply_adds(type(small)(scale=2, n_feats=8, n_blocks=2))
    assert checkpoint.about(last)["sr"]["network"]["widths"] == widths(small)
    assert all(torch.isfinite(value).all() for value in small.state_dict().values())
