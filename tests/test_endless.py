"""The stream of training patches has no epochs: what would count them is one true line, before anything is trained."""

import pytest

from sr import build
from sr.errors import InputError
from tests.jobs import SMALL, compose, run_train


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("limit_train_batches=10", "the first batches would be repeated; trainer.max_steps"),
        ("limit_train_batches=1", "the first batches would be repeated"),
        ("limit_train_batches=0.5", "the first batches would be repeated"),
        ("overfit_batches=1", "to overfit, train on a folder with one image"),
        ("fast_dev_run=true", "pass trainer.max_steps=1"),
        ("max_epochs=3", "pass trainer.max_steps"),
        ("min_epochs=3", "pass trainer.max_steps"),
    ],
)
def test_what_counts_epochs_is_refused(tmp_path, word, says):
    cfg = compose("train", *SMALL, f"+trainer.{word}", f"output_dir={tmp_path}", f"data_dir={tmp_path}")
    with pytest.raises(InputError) as error:
        build.trainer(cfg)
    key, value = word.split("=")
    start = f"trainer.{key}={value.capitalize()}: the stream of training patches has no epochs; "
    assert str(error.value).startswith(start) and says in str(error.value) and "\n" not in str(error.value)


def test_what_limits_nothing_is_taken(tmp_path):
    words = ["+trainer.limit_train_batches=1.0", "+trainer.overfit_batches=0", "+trainer.max_epochs=-1", "trainer.max_steps=2"]
    assert run_train(*words, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data") > 10
