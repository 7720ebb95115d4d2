"""sr/say.py: every warning of this project reaches the screen, also where Lightning calls us and its own are silenced."""

import ast
import warnings
from pathlib import Path

import pytest
import pytorch_lightning as pl
from PIL import Image

from sr.benchmark.pairs import Benchmark
from sr.build import quiet
from sr.data.benchmarks import Benchmarks
from sr.metric.psnr import PSNR
from sr.model.base import SRModule
from sr.network.interpolation import Interpolation
from sr.say import warn

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("run", ["validate", "test"])
def test_what_lightning_calls_warns_on_the_screen(tmp_path, run):
    """Half of a published set without its LR: said twice, though Lightning, whose warnings are silenced, asks for the data."""
    (tmp_path / "HR").mkdir()
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "HR" / "a.png")
    half = Benchmark("Two", tmp_path / "HR", 2, lr=tmp_path / "LR_bicubic" / "X2", n_images=2, url="https://example.org")
    module = SRModule(network=Interpolation(scale=2), metric={"psnr": PSNR(crop_border=2)})
    with warnings.catch_warnings(record=True) as seen:
        quiet()
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
        getattr(trainer, run)(module, datamodule=Benchmarks(benchmark={"two": half}), verbose=False)
    said = [str(warning.message) for warning in seen]
    assert [text for text in said if text.startswith("Two is incomplete: 1 of 2 images")]
    assert [text for text in said if text.startswith("Two: LR of 1 of 1 images is made by MATLAB's bicubic")]


@pytest.mark.medium
def test_no_other_file_warns():
    """A warning with a `stacklevel` of its own may be attributed to a library that is silenced."""
    for file in ROOT.glob("sr/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "warn":
                assert file.name == "say.py" and file.parent.name == "sr", f"{file}:{node.lineno}: use sr.say.warn"


def test_a_text_is_shown_once():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for text in ("a", "a", "b"):
            warn(text)
    assert [str(warning.message) for warning in seen] == ["a", "b"]
