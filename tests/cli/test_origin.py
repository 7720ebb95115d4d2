"""The scale of a training, and who chose it."""

import hydra
import pytest
from hydra.core.hydra_config import HydraConfig

from sr.cli import CONF, scale_line

CHANGES = "; override with scale=N)"


@pytest.fixture
def composed(monkeypatch):
    """The config of a command line, known to Hydra as in a job."""
    before = HydraConfig.instance().cfg

    def compose(*words: str):
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = hydra.compose("train", list(words), return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        return cfg

    yield compose
    HydraConfig.instance().cfg = before


@pytest.mark.parametrize(
    "words, line",
    [
        ([], "scale: x2 (default" + CHANGES),
        (["model=fsrcnn"], "scale: x3 (set by model=fsrcnn" + CHANGES),
        (["model=esrgan"], "scale: x4 (set by model=esrgan" + CHANGES),
        (["model=fsrcnn", "scale=2"], "scale: x2 (from the command line)"),
        (["data=mnist"], "scale: x8 (set by data=mnist" + CHANGES),
        (["experiment=bsds500"], "scale: x2 (default" + CHANGES),
    ],
)
def test_who_chose_the_scale(composed, words, line):
    assert scale_line(composed(*words)) == line


def test_an_experiment_that_another_is_built_on(composed, tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "base.yaml").write_text("# @package _global_\nscale: 4\n")
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ndefaults: [base, _self_]\nseed: 3\n")
    cfg = composed(f"hydra.searchpath=['file://{tmp_path}']", "experiment=mine", "model=fsrcnn")
    assert scale_line(cfg) == "scale: x4 (set by experiment=mine" + CHANGES
