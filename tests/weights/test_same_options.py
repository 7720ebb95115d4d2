"""Options that no tensor shows: weights of another residual factor load without an error, and that is said."""

import warnings

import pytest
import torch

import sr
from sr import build
from sr.errors import UserError
from sr.network.edsr import EDSR
from sr.weights import checkpoint
from tests.jobs import compose

OPTIONS = {"scale": 2, "n_feats": 8, "n_blocks": 1}
WORDS = ["network=edsr_baseline", "network.n_feats=8", "network.n_blocks=1", "scale=2"]


def saved(path, **options):
    """A checkpoint of ours of a fresh EDSR."""
    config = {"_target_": "sr.network.edsr.EDSR", **OPTIONS, **options}
    state = {f"network.{key}": value for key, value in EDSR(**OPTIONS, **options).state_dict().items()}
    checkpoint.write({"state_dict": state, "sr": {"network": config, "config": {"scale": 2}}}, path)
    return path


def said(make):
    with warnings.catch_warnings(record=True) as lines:
        warnings.simplefilter("always")
        make()
    return [str(line.message) for line in lines]


@pytest.fixture
def files(tmp_path):
    return saved(tmp_path / "one.ckpt", res_scale=1.0), saved(tmp_path / "tenth.ckpt")  # 0.1: the class's own


def test_a_named_network_with_another_option_than_the_checkpoints_is_warned_of(files):
    one, tenth = files
    assert said(lambda: build.tested_network(compose("test", *WORDS, f"ckpt={one}"))) == []
    (line,) = said(lambda: build.tested_network(compose("test", *WORDS, f"ckpt={tenth}")))
    assert line == f"{tenth}: was trained with res_scale=0.1 (here 1.0): remove network=..., or its results may be wrong"
    assert said(lambda: build.predicting_network(compose("predict", *WORDS, f"ckpt={tenth}"))) == [line]
    assert said(lambda: build.tested_network(compose("test", *WORDS, f"ckpt={tenth}", "network.res_scale=0.1"))) == []


def test_init_from_says_which_options_changed(files, capsys):
    one, tenth = files
    build.network(compose("train", *WORDS, f"init_from={tenth}"))
    assert capsys.readouterr().out == f"init_from={tenth}: was trained with res_scale=0.1 (here 1.0)\n"
    build.network(compose("train", *WORDS, f"init_from={one}"))
    assert capsys.readouterr().out == ""


def test_between_two_such_files_there_is_no_network(files, tmp_path):
    one, tenth = files
    with pytest.raises(UserError, match=r"contain different networks.*: res_scale=0.1 \(here 1.0\)$"):
        sr.load([one, tenth], alpha=0.5)
    noise = EDSR(**OPTIONS).state_dict()
    torch.save({key: value * 3 for key, value in noise.items()}, tmp_path / "noise.pth")
    with pytest.raises(UserError, match="noise.pth: has the tensors of EDSR, but does not enlarge a photograph"):
        sr.load([one, tmp_path / "noise.pth"], alpha=0.1)
    assert sr.load([one, saved(tmp_path / "two.ckpt", res_scale=1.0)], alpha=0.5).scale == 2


def test_the_scale_of_a_named_network_is_that_of_its_benchmarks():
    cfg = compose("test", "network=interpolation_bicubic", "network.scale=3", "benchmark=[set5]")
    assert build.tested_network(cfg).scale == 3 and cfg.scale == 3 and cfg.benchmark.set5.scale == 3
