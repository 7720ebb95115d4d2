"""One line for what the user can fix, a traceback for a bug; the real error for each row of the table."""

import os
import re
import sys
from pathlib import Path

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf

from sr import build
from sr.cli.explain import ANSWERS, explain
from sr.errors import InputError
from tests.jobs import ONE_PHOTO, SMALL, call, compose

ROWS = [  # words of train.py, the row of the table that answers, the line
    (["seed=1,2"], "_several_values", "seed=1,2: for one run per value, pass -m; quote a value"),
    (
        ["loss=l1,ssim"],
        "_several_values",
        "loss=l1,ssim: for one run per value, pass -m; for a list, use brackets: 'loss=[l1,ssim]'; ",
    ),
    (["study=a(b"], "_unreadable", "study=a(b: quote a value that has characters"),
    (["nonsense"], "_unreadable", "nonsense: expected KEY=VALUE"),
    (["network={n_feats:8,depth:3}"], "_no_such_entry", "network has no key depth; to add it, pass +network.depth=..."),
    (["data.batchsize=3"], "_unknown", "unknown config key 'data.batchsize'; nearest: data.batch_size"),
    (["discriminator=unet"], "_unknown", "this recipe has no discriminator"),
    (["optimizer@discriminator_optimizer=adam"], "_unknown", "unknown config key 'discriminator_optimizer'"),
    (["model=edrs"], "_no_choice", "unknown model 'edrs'; nearest: edsr"),
    (["hydra/launcher=job"], "_no_choice", "unknown hydra/launcher 'job'; nearest: joblib"),
    (
        ["~data.batchsize"],
        "_nothing_to_delete",
        "~data.batchsize: the config has no data.batchsize to delete; nearest: data.",
    ),
    (["+seed=3"], "_already_set", "seed already exists: pass seed=... without +"),
    (
        ["+model=edsr"],
        "_chosen_twice",
        "model is set twice: pass model=edsr without +; in a YAML write 'override /model: edsr'",
    ),
]


