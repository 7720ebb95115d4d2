"""What tests compose is what Hydra composes."""

import hydra
import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from tests.jobs import CONF, ONE_PHOTO, SMALL, compose

WORDS = [
    [*SMALL, *ONE_PHOTO, "output_dir=/tmp/x y", "scale=3"],
    ["model=esrgan", "network=edsr_baseline", "network.n_blocks=2", "loss=[l1,ssim]", "+loss.more={_target_: x, weight: 2}"],
    ["~degradation.bicubic", "optimizer.betas=[0.5,0.9]", "experiment=quickstart", "metric=[psnr]"],
    ["trainer.max_steps=8", "study='a, b'", "model.ema=null", "data.cache_dir=${data_dir}/c", "benchmark=folder"],
]


@pytest.mark.parametrize("words", WORDS)
def test_composing_in_two_parts_is_composing(words):
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        expected = hydra.compose("train", words)
    found = compose("train", *words)
    assert OmegaConf.to_yaml(found) == OmegaConf.to_yaml(expected) and OmegaConf.is_struct(found)
    compose("train", *words).trainer.max_steps = 12345  # a copy
    assert compose("train", *words) == expected


def test_a_key_that_is_not_there_is_refused_by_hydra():
    with pytest.raises(ConfigCompositionException, match="Could not override 'trainer.max_stepz'"):
        compose("train", "trainer.max_stepz=3")
