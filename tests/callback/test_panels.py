"""Pictures of a run, from one process and on a full disk."""

import pytest
import pytorch_lightning as pl
import torch

from sr.callback.panels import Panels
from sr.errors import StorageError
from sr.functional.resize import imresize
from tests.jobs import small_files
from tests.trainer import at, trainer


def shown(panels: Panels, count: int) -> pl.Trainer:
    """A validation of two sets after five steps."""
    run = at(trainer()[0], 5)
    for which, name in enumerate(("b", "a")):
        for index in range(count):
            hr = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(index)).mul(255).round() / 255
            outputs = {"set": name, "name": str(index), "lr": imresize(hr, 1 / 2, rounding=True), "sr": hr, "hr": hr}
            panels.on_validation_batch_end(run, None, outputs, None, index, which)
    return run


def test_the_first_images_of_each_set_are_shown(tmp_path):
    panels = Panels(folder=str(tmp_path), n_images=2, crop=16)
    panels.on_validation_end(shown(panels, 3), None)
    names = sorted(file.name for file in (tmp_path / "step_000005").iterdir())
    assert names == ["a_0.png", "a_1.png", "b_0.png", "b_1.png"]


def test_a_full_disk_is_named_and_leaves_no_half_picture(tmp_path):
    panels = Panels(folder=str(tmp_path), n_images=1, crop=16)
    run = shown(panels, 1)
    with small_files(1000), pytest.raises(StorageError, match=r"step_000005/b_0.png"):
        panels.on_validation_end(run, None)
    assert not list((tmp_path / "step_000005").iterdir())
