"""A loss that drowns the others is named, from real short runs."""

import warnings

import pytest

from sr.callback.balance import verdict
from tests.model.gan_job import fit

pytestmark = pytest.mark.slow  # seconds each; the weekly tests run them

SAID = "the others have no effect"


def said(folder, *words: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(folder, "callback=[checkpoint,balance]", *words)
    return [str(warning.message) for warning in caught if SAID in str(warning.message)]


@pytest.mark.medium
def test_a_loss_that_drowns_the_others_is_named_once_with_its_share(tmp_path):
    (line,) = said(tmp_path / "run", "loss.perceptual.weight=1e5", "trainer.log_every_n_steps=2")
    assert line.startswith("step 2: perceptual is 99.99 % of the loss (") and "\n" not in line
    assert "l1 0.00" in line and "adversarial 0.0" in line and "try a smaller loss.perceptual.weight" in line


def test_a_run_shorter_than_that_is_judged_too(tmp_path):
    (line,) = said(tmp_path / "run", "adversarial.weight=1e6", "trainer.max_steps=1", "trainer.log_every_n_steps=50")
    assert line.startswith("step 1: adversarial is 99.99 % of the loss (") and "a smaller adversarial.weight" in line


@pytest.mark.medium
def test_a_recipe_as_it_is_says_nothing(tmp_path):
    assert not said(tmp_path / "run")


@pytest.mark.medium
def test_features_100_times_torchvisions_are_recognised(tmp_path, sr_data):
    """The file at hand, whose conv3_4 has another scale, beside ESRGAN's L1."""
    file = f"loss.perceptual.weights={sr_data}/weights/vgg19_conv1_1_to_conv3_4.pth"
    layers = ["loss.perceptual.layers.conv1_2=0", "+loss.perceptual.layers.conv3_4=1"]
    (line,) = said(tmp_path / "run", file, *layers, "trainer.max_steps=2")
    assert "perceptual is 9" in line and line.endswith("whose features are 100 times torchvision's")
    assert "or loss=perceptual_conv3_4" in line


@pytest.mark.parametrize(
    ("means", "speaks"),
    [
        ({"perceptual": 1008.0, "l1": 0.2}, True),
        ({"perceptual": 1.5, "l1": 5e-4, "adversarial": 1e-2}, False),  # ESRGAN's, as its authors logged them
        ({"l1": 0.02, "tv": 1e-4}, False),
        ({"l1": 0.02}, False),
        ({"l1": 0.02, "ssim": 0.0}, True),
    ],
)
def test_verdicts(means, speaks):
    assert (verdict(means, 1000) is not None) == speaks
