"""The LR of a config is that of the version of the code: a change that makes other LR raises `sr.degradation.pipeline.VERSION`.

After that, or for a new YAML: python -m tests.degradation.test_pipeline
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torch import nn

from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.pipeline import VERSION, Pipeline
from sr.functional.draws import Draws
from tests.chains import FILES, SAME_SIZE, chain_of
from tests.jobs import CONF

RECORD = Path(__file__).with_name("pipeline.json")
NAMES = [file.stem for file in FILES]


def made(name: str) -> dict[str, list[float]]:
    """What is drawn for two samples, and the means of blocks of their LR in 255ths: machines differ in single pixels."""
    scale = 1 if name in SAME_SIZE else 4
    chain = chain_of(CONF / "degradation" / f"{name}.yaml", scale)
    photo = torch.from_numpy(data.chelsea())[100:196, 120:216].permute(2, 0, 1)[None].repeat(2, 1, 1, 1) / 255
    drawn = chain.sample(Draws(0, 3, 2, "version"))
    lr = nn.functional.avg_pool2d(chain(photo, drawn), 24 // scale) * 255
    parameters = [float(np.mean(value, dtype=np.float64)) for _, value in sorted(drawn.items())]
    return {"parameters": parameters, "lr": [round(value, 2) for value in lr.flatten().tolist()]}


@pytest.mark.parametrize("name", NAMES)
def test_lr_is_that_of_the_version(name):
    record = json.loads(RECORD.read_text())
    if name not in record:
        pytest.skip(f"conf/degradation/{name}.yaml is not recorded: python -m tests.degradation.test_pipeline")
    found, advice = made(name), "LR is other than before: raise VERSION in sr/degradation/pipeline.py, and record it again"
    assert record["version"] == VERSION, "python -m tests.degradation.test_pipeline records the new version"
    assert np.allclose(found["parameters"], record[name]["parameters"], rtol=1e-6), advice
    assert np.abs(np.subtract(found["lr"], record[name]["lr"])).max() < 2, advice


def test_the_hash_is_of_what_changes_lr():
    def hash_of(scale: int = 4, **options: object) -> str:
        config = {"stage": {"_target_": "sr.degradation.jpeg.JPEG", "quality": [30, 95]} | options, "bicubic": {}}
        return Pipeline("x", Chain({"bicubic": Bicubic(scale)}, scale), config).hash

    turned = {"bicubic": {}, "stage": {"_target_": "sr.degradation.jpeg.JPEG", "quality": [30, 95]}}
    others = [hash_of(scale=2), hash_of(quality=[30, 94]), Pipeline("x", Chain({"bicubic": Bicubic(4)}, 4), turned).hash]
    assert hash_of() == hash_of(_target_="sr.moved.JPEG") and len({hash_of(), *others}) == 4


if __name__ == "__main__":
    RECORD.write_text(json.dumps({"version": VERSION, **{name: made(name) for name in NAMES}}, indent=None) + "\n")
