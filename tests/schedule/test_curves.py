"""Schedules of conf/schedule against torch's own, and what a resume makes of them."""

import io
import warnings
from functools import cache
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.optim import lr_scheduler

from sr.schedule import curves as schedule

CONF = Path(__file__).parents[2] / "conf"
SCHEDULES = sorted((CONF / "schedule").glob("*.yaml"))
OPTIMIZERS = sorted((CONF / "optimizer").glob("*.yaml"))


@cache
def read(file: Path) -> DictConfig:
    """A YAML of a config group with those that its defaults list names, its interpolations as they are."""
    with initialize_config_dir(str(file.parent), version_base="1.3"):
        return OmegaConf.create(OmegaConf.to_container(compose(file.stem), resolve=False))


def adam(lr: float = 1e-3, factor: float = 0.1) -> torch.optim.Adam:
    """Two groups, the second with a smaller lr, as `model.lr_factors` makes them."""
    body, tail = nn.Linear(2, 2), nn.Linear(2, 1)
    return torch.optim.Adam([{"params": body.parameters()}, {"params": tail.parameters(), "lr": lr * factor}], lr=lr)


def advance(optimizer, scheduler, steps: int) -> list[list[float]]:
    """The lr of both groups in each of the steps taken."""
    rates = []
    for _ in range(steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return rates


def build(file: Path, max_steps: int = 100, **changes):
    config = {"trainer": {"max_steps": max_steps}, "schedule": OmegaConf.merge(read(file), changes)}
    config = OmegaConf.create(config)
    return instantiate(config.schedule, _convert_="all")


@pytest.mark.parametrize("settings", [{}, {"warmup_steps": 10, "min_lr": 1e-6}])
def test_cosine_equals_torch(settings):
    ours, theirs = adam(), adam()
    scheduler = schedule.warmup_cosine(ours, max_steps=100, **settings)
    warmup, min_lr = settings.get("warmup_steps", 0), settings.get("min_lr", 0.0)
    cosine = lr_scheduler.CosineAnnealingLR(theirs, 100 - warmup, eta_min=min_lr)
    rates = advance(ours, scheduler, 101)
    torch.testing.assert_close(rates[warmup:], advance(theirs, cosine, 101 - warmup), rtol=1e-9, atol=0)
    assert rates[-1] == [min_lr, min_lr]
    assert [rate for rate, _ in rates[:warmup]] == pytest.approx([1e-3 * (i + 1) / warmup for i in range(warmup)])


@pytest.mark.parametrize("steps", [10, 100, 997])
@pytest.mark.parametrize("pct_start", [0.3, 0.25, 0.5])
def test_one_cycle_equals_torch(steps, pct_start):
    ours, theirs = adam(), adam()
    scheduler = schedule.one_cycle(ours, max_steps=steps, pct_start=pct_start)
    cycle = lr_scheduler.OneCycleLR(theirs, [1e-3, 1e-4], steps, pct_start=pct_start, cycle_momentum=False)
    torch.testing.assert_close(advance(ours, scheduler, steps), advance(theirs, cycle, steps), rtol=1e-9, atol=0)


def test_multistep_equals_torch():
    ours, theirs = adam(), adam()
    scheduler = schedule.multistep(ours, milestones=[5, 8, 8], gamma=0.5)
    multistep = lr_scheduler.MultiStepLR(theirs, milestones=[5, 8, 8], gamma=0.5)
    torch.testing.assert_close(advance(ours, scheduler, 12), advance(theirs, multistep, 12), rtol=1e-9, atol=0)


def test_constant():
    optimizer = adam()
    assert advance(optimizer, schedule.constant(optimizer), 3) == [[1e-3, 1e-4]] * 3


@pytest.mark.parametrize("file", SCHEDULES, ids=lambda file: file.stem)
@pytest.mark.parametrize("max_steps", [1, 2, 3, 4, 100])
def test_any_length_and_beyond(file, max_steps):
    """The trainer steps the schedule max_steps times; a resumed run or a second loop may step further."""
    optimizer = adam()
    rates = advance(optimizer, build(file, max_steps)(optimizer), max_steps + 5)
    assert all(0 < rate <= 1e-3 for step in rates for rate in step)
    assert rates[max_steps:] == rates[max_steps : max_steps + 1] * 5


@pytest.mark.parametrize("file", SCHEDULES, ids=lambda file: file.stem)
def test_resume_is_exact_from_a_safe_file(file):
    optimizer = adam()
    scheduler = build(file)(optimizer)
    advance(optimizer, scheduler, 37)
    buffer = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "schedule": scheduler.state_dict()}, buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    resumed = adam()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = build(file)(resumed)
        resumed.load_state_dict(state["optimizer"])
        again.load_state_dict(state["schedule"])
        assert again.get_last_lr() == scheduler.get_last_lr()
        assert advance(resumed, again, 63) == advance(optimizer, scheduler, 63)


@pytest.mark.parametrize("file", SCHEDULES, ids=lambda file: file.stem)
def test_on_resume_the_config_of_today_wins(file):
    """Twice the length and thrice the lr: from the step of the resume on, as if it had always been so."""
    optimizer = adam()
    scheduler = build(file)(optimizer)
    advance(optimizer, scheduler, 60)
    changes = {"milestones": [70]} if file.stem == "multistep" else {}
    straight = adam(lr=3e-3)
    expected = advance(straight, build(file, 200, **changes)(straight), 200)[60:]
    resumed = adam(lr=3e-3)
    again = build(file, 200, **changes)(resumed)
    resumed.load_state_dict(optimizer.state_dict())
    again.load_state_dict(scheduler.state_dict())
    assert advance(resumed, again, 140) == expected
    assert expected[-1] != advance(optimizer, scheduler, 140)[-1]


@pytest.mark.parametrize("function", [schedule.warmup_cosine, schedule.one_cycle])
def test_an_endless_run_has_no_end_to_fall_to(function):
    with pytest.raises(ValueError, match=r"set trainer.max_steps above 0 \(it is -1\)"):
        function(adam(), max_steps=-1)


def test_milestones_ascend():
    with pytest.raises(ValueError, match=r"milestones=\[8, 5\] must be ascending"):
        schedule.multistep(adam(), milestones=[8, 5])


@pytest.mark.parametrize("file", OPTIMIZERS, ids=lambda file: file.stem)
def test_optimizers_of_conf_descend(file):
    torch.manual_seed(0)
    x = torch.ones(4, requires_grad=True)
    optimizer = instantiate(read(file), _convert_="all")([x])
    for _ in range(3):
        optimizer.zero_grad()
        (x**2).sum().backward()
        optimizer.step()
    assert (x < 1).all()
    assert isinstance(optimizer.param_groups[0]["lr"], float)
