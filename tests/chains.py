"""Degradations of conf/degradation as chains, for tests."""

from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from tests.jobs import CONF, IMAGE

OTHER = ("axes:", "Burst")  # for volumes, and from pictures to bursts
FILES = sorted(
    file for file in (CONF / "degradation").glob("*.yaml") if not any(word in file.read_text() for word in OTHER)
)  # of pictures
SAME_SIZE = {"denoise", "dejpeg", "deblur"}  # pipelines of restoration
VIDEO = {"video_codec", "realbasicvsr"}  # with PyAV, an optional package


def chain_of(file: Path, scale: int) -> Chain:
    """The stage or pipeline of a YAML; bicubic follows a stage that does not shrink."""
    if file.stem in VIDEO:
        pytest.importorskip("av", reason='PyAV is not installed: pip install ".[video]"')
    node = OmegaConf.create({"scale": scale, "image": IMAGE, "degradation": OmegaConf.load(file)})
    stages = instantiate(node.degradation, _convert_="all")
    (stage,) = stages.values()
    return Chain(stages if stage.scale == scale else {**stages, "bicubic": Bicubic(scale)}, scale)
