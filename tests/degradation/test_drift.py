"""Degradations that change along a clip: the first frame as without, the last by at most the drift, codecs on all frames."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur
from sr.degradation.chain import Chain
from sr.degradation.drift import Drift, drifting
from sr.degradation.jpeg import JPEG
from sr.degradation.noise import Noise
from sr.functional.draws import Draws
from tests.clips import moving
from tests.jobs import compose


def clip(frames: int = 4, still: bool = False) -> torch.Tensor:
    made = moving("chelsea", frames, 64, 64, (0, 0) if still else (1, 2))
    return torch.from_numpy(made).permute(0, 3, 1, 2)[None].float() / 255


@pytest.mark.parametrize("stage", [Blur(kernel_size=9), Noise(), JPEG()])
def test_only_the_first_frame_is_as_without_drift(stage):
    plain = Chain({"stage": stage, "bicubic": Bicubic(2)}, 2)
    moved, draws = drifting(plain, 0.5), Draws(0, 3, 1, "x")
    before, after = (chain(clip(still=True), chain.sample(draws)) for chain in (plain, moved))
    assert torch.equal(before[:, 0], after[:, 0]) and not torch.equal(before[:, -1], after[:, -1])


def test_a_blur_in_the_last_frame_has_the_sigma_that_was_drawn():
    drift = Drift(Blur(kernel_size=9), 0.5)
    parameters = {name: value.item() for name, value in drift.sample(Draws(0, 0, 1, "x")).items()}
    rate, sigma = parameters["rate.sigma_x"], parameters["stage.sigma_x"]
    assert drift.at(parameters, 1.0)["sigma_x"] == pytest.approx(sigma * 1.5**rate) and -1 <= rate <= 1
    assert drift.at(parameters, 0.0)["sigma_x"] == sigma and drift.at(parameters, 1.0)["theta"] == parameters["stage.theta"]


def test_each_frame_has_its_own_noise():
    chain = drifting(Chain({"noise": Noise(poisson_probability=0), "bicubic": Bicubic(2)}, 2), 0.2)
    made = chain(clip(3, still=True), chain.sample(Draws(0, 1, 1, "x")))[0]
    plain = Chain({"bicubic": Bicubic(2)}, 2)(clip(1), {})[0, 0]
    first, second = ((frame - plain).flatten().numpy() for frame in made[:2])
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2


@pytest.mark.medium
def test_a_whole_pipeline_drifts_with_its_codecs_on_the_whole_clip():
    pytest.importorskip("av", reason='needs pip install ".[video]"')
    cfg = compose("train", "degradation=[realbasicvsr]", "scale=4")
    plain = Chain(instantiate(cfg.degradation, _convert_="all"), 4)
    moved, draws = drifting(plain, 0.5), Draws(0, 2, 2, "x")
    hr = clip(3).expand(2, -1, -1, -1, -1)
    made = moved(hr, moved.sample(draws))  # two samples through encoders: a second or two
    assert made.shape == (2, 3, 3, 16, 16) and 0 <= made.min() <= made.max() <= 1
    assert moved.reach(moved.sample(draws), 8) == plain.reach(plain.sample(draws), 8)
