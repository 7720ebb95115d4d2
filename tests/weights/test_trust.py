"""Classes from outside this project: what the command line names is trusted, what a file names is not."""

import sys
from pathlib import Path

import pytest
import torch

import sr
from sr.cli import explain
from sr.cli.named import config_dirs, in_order, targets_of
from sr.errors import InputError
from sr.run.resume import resumed
from sr.weights import checkpoint, trust
from sr.weights.rebuild import build_network
from tests.jobs import ONE_PHOTO, SMALL, call, compose, run_script, run_train

CODE = """
import torch.nn.functional as F
from torch import nn

class Mine(nn.Module):
    def __init__(self, *, n_feats: int = 4, activation: nn.Module | None = None, blocks: list | None = None):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, n_feats, 3, padding=1), activation or nn.ReLU(), *(blocks or []))
        self.tail = nn.Conv2d(n_feats, 12, 3, padding=1)

    def forward(self, lr):
        return F.pixel_shuffle(self.tail(self.body(lr)), 2) + F.interpolate(lr, scale_factor=2)

class Broken(Mine):
    def forward(self, lr):
        a, b = (1, 2, 3)

class Misspelt(Mine):
    def __init__(self, *, n_feats: int = 4):
        super().__init__(n_feats=n_feats)
        self.more = nn.Conv2d(n_feats, 3, 3, pading=1)

def run(command):
    raise AssertionError("a file had this run")
"""
COMMAND = tuple(word for word in SMALL if not word.startswith("network.")) + (*ONE_PHOTO, "data_dir=data")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    """A folder with a package and a folder of configs, outside this repository."""
    folder = tmp_path_factory.mktemp("plugin")
    for file, text in {
        "lib/outside/__init__.py": "",
        "lib/outside/net.py": CODE,
        "configs/network/mine.yaml": "_target_: outside.net.Mine\nn_feats: 4\n",
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


@pytest.fixture
def importable(plugin, monkeypatch):
    monkeypatch.syspath_prepend(str(plugin / "lib"))
    yield plugin
    for name in [name for name in sys.modules if name.split(".")[0] == "outside"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def job(plugin, tmp_path_factory):
    """(folder, what it printed) of a run by --config-dir, with an optimizer and a callback that no YAML names."""
    folder = tmp_path_factory.mktemp("outside")
    words = ["network=mine", "optimizer._target_=torch.optim.NAdam", "trainer.max_steps=4", "output_dir=run"]
    words += ["+callback.rate={_target_: pytorch_lightning.callbacks.LearningRateMonitor}", "--config-dir", plugin / "configs"]
    done = run_script("train.py", *COMMAND, *words, cwd=folder, PYTHONPATH=str(plugin / "lib"))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_run_says_what_has_to_be_passed_again(job):
    assert "outside.net.Mine: defined outside this project. To load the checkpoints, pass the same --config-dir, or " in job[1]
    assert "NAdam" not in job[1].split("from outside")[0].splitlines()[-1]


def test_its_checkpoint_is_refused_without_that(job, plugin):
    last = job[0] / "run" / "checkpoints" / "last.ckpt"
    done = run_script("test.py", f"ckpt={last}", "benchmark=[sample]", cwd=job[0], PYTHONPATH=str(plugin / "lib"))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert (
        "names outside.net.Mine, which is not a network of this project; it was not run. If you trust it, pass" in done.stderr
    )
    with pytest.raises(InputError, match="outside.net.Mine"):
        sr.load(last)


@pytest.mark.parametrize("trusted", [["outside.net.Mine"], ["outside"], ["outside.net"]])
def test_it_is_loaded_with_that(job, importable, trusted):
    network = sr.load(job[0] / "run" / "checkpoints" / "last.ckpt", trusted=trusted)
    assert type(network).__name__ == "Mine" and (network.scale, network.multiple_of) == (2, 1) and not network.training


@pytest.mark.medium
@pytest.mark.parametrize("flag", ["trust=[outside]", "--config-dir=PLUGIN/configs"])
def test_test_py_scores_it_with_that(job, plugin, tmp_path, flag):
    words = [f"ckpt={job[0]}/run/checkpoints/last.ckpt", "benchmark=[sample]", "trainer.limit_test_batches=1", "data_dir=data"]
    words += [flag.replace("PLUGIN", str(plugin)), "output_dir=scores", "trainer.accelerator=cpu"]
    done = run_script("test.py", *words, cwd=tmp_path, PYTHONPATH=str(plugin / "lib"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scores" / "metrics.json").is_file()


@pytest.mark.slow
def test_the_same_words_resume_it(job, plugin, tmp_path):
    last = job[0] / "run" / "checkpoints" / "last.ckpt"
    words = ["network=mine", "optimizer._target_=torch.optim.NAdam", "trainer.max_steps=6", "output_dir=on", "data_dir=data"]
    done = run_script(
        "train.py", f"resume={last}", *words, "-cd", plugin / "configs", cwd=tmp_path, PYTHONPATH=str(plugin / "lib")
    )
    assert done.returncode == 0, done.stderr
    content = checkpoint.read(tmp_path / "on" / "checkpoints" / "last.ckpt")
    assert content["global_step"] == 6 and content["sr"]["segments"][-1]["config_dir"] == [str(plugin / "configs")]


def test_without_them_it_is_one_line_that_names_the_folder(job, plugin, tmp_path):
    last = job[0] / "run" / "checkpoints" / "last.ckpt"
    with pytest.raises(InputError, match=rf"outside.net.Mine.*\(the run used --config-dir {plugin}/configs\)$"):
        resumed(compose("train", f"resume={last}", f"output_dir={tmp_path}"), [])


@pytest.mark.slow
def test_reproduce_and_a_sweep_with_config_dir(job, plugin, tmp_path):
    here = {"cwd": tmp_path, "PYTHONPATH": str(plugin / "lib")}
    asked = call("train.py", f"reproduce={job[0]}/run", "output_dir=again", "data_dir=data", **here)
    assert asked.returncode == 1 and f"the run used --config-dir {plugin}/configs; pass it" in asked.stderr
    words = [f"reproduce={job[0]}/run", "output_dir=again", "data_dir=data", f"--config-dir={plugin}/configs"]
    done = call("train.py", *words, **here)
    assert done.returncode == 0 and "are equal to the last digit" in done.stdout, done.stderr
    words = ["-m", "network=mine,compact_light", "trainer.max_steps=2", "output_dir=sweep", "--config-dir", plugin / "configs"]
    done = call("train.py", *COMMAND, *words, **here)
    assert done.returncode == 0, done.stderr
    assert {entry.name for entry in (tmp_path / "sweep").iterdir() if entry.is_dir()} == {
        "0_network-mine",
        "1_network-compact_light",
    }


# -- what is safe ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "torch.optim.NAdam", "torch.optim.lr_scheduler.StepLR", "torch.nn.SmoothL1Loss", "sr.data.source.sample.Sample",
        "pytorch_lightning.callbacks.LearningRateMonitor", "sr.callback.until.Until", "sr.schedule.curves.constant",
    ],
)  # fmt: skip
def test_known_classes_are_trusted(target):
    assert trust.allowed(target)


@pytest.mark.parametrize(
    "target",
    [
        "os.system", "builtins.exec", "subprocess.Popen", "torch.load", "torch.hub.load", "torch.optim.torch.load",
        "torch.optim.Adam.load_state_dict", "torch.nn.functional.relu", "torch.nn.modules.module.torch.load",
        "pytorch_lightning.callbacks.ModelCheckpoint", "pytorch_lightning.callbacks.OnExceptionCheckpoint", "sr.build.build",
        "pytorch_lightning.callbacks.model_checkpoint.os.remove", "sr.data.store.Path", "sr.data.source.download.download", "",
        "outside.net.run", "sr", "sr.data", "torch.optim.", "torch.utils.data.DataLoader",
    ],
)  # fmt: skip
def test_nothing_else_is(target, importable):
    assert not trust.allowed(target)
    assert not trust.allowed(target, ["outside.other", "outsid"])


def test_a_trusted_package_lends_its_classes_alone(importable):
    assert trust.allowed("outside.net.Mine", ["outside"])
    for target in ("outside.net.run", "outside.net.nn.Linear", "outside.net.F.relu", "outside.nowhere.Net"):
        assert not trust.allowed(target, ["outside"]), target


def test_an_installed_package_is_trusted(importable):
    spec = {
        "_target_": "outside.net.Mine",
        "activation": {"_target_": "torch.nn.GELU"},
        "blocks": [{"_target_": "torch.nn.Tanh"}],
    }
    with pytest.raises(InputError, match="outside.net.Mine"):
        build_network(spec, "a.ckpt")
    about = importable / "lib" / "outside-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[sr.trusted]\nnetworks = outside.net\n")
    try:
        network = build_network(spec, "a.ckpt")
        assert [type(layer).__name__ for layer in network.body] == ["Conv2d", "GELU", "Tanh"]
    finally:
        for file in (*about.iterdir(), about):
            file.unlink() if file.is_file() else file.rmdir()


def test_a_file_cannot_trust_itself(job, importable, tmp_path):
    content = checkpoint.read(job[0] / "run" / "checkpoints" / "last.ckpt")
    content["sr"]["config"]["trust"] = ["outside"]
    content["sr"]["config"]["callback"]["x"] = {"_target_": "outside.net.run", "command": "rm"}
    torch.save(content, tmp_path / "a.ckpt")
    for trusted in ([], ["outside"]):
        with pytest.raises(InputError, match="outside.net"):
            resumed(compose("train", f"resume={tmp_path}/a.ckpt", f"output_dir={tmp_path}", f"trust={trusted}"), [])


def test_targets_among_words():
    words = [
        "optimizer._target_=torch.optim.NAdam",
        "+callback.x={_target_: a.B, inner: [{_target_: 'c.D'}]}",
        "seed=1",
        "~a._target_",
    ]
    assert targets_of(words) == {"torch.optim.NAdam", "a.B", "c.D"}
    assert in_order(["a=1", "--config-dir", "conf2", "b=2", "-m"]) == ["--config-dir", "conf2", "-m", "a=1", "b=2"]
    assert config_dirs(["-cd", "/x", "--config-dir=/y"]) == ["/x", "/y"]


# -- before the training -----------------------------------------------------------------------------------------------


def test_a_class_of_the_script_cannot_be_loaded_again(tmp_path, monkeypatch, recwarn):
    import __main__ as script
    from sr.network.compact import Compact

    class Here(Compact):
        pass

    monkeypatch.setattr(script, "Here", Here, raising=False)
    words = ["network._target_=__main__.Here", "trainer.max_steps=1", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data"]
    run_train(*words)
    assert any("__main__.Here is defined in the running script" in str(one.message) for one in recwarn)


def test_options_that_no_checkpoint_can_hold(tmp_path):
    cfg = compose("train", *SMALL, *ONE_PHOTO, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")
    cfg.data.cache_dir = Path(tmp_path, "cache")  # a path becomes text
    cfg.sweep_resume = b"bytes"
    from sr.cli.train import train

    with pytest.raises(InputError, match="sweep_resume is a bytes, which a checkpoint cannot store"):
        train(cfg)


# -- whose mistake it is -----------------------------------------------------------------------------------------------


@pytest.mark.medium
def test_a_mistake_in_a_users_forward_shows_its_traceback(plugin, tmp_path):
    words = [
        "network._target_=outside.net.Broken",
        "~network.scale",
        "~network.channels",
        "~network.n_blocks",
        "output_dir=run",
    ]
    done = run_script("train.py", *COMMAND, *words, cwd=tmp_path, PYTHONPATH=str(plugin / "lib"))
    assert done.returncode == 1 and "Traceback" in done.stderr and "a, b = (1, 2, 3)" in done.stderr
    assert "ValueError: too many values to unpack" in done.stderr


@pytest.mark.medium
def test_a_bad_option_of_a_users_network_stays_one_line(plugin, tmp_path):
    words = ["network=mine", "+network.n_feets=3", "output_dir=run", "--config-dir", plugin / "configs"]
    done = run_script("train.py", *COMMAND, *words, cwd=tmp_path, PYTHONPATH=str(plugin / "lib"))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "'n_feets' is not an option of outside.net.Mine (config key network); nearest: n_feats" in done.stderr


@pytest.mark.parametrize("change, line", [({"n_feets": 3}, "n_feets"), ({"n_feats": "many"}, "expects int")])
def test_a_mistake_in_a_constructor_is_not_the_files(importable, change, line):
    with pytest.raises(InputError, match=f"^a.ckpt: .*{line}"):
        build_network({"_target_": "outside.net.Mine", **change}, "a.ckpt", ["outside"])
    with pytest.raises(TypeError, match="pading") as caught:
        build_network({"_target_": "outside.net.Misspelt"}, "a.ckpt", ["outside"])
    assert explain(caught.value, "test") is None


def test_a_checkpoint_whose_package_is_not_installed(job):
    with pytest.raises(InputError, match="names outside.net.Mine, which is not installed here, or not on PYTHONPATH"):
        sr.load(job[0] / "run" / "checkpoints" / "last.ckpt", trusted=["outside.net.Mine"])
