"""Training over scales: those of samples are pure functions of the seed and the sample, for any number of workers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.cutblur import CutBlur
from sr.augmentation.flip import Flip
from sr.augmentation.rgb_permutation import RGBPermutation
from sr.augmentation.turn import Turn
from sr.data.mixture import Mixture
from sr.data.plan import Phase, Plan
from sr.data.scales import ScaledPatches, Scales, chosen
from sr.data.stream import unchanged
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import to_pixels
from sr.image.kind import PHOTO
from sr.image.photograph import photograph

PLAN = Plan(seed=5, phases=(Phase(0, 12, 4),))
BICUBIC = Chain({"bicubic": Bicubic(2)}, 2)


@pytest.fixture(scope="module")
def photos():
    photo = to_pixels(photograph(160, 3))
    return Mixture([[photo[:70], photo[70:, :100]]])


def patches(photos, plan=PLAN, scales=(1, 4), count=30, stages=None):
    moves = Augmentations(stages or {})
    return ScaledPatches(photos, plan, Scales(scales, count, BICUBIC, moves), BICUBIC, moves, None)


def test_scales_fill_the_range_and_depend_on_the_seed_and_the_sample_alone(photos):
    scales = Scales([1, 4], 9, BICUBIC, Augmentations({}))
    drawn = np.concatenate([scales.of(PLAN, batch) for batch in range(100)])
    assert len(drawn) == 400 and 1 <= drawn.min() < 1.05 and 3.95 < drawn.max() < 4 and abs(drawn.mean() - 2.5) < 0.15
    halves = [replace(PLAN, rank=rank, world_size=2) for rank in (0, 1)]
    assert np.concatenate([scales.of(plan, 7) for plan in halves]).tolist() == drawn[28:32].tolist()
    whole, parts = patches(photos).batch(7), [patches(photos, plan).batch(7) for plan in halves]
    assert torch.equal(whole["hr"], torch.cat([part["hr"] for part in parts]))
    for key in ("pixels", "size", "scale"):
        assert np.array_equal(whole[key], np.concatenate([part[key] for part in parts]))
    twos = replace(PLAN, phases=(replace(PLAN.phases[0], batch_size=2),))
    assert np.array_equal(patches(photos, twos).batch(15)["pixels"], whole["pixels"][2:])
    assert scales.of(replace(PLAN, seed=6), 7)[0] != drawn[28]


def test_whole_patches_of_a_batch_share_a_scale(photos):
    scales = Scales([1, 4], None, BICUBIC, Augmentations({}))
    drawn = [scales.of(PLAN, batch) for batch in range(100)]
    assert all(len(one) == 4 and len(set(one)) == 1 for one in drawn) and len({one[0] for one in drawn}) == 100
    halves = [replace(PLAN, rank=rank, world_size=2) for rank in (0, 1)]
    assert [scales.of(plan, 7).tolist() for plan in halves] == [drawn[7][:2].tolist()] * 2
    batch = patches(photos, count=None).batch(3)
    assert len(batch["sides"]) == 1 and "pixels" not in batch and "size" not in batch


def test_any_number_of_workers_gives_the_same_batches(photos):
    alone = [patches(photos).batch(n) for n in range(4)]
    loader = iter(DataLoader(patches(photos), batch_size=None, collate_fn=unchanged, num_workers=2))
    for one in alone:
        other = next(loader)
        assert one["sides"] == other["sides"] and torch.equal(one["hr"], other["hr"])
        assert all(np.array_equal(one[key], other[key]) for key in ("pixels", "size", "scale"))


@pytest.mark.parametrize("count", [None, 30])
def test_lr_is_bicubic_of_hr_and_its_surroundings(photos, count):
    for batch in range(3):
        made = patches(photos, count=count, stages={"flip": Flip()})
        given = made.batch(batch)
        pairs, found = made.scales.pairs(given, made.augmentation, PHOTO), made.scales.finish(given, made.augmentation, PHOTO)
        sides = [hr.shape[-1] for _, hr in pairs for _ in hr]
        assert sides == np.rint(12 * made.scales.of(PLAN, batch)).tolist() and len(sides) == 4
        torch.testing.assert_close(found["scale"], torch.tensor(sides) / 12)
        assert torch.equal(found["lr"], torch.cat([lr for lr, _ in pairs]))
        for lr, hr in pairs:
            again = imresize(hr, size=(12, 12), rounding=True)  # without the pixels around: equal inside
            inside = slice(3, -3)
            assert (lr - again)[..., inside, inside].abs().max() < 1.001 / 255


def test_a_sample_is_augmented_in_the_same_way_at_its_own_scale(photos):
    """As if all samples of the batch had its scale, whose patches are flipped and turned together."""
    stages = {"flip": Flip(), "turn": Turn(), "rgb_permutation": RGBPermutation()}
    made = patches(photos, stages=stages)
    given = made.batch(5)
    pairs = made.scales.pairs(given, made.augmentation, PHOTO)
    for n, (_, hr) in enumerate(pairs):
        other = patches(photos, scales=[side := hr.shape[-1] / 12, side], count=None, stages=stages)
        assert torch.equal(other.scales.finish(other.batch(5), other.augmentation, PHOTO)["hr"][n], hr[0])


def test_sampled_pixels_are_different_ones_and_those_of_hr(photos):
    made = patches(photos)
    batch = made.scales.finish(made.batch(3), Augmentations({}), PHOTO)
    pairs = made.scales.pairs(made.batch(3), Augmentations({}), PHOTO)
    places, hr = batch["pixels"], pairs[2][1]
    assert places.shape == (4, 30) and all(len(set(row.tolist())) == 30 for row in places)
    assert batch["hr"].shape == (4, 3, 30, 1) and batch["size"].tolist() == [[hr.shape[-1]] * 2 for _, hr in pairs]
    y, x = divmod(places[2, 7].item(), hr.shape[-1])
    assert torch.equal(batch["hr"][2, :, 7, 0], hr[0, :, y, x])
    assert patches(photos, count=500).batch(3)["pixels"].shape == (4, 144)  # a patch at x1 has no more
    every = chosen([1, 2], [20, 20], 20)
    assert (every == np.arange(20)).all()
    counts = np.bincount(chosen(range(2000), [10] * 2000, 3).ravel(), minlength=10)
    assert counts.sum() == 6000 and counts.min() > 500 and counts.max() < 700


@pytest.mark.parametrize(
    "change, line",
    [
        ({"scales": [0, 4]}, r"data.scales=\[0, 4\]: pass the smallest and the largest scale, such as \[1,4\]"),
        ({"scales": [4, 2]}, r"data.scales=\[4, 2\]: pass"),
        ({"scales": []}, r"data.scales=\[\]: pass"),
        ({"scales": 4}, "data.scales=4: pass"),
        ({"scales": [1, float("inf")]}, "data.scales=.*: pass"),
        ({"sample_pixels": 0}, "data.sample_pixels=0: pass a number of pixels such as 2304"),
        (
            {"degradation": Chain({"bicubic": Bicubic(2), "noise": Noise()}, 2)},
            r"degradation=\[bicubic,noise\]: with data",
        ),
        ({"augmentation": Augmentations({"cutblur": CutBlur()})}, "augmentation=cutblur cannot be combined with data.scales"),
    ],
)
def test_what_cannot_be(change, line):
    options = {"scales": [1, 4], "sample_pixels": None, "degradation": BICUBIC, "augmentation": Augmentations({})}
    with pytest.raises(InputError, match=line):
        Scales(**{**options, **change})


def test_networks_that_cannot_be_trained_over_scales():
    scales = Scales([1, 4], 30, BICUBIC, Augmentations({}))
    for wanted, paired, line in (
        ([], False, "the network has one scale"),
        (["size"], False, "no argument pixels in forward"),
        (["size", "pixels"], True, "LR files, of one scale"),
    ):
        with pytest.raises(InputError, match=line):
            scales.check(wanted, paired)
