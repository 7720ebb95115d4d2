"""Progressive patch and batch sizes, in numbers and in real runs."""

import numpy as np
import pytest
import torch

from sr.data.plan import Phase, Plan, phases
from tests.jobs import run_script, run_train

GROWING = (Phase(0, 8, 12), Phase(3, 16, 4), Phase(5, 24, 8))
WORDS = "data.progressive=[{from_step: 0, patch_size: 8, batch_size: 8}, {from_step: 4, patch_size: 16, batch_size: 4}]"


def numbers(plan: Plan, batch: int) -> list[int]:
    draws = plan.draws(batch)
    return list(range(draws.start, draws.start + draws.count))


@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_every_sample_is_used_once_and_in_order(accumulate):
    plan = Plan(0, GROWING, accumulate=accumulate)
    used = [number for batch in range(8 * accumulate) for number in numbers(plan, batch)]
    assert used == list(range(3 * 12 + 2 * 4 + 3 * 8))
    assert [plan.phase(step * accumulate).patch_size for step in range(8)] == [8, 8, 8, 16, 16, 24, 24, 24]


@pytest.mark.parametrize("world_size", [2, 4])
def test_processes_share_each_batch(world_size):
    whole = Plan(0, GROWING)
    for batch in range(8):
        shares = [numbers(Plan(0, GROWING, rank=rank, world_size=world_size), batch) for rank in range(world_size)]
        assert sum(shares, []) == numbers(whole, batch)


def test_partners_are_other_samples():
    plan = Plan(0, GROWING)
    assert not np.isin(plan.draws(3, "partner").uniform(), plan.draws(3).uniform()).any()


def test_what_a_config_may_say():
    assert phases(None, 48, 16) == (Phase(0, 48, 16),)
    assert phases([{"from_step": 0}, {"from_step": 5, "frames": 15}], 48, 16, 7) == (Phase(0, 48, 16, 7), Phase(5, 48, 16, 15))
    assert phases([{"from_step": 0}, {"from_step": 9, "patch_size": 64}], 48, 16) == (Phase(0, 48, 16), Phase(9, 64, 16))


@pytest.mark.parametrize(
    ("progressive", "message"),
    [
        (3, "data.progressive=3 is not a list such as [{from_step: 0"),
        ([3], "data.progressive=[3] is not a list such as"),
        ({"from_step": 0}, "is not a list such as"),
        ([{"from": 0}], "data.progressive: unknown key 'from'; choose from from_step, patch_size, batch_size"),
        ([{"from_step": 0, "frames": 3}], "data.progressive: unknown key 'frames'; choose from from_step"),
        ([{"from_step": 5}], "from_step must start at 0 and increase, got [5]"),
        ([{"from_step": 0}, {"from_step": 9}, {"from_step": 9}], "from_step must start at 0 and increase, got [0, 9, 9]"),
        ([{"from_step": 0, "batch_size": 0}], "batch_size=0 is not a positive whole number"),
        ([{"from_step": 0, "patch_size": 1.5}], "patch_size=1.5 is not a positive whole number"),
    ],
)
def test_errors(progressive, message):
    with pytest.raises(ValueError) as error:
        phases(progressive, 48, 16)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.medium
@pytest.mark.parametrize("stop", [3, pytest.param(4, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_resume_over_the_border_of_a_phase_is_exact(tmp_path, stop):
    """Stopped before, at and after the border; with workers that had already made batches of the next phase."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = (WORDS, "schedule=constant", "augmentation=[flip,turn,mixup]")
    run_train(*common, f"output_dir={whole}", f"data_dir={tmp_path}/data", "data.n_workers=0")
    run_train(*common, f"output_dir={parts}", f"data_dir={tmp_path}/data", f"trainer.max_steps={stop}", "data.n_workers=2")
    last = parts / "checkpoints" / "last.ckpt"
    done = run_script("train.py", f"resume={last}", "trainer.max_steps=8", "data.n_workers=0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected, made = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for folder in (whole, parts)
    )
    assert all(torch.equal(made[key], expected[key]) for key in expected)
