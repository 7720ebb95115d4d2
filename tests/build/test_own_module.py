"""A LightningModule of one's own, with a part of its own, in two files: trained, stopped, resumed, tested."""

import sys
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
import torch
from omegaconf import DictConfig

from sr import build
from sr.errors import InputError
from sr.network.rlfn import RLFN
from sr.run.resume import resumed
from sr.weights import checkpoint
from sr.weights.load import load
from tests.jobs import ONE_PHOTO, ROOT, SMALL
from tests.released import released, save

MODULE = '''
"""Distillation: the network learns from HR images and from a trained teacher's SR (Hinton et al. 2015, arXiv:1503.02531)."""

from typing import Any

import torch
from torch import nn

from sr.model.regression import Regression


class Distillation(Regression):
    saved = (*Regression.saved, "adapter")

    def __init__(self, *, teacher: nn.Module, adapter: nn.Module, weight: float = 1.0, **regression: Any) -> None:
        super().__init__(**regression)
        self.teacher, self.adapter, self.weight = teacher.requires_grad_(False), adapter, weight

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        step = super().training_step(batch, batch_idx)
        with torch.no_grad():
            target = self.teacher(self.inputs(batch)[0])
        distance = (self.adapter(self.network(self.inputs(batch)[0])) - target).abs().mean()
        step["parts"]["teacher"] = distance.detach()
        return {**step, "loss": step["loss"] + self.weight * distance}

    def configure_optimizers(self) -> dict[str, Any]:
        made = super().configure_optimizers()
        made["optimizer"].param_groups[0]["params"] += list(self.adapter.parameters())
        return made


class Manual(Distillation):
    def __init__(self, **distillation: Any) -> None:
        super().__init__(**distillation)
        self.automatic_optimization = False


class Forgetful(Distillation):
    saved = Regression.saved
'''
RECIPE = """# @package _global_
defaults:
  - /model/module/regression@model
  - /network: compact
  - /loss: [l1]
  - /optimizer: adam
  - /schedule: constant
  - /adapter: affine
  - _self_

model:
  _target_: mine.Distillation
  weight: 0.5

teacher:
  _target_: sr.weights.frozen.frozen
  source: ???
"""
SECOND = RECIPE.split("teacher:")[0].replace("  - _self_", "  - /network@teacher: compact\n  - _self_")
ADAPTER = "_target_: torch.nn.Conv2d\nin_channels: 3\nout_channels: 3\nkernel_size: 1\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder of modules and configs outside the project."""
    folder = tmp_path_factory.mktemp("own")
    recipes = {"conf/model/mine.yaml": RECIPE, "conf/model/second.yaml": SECOND}
    for name, text in {"mine.py": MODULE, **recipes, "conf/adapter/affine.yaml": ADAPTER}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("mine", None)


@pytest.fixture(scope="module")
def teacher(home) -> Path:
    """A released file, that of an RLFN."""
    return save(released(RLFN, taps=(1, 1, 0), back=(-1, -1)), home / "rlfn.pth")


@pytest.fixture(scope="module")
def own(home, teacher) -> Callable[..., DictConfig]:
    """Words -> the composed config of model=mine, as --config-dir would have it."""
    small = [*SMALL, *ONE_PHOTO, "trainer.val_check_interval=2", "data.batch_size=2", "metric=[psnr]"]
    small += [f"data_dir={home}/data", f"teacher.source={teacher}", f"output_dir={home}/none"]

    def compose(*words: str) -> DictConfig:
        last = {word.split("=")[0]: word for word in ["model=mine", *small, *words]}
        if {"~teacher", "model=second"} & set(words):
            del last["teacher.source"]
        with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return hydra.compose("train", [f"hydra.searchpath=['file://{home}/conf']", *last.values()])

    return compose


def job(cfg, resume: str | None = None) -> dict:
    """What train.py does; the scores."""
    build.seed(cfg)
    data, module = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, module)
    build.fit(trainer, module, data, resume=resume)
    return build.test(trainer, module, data)


