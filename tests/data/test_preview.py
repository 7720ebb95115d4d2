"""The samples of the contact sheet are those that training sees, and its words say what was done to them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from sr import build
from sr.data.device import finish
from sr.data.plan import Plan
from sr.data.preview import first_samples, prepared
from sr.image.file import to_pixels
from tests.jobs import SMALL, compose, run_script


def data(folder, *words):
    cfg = compose("train", *SMALL, f"data_dir={folder}", f"output_dir={folder}", *words)
    return prepared(build.data(cfg))


@pytest.mark.medium
@pytest.mark.parametrize("degradation", ["[realesrgan]", "[blur,bicubic,noise]"])
def test_they_are_the_samples_that_training_sees(tmp_path, degradation):
    words = ("scale=4", "augmentation=[flip,mixup]", "data.patch_size=8", "data.batch_size=2")
    made = data(tmp_path, f"degradation={degradation}", *words)
    samples = first_samples(made, 4, torch.device("cpu"))
    patches = made.patches(Plan(seed=made.seed, phases=made.phases))
    batches = [finish(patches.batch(index), made.degradation, made.augmentation, made.kind) for index in (0, 1)]
    for name in ("lr", "hr"):
        assert torch.equal(getattr(samples, name), torch.cat([batch[name] for batch in batches]))


@pytest.mark.medium
def test_words_tell_what_was_done(tmp_path):
    samples = first_samples(data(tmp_path, "degradation=[jpeg]", "scale=1", "augmentation=[]"), 5, torch.device("cpu"))
    for hr, lr, words in zip(samples.hr, samples.lr, samples.words, strict=True):
        file = io.BytesIO()
        Image.fromarray(to_pixels(hr[None])).save(file, "JPEG", quality=int(words.removeprefix("JPEG ")), subsampling="4:2:0")
        assert np.array_equal(np.asarray(Image.open(file)), to_pixels(lr[None]))


@pytest.mark.medium
def test_preview_writes_the_sheet_and_stops(tmp_path):
    done = run_script("train.py", *SMALL, "preview=true", "benchmark=[set5]", "output_dir=run", cwd=tmp_path)
    assert (
        done.returncode == 0 and "the first training samples are in " in done.stdout and "/run/preview.png\n" in done.stdout
    ), done.stderr
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["preview.png"]  # Set5 is not looked for
    assert Image.open(tmp_path / "run" / "preview.png").width > 1000