@pytest.mark.parametrize("words, row, line", ROWS)
def test_each_row_of_hydras_messages(words, row, line, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    with pytest.raises(HydraException) as caught:
        compose("train", *words)
    told = explain(caught.value, "train")
    assert told.startswith(line) and "\n" not in told and "room" not in told
    text = " ".join(str(caught.value).split())
    assert row in [answer.__name__ for pattern, answer in ANSWERS if re.search(pattern, text)]


def test_every_row_has_a_test():
    here = {row for _, row, _ in ROWS} | {"_no_config", "_missing", "_no_target"}
    assert {answer.__name__ for _, answer in ANSWERS} == here


def test_a_config_that_is_not_there():
    with pytest.raises(HydraException) as caught:
        compose("trian")
    assert explain(caught.value, "train") == "no config 'trian'" or "trian" in explain(caught.value, "train")


def test_a_key_that_was_not_given():
    cfg = compose("predict", "network=interpolation_bicubic", "scale=2", "+other=${ckpt}")
    with pytest.raises(Exception) as caught:
        cfg.other  # noqa: B018
    assert explain(caught.value, "predict") == "missing option: pass ckpt=FILE"


@pytest.mark.medium
@pytest.mark.parametrize("words", [["-m", "model=rrdb,esrgan"], ["experiment=esrgan_stages"]])
def test_a_key_that_only_some_jobs_of_a_sweep_have(words, monkeypatch):
    word = "loss.perceptual.weights=vgg.pth"
    monkeypatch.setattr(sys, "argv", ["train.py", *words, word])
    with pytest.raises(HydraException) as caught:
        compose("train", word)
    line = "loss.perceptual.weights: only model=esrgan of this sweep has this key; pass ++loss.perceptual.weights=..."
    assert explain(caught.value, "train") == f"{line} to set it in all jobs"


@pytest.mark.parametrize("content", ["foo: [1\n", "a: b: c\n"])
def test_a_yaml_that_is_none(content, tmp_path, monkeypatch):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(content)
    with pytest.raises(Exception) as caught:
        compose("train", f"hydra.searchpath=['file://{tmp_path}']", "experiment=mine")
    told = explain(caught.value, "train")
    assert told.startswith(f"{tmp_path}/experiment/mine.yaml, line ") and ": invalid YAML: " in told


# -- what a config names ---------------------------------------------------------------------------------------------

MINE = """
import torch

class Mine(torch.nn.Module):
    def __init__(self, *, scale, n_feats=8):
        super().__init__()
        self.scale = scale
        if n_feats == 1:
            a, b = [1]
        if n_feats == 2:
            {}["feats"]
        if n_feats == 3:
            Inner(width=3)
        if n_feats == 4:
            open("/nowhere/at/all")

class Inner:
    def __init__(self, height): ...

class Empty: ...
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "broken.py").write_text("import not_installed_anywhere\n\nclass Net: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("mine", None)


def told(**node: object) -> str | None:
    """What is said of a network's config that cannot be built."""
    cfg = OmegaConf.create({"network": {"_target_" if key == "target" else key: value for key, value in node.items()}})
    with pytest.raises(Exception) as caught:
        build.build(cfg.network)
    return explain(caught.value, "train")


def test_options_that_a_class_has_not_or_needs_are_one_line(mine):
    line = told(target="mine.Mine", scale=2, n_feat=3)
    assert line == "'n_feat' is not an option of mine.Mine (config key network); nearest: n_feats"
    assert told(target="mine.Mine") == "mine.Mine requires scale: pass +network.scale=..."
    assert told(target="mine.Empty", scale=2) == "mine.Empty has no options (config key network)"


@pytest.mark.parametrize("n_feats", [1, 2, 3, 4])
def test_a_defect_inside_a_users_constructor_has_its_traceback(mine, n_feats):
    """Too few values to unpack, a KeyError, an unexpected keyword argument further down, a file that is not there."""
    assert told(target="mine.Mine", scale=2, n_feats=n_feats) is None


def test_a_target_that_is_not_there(mine):
    assert told(target="mine.Mien") == "network._target_=mine.Mien: mine has no Mien"
    assert told(target="nope.X").startswith("network._target_=nope.X: no module named nope")
    assert told(target="torch.optim.Adma") == "network._target_=torch.optim.Adma: torch.optim has no Adma"
    assert told(target="broken.Net") is None  # the module is there, and its own import fails


def test_what_a_library_says_of_its_options_is_one_line():
    line = told(target="torch.nn.Conv2d", in_channels=3, out_channels=4, kernel_size=3, groups=2)
    assert line == "in_channels must be divisible by groups (config key network)"


# -- while it runs ---------------------------------------------------------------------------------------------------


def raised(code: str) -> Exception:
    try:
        exec(code, {"InputError": InputError})
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('mine')",
        "a, b = [1]",
        "{}['hr']",
        "open('/nowhere/at/all')",
        "int('x')",
        "(lambda: 0)(scale=2)",
        "assert False",
        "raise ValueError(\"Could not override 'seed'.\")",
        "raise ValueError('Missing mandatory value: ckpt')",
    ],
)
def test_a_defect_has_no_one_line(code):
    """A user's own module may raise ValueError or FileNotFoundError too: their traceback says where."""
    assert explain(raised(code), "train") is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line():
    with pytest.raises(OSError) as caught:
        Path("/dev/full").write_text("x")
    assert explain(caught.value, "train") == "[Errno 28] No space left on device"


def test_a_users_error_through_other_exceptions():
    try:
        try:
            raise InputError("data.train: no images")
        except InputError as error:
            raise RuntimeError("worker failed") from error
    except RuntimeError as error:
        assert explain(error, "train") == "data.train: no images"


def test_no_permission_is_one_line(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(OSError) as caught:
        (tmp_path / "x").touch()
    assert "Permission denied" in explain(caught.value, "train")


@pytest.mark.slow
def test_a_defect_in_a_hook_of_lightnings_shows_where(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import pytorch_lightning as pl\n\n\nclass Hook(pl.Callback):\n"
        "    def on_train_start(self, trainer, model):\n        first, second = [trainer]\n"
    )
    words = [*SMALL, *ONE_PHOTO, "+callback.mine._target_=mine.Hook", "data_dir=data", "output_dir=run"]
    done = call("train.py", *words, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "first, second = [trainer]" in done.stderr, done.stderr
    assert done.stderr.rstrip().endswith("ValueError: not enough values to unpack (expected 2, got 1)")