@pytest.fixture(scope="module")
def runs(own, home) -> dict[str, dict]:
    """Scores: `whole` trains 4 steps; `stopped` 2, and goes on to 4 as `resumed`."""
    scores = {
        name: job(own(f"trainer.max_steps={steps}", f"output_dir={home}/{name}"))
        for name, steps in {"whole": 4, "stopped": 2}.items()
    }
    last = f"{home}/stopped/checkpoints/last.ckpt"
    words = ["trainer.max_steps=4", "trust=[mine]", f"resume={last}", f"output_dir={home}/resumed"]
    scores["resumed"] = job(resumed(own(*words), ["trainer.max_steps=4"]), resume=last)
    return scores


def test_stopped_and_resumed_equals_never_stopped(runs, home):
    first, whole, again = (
        checkpoint.read(home / name / "checkpoints" / "last.ckpt") for name in ("stopped", "whole", "resumed")
    )
    assert whole["global_step"] == again["global_step"] == 4 and runs["whole"] == runs["resumed"] != runs["stopped"]
    assert whole["state_dict"].keys() == again["state_dict"].keys()
    assert {key.split(".")[0] for key in whole["state_dict"]} == {"network", "adapter"}  # the teacher is in its own file
    assert all(torch.equal(value, again["state_dict"][key]) for key, value in whole["state_dict"].items())
    states = whole["state_dict"], first["state_dict"]
    assert not any(torch.equal(states[0][key], states[1][key]) for key in states[0])  # the parts learn, all of them


def test_the_teacher_is_the_trained_network_and_rests(own, teacher):
    module = build.model(own())
    taught = load(teacher).state_dict()
    assert all(torch.equal(value, taught[key]) for key, value in module.teacher.state_dict().items())
    module.train()
    assert module.network.training and module.adapter.training and not module.teacher.training


def test_its_checkpoint_is_an_ordinary_network(runs, home):
    assert load(home / "whole" / "checkpoints" / "best.ckpt").scale == 2


def test_a_part_may_be_a_second_choice_of_another_group(own):
    module = build.model(own("model=second", "scale=3"))
    assert type(module.teacher).__name__ == "Compact" and module.teacher.scale == 3
    assert not any(parameter.requires_grad for parameter in module.teacher.parameters())


def test_all_parts_start_from_init_from(runs, own, home):
    file = home / "whole" / "checkpoints" / "last.ckpt"
    module = build.model(own(f"init_from={file}"))
    stored = checkpoint.read(file)["state_dict"]
    assert torch.equal(module.adapter.weight, stored["adapter.weight"])


@pytest.mark.parametrize(
    "words, line",
    [
        (["~teacher"], r"mine.Distillation requires teacher: choose it in the recipe's defaults, or pass \+teacher=NAME"),
        (["~optimizer"], "mine.Distillation requires optimizer: pass .optimizer=NAME, one of adam, "),
        (["+discriminator=vgg"], r"discriminator is chosen, but mine.Distillation does not use it: remove it"),
        (["+model.wieght=2"], r"'wieght' is not an option of mine.Distillation \(config key model\); nearest: weight"),
        (["model._target_=mine.nn.Identity"], "Identity is not an SRModule, .*: derive it from sr.model.base.SRModule"),
        (
            ["trainer.accumulate_grad_batches=2", "model._target_=mine.Manual"],
            "Manual optimizes manually and has no accumulate",
        ),
        (["model._target_=mine.Forgetful"], r'Forgetful.saved does not name it, .*\(\*Forgetful.saved, "adapter"\)'),
    ],
)
def test_what_does_not_fit_is_one_line(own, words, line):
    cfg = own(*words)
    with pytest.raises(InputError, match=line) as caught:
        build.trainer(cfg, build.model(cfg))
    assert "\n" not in str(caught.value)


def test_a_part_that_another_node_interpolates_is_used(own):
    build.model(own("+scale_of={_target_: fractions.Fraction, numerator: 2}",
                    "model.weight=${scale_of}"))  # fmt: skip
