"""Paths and names stay the text that was typed."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from sr.cli import run_dir
from sr.cli.words import is_path, is_text, of_checkpoint, settle, typed
from sr.errors import InputError
from tests.jobs import compose, run_script

# What Hydra would read as a number, a truth value or nothing.
NAMES = ("2024_01_15", "2023", "1_000", "1e5", "007", "-5", "1.10", "true", "False", "nan", "inf", "Null", "0x10", "None")


def read(word: str) -> object:
    """The value of a word as Hydra reads what `typed` makes of it."""
    return OverridesParser.create().parse_override(typed([word])[0]).value()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_looks_like_something_else_is_text(name):
    for key in (
        "output_dir",
        "data.cache_dir",
        "variant",
        "+logger.wandb.name",
        "suffix",
        "input",
        "ckpt",
        "runs",
        "data.train",
    ):
        assert read(f"{key}={name}") == name
    assert read(f"ckpt=[{name}, a.ckpt,{name}]") == [name, "a.ckpt", name]
    assert read(f"data.train=[{{path: {name}, weight: 2}},{name}]") == [{"path": name, "weight": 2}, name]


def test_it_is_text_in_the_config():
    words = [
        "output_dir=2024_01_15",
        "data=folder",
        "data.train=[1e5,b]",
        "logger.wandb.tags=[1_0]",
        "study=Null",
        "variant=007",
    ]
    cfg = compose("train", *typed([*words, "logger.wandb.name=2023"]))
    assert (cfg.output_dir, cfg.study, cfg.variant, cfg.logger.wandb.name) == ("2024_01_15", "Null", "007", "2023")
    assert (cfg.data.train, cfg.logger.wandb.tags) == (["1e5", "b"], ["1_0"])
    again = OmegaConf.create(OmegaConf.to_yaml(cfg))  # config.yaml of the run
    assert (again.output_dir, again.data.train, again.variant) == ("2024_01_15", ["1e5", "b"], "007")
    cfg = compose("report", *typed(["runs=[2024_01_15,x]", "output=1e5", "title=2023"]))
    assert (cfg.runs, cfg.output, cfg.title) == (["2024_01_15", "x"], "1e5", "2023")


@pytest.mark.parametrize(
    "word, expected",
    [
        ("output_dir=null", None),
        ("suffix=", ""),
        ("input='2023'", "2023"),
        ('input="a b.png"', "a b.png"),
        ("input=photo (1).png", "photo (1).png"),
        ("input=photos/[ab]*.png", "photos/[ab]*.png"),
        ("input=a=b.png", "a=b.png"),
        ("input=it's.png", "it's.png"),
        ("output=a:2023", "a:2023"),
    ],
)
def test_what_hydra_means_otherwise_keeps_its_meaning(word, expected):
    assert read(word) == expected


def test_interpolations_stay_interpolations():
    assert compose("predict", *typed(["suffix=_x4", "output=2023/${suffix}"])).output == "2023/_x4"


def test_numbers_stay_numbers():
    words = [
        "seed=2023",
        "scale=3",
        "optimizer.lr=1e-4",
        "loss.l1.weight=2",
        "data.train.n_images=3",
        "trainer.max_steps=1_000",
    ]
    assert typed(words) == words


def test_sweeps_stay_sweeps():
    assert typed(["data.train=2023,b,~/c"]) == [f"data.train='2023',b,'{Path.home()}/c'"]
    assert typed(["data.train=choice(2023,b)"]) == ["data.train=choice('2023',b)"]
    assert typed(["variant=range(1,3)", "model=srcnn,edsr"]) == ["variant=range(1,3)", "model=srcnn,edsr"]


def test_home_is_spelt_out_everywhere(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    for word in ("output=~/a b", "output='~/a b'", 'output="~/a b"'):
        assert read(word) == "/home/me/a b"
    assert read("ckpt=[~/a.ckpt,'~/b.ckpt']") == ["/home/me/a.ckpt", "/home/me/b.ckpt"]
    assert read("suffix='~'") == "~"  # a name
    cfg = OmegaConf.create(
        {
            "data_dir": "${oc.env:SR_WHERE}",
            "data": {"train": ["~/hr", {"path": "~/more", "weight": 2}], "lr": "${data_dir}/lr"},
            "benchmark": {"folder": {"hr": "~/test", "name": "~"}},
        }
    )
    monkeypatch.setenv("SR_WHERE", "~/data")
    settle(cfg)
    assert OmegaConf.to_container(cfg, resolve=True) == {
        "data_dir": "/home/me/data",
        "data": {"train": ["/home/me/hr", {"path": "/home/me/more", "weight": 2}], "lr": "/home/me/data/lr"},
        "benchmark": {"folder": {"hr": "/home/me/test", "name": "~"}},
    }


@pytest.mark.parametrize("text", ["output_dir: 2024_01_15", "suffix: 4", "data: {train: [a, 1e5]}", "ckpt: true"])
def test_a_number_in_a_yaml_is_refused(text, tmp_path):
    """YAML does not keep how it was written."""
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match="in a YAML, but must be text: put it in quotes"):
        settle(OmegaConf.load(tmp_path / "a.yaml"))


@pytest.mark.parametrize("config", ["train", "test", "predict", "report"])
def test_every_key_that_holds_text_is_known_as_such(config):
    """Keys of all configs whose value is a text that is no choice of a few words, or that a comment calls a file or folder."""
    numbers = {"tile", "batch", "precision", "device"}  # a word or a number
    cfg = OmegaConf.to_container(compose(config), resolve=False)
    for key, found in cfg.items():
        if isinstance(found, str) and found != "???" and key not in numbers and not found.startswith("${ckpt"):
            assert is_text(key) or key in ("alpha_upscale", "pages"), key
    for key in ("output_dir", "ckpt", "input", "output", "runs", "data_dir", "resume", "init_from", "reproduce", "reference"):
        assert key not in cfg or is_path(key)


def test_the_command_line_takes_what_was_typed(tmp_path, monkeypatch):
    done = run_script("train.py", "output_dir=2024_01_15", "data_dir='~/d'", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0 and "output_dir: '2024_01_15'" in done.stdout and f"data_dir: {tmp_path}/d" in done.stdout
    monkeypatch.setenv("HOME", "/home/me")
    assert run_dir("~/runs", None, "edsr", "now") == "/home/me/runs"  # of a YAML


def test_options_of_the_network_in_a_checkpoint():
    assert of_checkpoint(["network.steps=4", "+network.seed=1", "scale=2"]) == [
        "++network_options.steps=4",
        "++network_options.seed=1",
        "scale=2",
    ]
    assert of_checkpoint(["network=sr3", "network.steps=4"]) == ["network=sr3", "network.steps=4"]
