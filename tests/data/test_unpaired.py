"""Unpaired data: two sets, each drawn by itself, the same for any number of processes and workers."""

import warnings

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from torch.utils.data import DataLoader

from sr import build
from sr.data.plan import Phase, Plan
from sr.data.stream import unchanged
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8
from tests.jobs import compose
from tests.unpaired import config, write_sets


def ready(folder, *words, model="degradation_gan"):
    data = build.data(config(model, folder, "augmentation=[flip,turn]", *words))
    data.prepare_data()
    data.setup("fit")
    return data


def plan(**options):
    return Plan(seed=3, phases=(Phase(0, 12, 6),), **options)


def same(one, other):
    assert torch.equal(one["hr"], other["hr"]) and torch.equal(one["unpaired"]["lr"], other["unpaired"]["lr"])
    for name, value in other["unpaired"]["augmentation"].items():
        np.testing.assert_array_equal(one["unpaired"]["augmentation"][name], value)


def test_lr_patches_are_cut_from_lr_images_alone(tmp_path):
    data = ready(tmp_path)
    photos = [read_rgb8(file) for file in sorted((tmp_path / "lr").iterdir())]
    windows = [sliding_window_view(photo, (12, 12, 3)) for photo in photos]
    found = set()
    for patch in data.patches(plan()).batch(0)["unpaired"]["lr"].numpy():
        places = [(n, *place[:2]) for n, one in enumerate(windows) for place in np.argwhere((one == patch).all((-1, -2, -3)))]
        assert places
        found |= set(places[:1])
    assert len(found) == 6 and {n for n, *_ in found} == {0, 1}


def test_hr_is_what_it_is_without_an_lr_set_and_tells_nothing_of_lr(tmp_path):
    data = ready(tmp_path)
    alone = build.data(
        compose("train", "data=folder", f"data.train={tmp_path}/hr", f"data_dir={tmp_path}/data", "validation=[]")
    )
    alone.prepare_data()
    alone.setup("fit")
    ours, theirs = data.patches(plan()).batch(2), alone.patches(plan()).batch(2)
    assert torch.equal(ours["hr"], theirs["hr"])
    many = Plan(seed=0, phases=(Phase(0, 12, 2000),))
    draws = [many.draws(0, stream).stream("crop") for stream in ("sample", "unpaired")]
    assert abs(np.corrcoef(*(one.uniform() for one in draws))[0, 1]) < 0.1


def test_neither_processes_nor_workers_change_a_sample(tmp_path):
    data = ready(tmp_path)
    whole = data.patches(plan())
    halves = [data.patches(plan(rank=rank, world_size=2)).batch(4) for rank in (0, 1)]
    joined = torch.cat([half["unpaired"]["lr"] for half in halves])
    assert torch.equal(joined, whole.batch(4)["unpaired"]["lr"])
    loaded = iter(DataLoader(data.patches(plan(first_batch=3)), batch_size=None, num_workers=2, collate_fn=unchanged))
    for number in (3, 4, 5):
        same(next(loaded), whole.batch(number))


@pytest.mark.parametrize("scale", [1, 2])
def test_a_batch_has_clean_lr_and_unpaired_lr(tmp_path, scale):
    data = ready(tmp_path, f"scale={scale}")
    made = data.finish(data.patches(plan()).batch(0))
    assert made["hr"].shape == (6, 3, 12 * scale, 12 * scale) and made["unpaired_lr"].shape == made["lr"].shape == (
        6,
        3,
        12,
        12,
    )
    if scale == 1:
        assert torch.equal(made["lr"], made["hr"])
    else:  # away from the edges, where the patch's LR knows what lies around it
        near = imresize(made["hr"], 1 / scale)[..., 3:-3, 3:-3]
        assert (made["lr"][..., 3:-3, 3:-3] - near).abs().max() < 1.01 / 255
    raw = data.patches(plan()).batch(0)["unpaired"]["lr"].permute(0, 3, 1, 2).float() / 255
    assert any(not torch.equal(a, b) for a, b in zip(raw, made["unpaired_lr"], strict=True))
    for cut, moved in zip(raw, made["unpaired_lr"], strict=True):  # flipped and turned, but the same pixels
        assert torch.equal(cut.flatten(1).sort()[0], moved.flatten(1).sort()[0])


def test_bad_sets_are_refused_in_one_line(tmp_path):
    write_sets(tmp_path)

    def refused(line, *words):
        with pytest.raises(Exception, match=line) as error:
            ready(tmp_path, *words)
        assert isinstance(error.value, InputError) or "InputError" in str(error.value)

    refused(r"data.train and data.lr have 2 images in common, such as .*: LR that is HR too", f"data.lr={tmp_path}/hr")
    refused("augmentation=cutblur changes LR by its HR", "augmentation=[cutblur]")
    refused("data.scales: the LR images", "data.scales=[1,4]")
    refused("data.train has images with partners", "data.train={path: " + f"{tmp_path}/hr, lr: {tmp_path}/hr" + "}", "scale=1")
    refused("data.lr is an empty list", "data.lr=[]")
    words = ("model=degradation_gan", *write_sets(tmp_path), "scale=1", "data.patch_size=64")
    Image.open(tmp_path / "lr" / "rocket.png").crop((0, 0, 60, 60)).save(tmp_path / "lr" / "rocket.png")
    data = build.data(compose("train", *words))
    data.prepare_data()
    with pytest.raises(InputError, match="rocket.png: 60x60 pixels is smaller than the HR patch of 64x64"):
        data.setup("fit")
    (tmp_path / "lr" / "rocket.png").unlink()
    with pytest.raises(InputError, match="data.lr has 1 image: a discriminator would learn it by heart"):
        build.data(compose("train", *words)).prepare_data()


def test_lr_that_is_tested_on_is_told(tmp_path):
    write_sets(tmp_path)
    for kind in ("hr", "lr"):
        (tmp_path / "test" / kind).mkdir(parents=True)
        (tmp_path / "test" / kind / "chelsea.png").write_bytes((tmp_path / "lr" / "chelsea.png").read_bytes())
    folder = ("benchmark=[folder]", f"benchmark.folder.hr={tmp_path}/test/hr", f"benchmark.folder.lr={tmp_path}/test/lr")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ready(tmp_path, *folder, "scale=1")
    lines = [str(warning.message) for warning in caught if "LR images of" in str(warning.message)]
    assert len(lines) == 1 and "are also in data.lr (chelsea.png is the first)" in lines[0] and "\n" not in lines[0]
