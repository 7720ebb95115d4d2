"""MixUp, CutMix, CutBlur, ResizeMix, MoA: what the formulas of their papers say."""

import numpy as np
import pytest
import torch
from scipy import stats

from sr.augmentation.base import Augmentation
from sr.augmentation.cutblur import CutBlur
from sr.augmentation.cutmix import CutMix
from sr.augmentation.mixup import MixUp
from sr.augmentation.moa import MoA
from sr.augmentation.resizemix import ResizeMix
from sr.augmentation.scale import Scale
from sr.functional.draws import Draws
from sr.functional.resize import imresize

COUNT = 6


@pytest.fixture(scope="module")
def pairs(photos):
    """(lr, hr) of six samples, and of their partners: LR is HR's bicubic shrink."""
    cuts = [photos[n % 2][20 * n : 20 * n + 96, 30 * n : 30 * n + 96] for n in range(2 * COUNT)]
    hr = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float() / 255
    lr = imresize(hr, 0.5, rounding=True)
    return (lr[:COUNT], hr[:COUNT]), (lr[COUNT:], hr[COUNT:])


def applied(augmentation: Augmentation, pairs, **fixed):
    parameters = {k: torch.as_tensor(v) for k, v in augmentation.sample(Draws(1, 0, COUNT, "test")).items()} | fixed
    return *augmentation.apply(*pairs[0], parameters, pairs[1]), parameters


def test_mixup(pairs):
    lr, hr, parameters = applied(MixUp(), pairs)
    for n, share in enumerate(parameters["share"].tolist()):
        torch.testing.assert_close(hr[n], share * pairs[0][1][n] + (1 - share) * pairs[1][1][n])
        torch.testing.assert_close(lr[n], share * pairs[0][0][n] + (1 - share) * pairs[1][0][n])


def test_mixups_shares_are_beta_distributed():
    shares = MixUp(alpha=1.2).sample(Draws(0, 0, 5000, "test"))["share"]
    assert stats.kstest(shares, stats.beta(1.2, 1.2).cdf).pvalue > 0.01


def test_cutmix(pairs):
    lr, hr, parameters = applied(CutMix(side=0.5, std=0.0), pairs)
    for n in range(COUNT):
        y, x = (int(parameters[name][n] * (48 - 24 + 1)) for name in ("top", "left"))
        expected = pairs[0][0][n].clone()
        expected[:, y : y + 24, x : x + 24] = pairs[1][0][n][:, y : y + 24, x : x + 24]
        assert torch.equal(lr[n], expected)
        expected = pairs[0][1][n].clone()
        expected[:, 2 * y : 2 * y + 48, 2 * x : 2 * x + 48] = pairs[1][1][n][:, 2 * y : 2 * y + 48, 2 * x : 2 * x + 48]
        assert torch.equal(hr[n], expected)


@pytest.mark.parametrize("outside", [False, True])
def test_cutblur_at_scale_1(pairs, outside):
    """LR is a noisy HR: inside the square it becomes HR itself, or everywhere but there; HR stays."""
    hr = pairs[0][1]
    noisy = (hr + 0.1).clamp(0, 1)
    lr, same, parameters = applied(CutBlur(side=0.5, std=0.0), ((noisy, hr), None), outside=torch.full((COUNT,), outside))
    assert torch.equal(same, hr)
    for n in range(COUNT):
        y, x = (int(parameters[name][n] * (96 - 48 + 1)) for name in ("top", "left"))
        expected, other = (hr[n].clone(), noisy[n]) if outside else (noisy[n].clone(), hr[n])
        expected[:, y : y + 48, x : x + 48] = other[:, y : y + 48, x : x + 48]
        assert torch.equal(lr[n], expected)


def test_cutblur_at_scale_2_pastes_the_clean_lr(pairs):
    (lr, hr), _ = pairs
    made, _, _ = applied(CutBlur(), (((lr + 0.2).clamp(0, 1), hr), None))
    clean = ((made - lr).abs() < 1.5 / 255).flatten(1).float().mean(1)  # 1: imresize here does not round
    dirty = (made == (lr + 0.2).clamp(0, 1)).flatten(1).float().mean(1)
    assert ((clean > 0.4) & (dirty > 0.4)).all()


def test_resizemix(pairs):
    """The pasted square is imresize of the whole partner, in LR and in HR."""
    lr, hr, parameters = applied(ResizeMix(), pairs)
    on = parameters["on"]
    assert on.any() and not on.all()
    for n in range(COUNT):
        side = int(parameters["side"][n] * 48)
        y, x = (int(parameters[name][n] * (48 - side + 1)) for name in ("top", "left"))
        for unit, made, own, other in ((1, lr, pairs[0][0], pairs[1][0]), (2, hr, pairs[0][1], pairs[1][1])):
            expected = own[n].clone()
            if on[n]:
                box = (slice(None), slice(unit * y, unit * (y + side)), slice(unit * x, unit * (x + side)))
                expected[box] = imresize(other[n : n + 1], size=(unit * side, unit * side), rounding=True)[0]
            torch.testing.assert_close(made[n], expected, rtol=0, atol=1.01 / 255)


def test_moa_takes_each_equally_often():
    moa = MoA({"mixup": MixUp(), "cutmix": CutMix(), "cutblur": CutBlur()})
    on = np.stack([value for key, value in moa.sample(Draws(0, 0, 9000, "test")).items() if key.endswith(".on")])
    assert (on.sum(0) == 1).all()
    np.testing.assert_allclose(on.mean(1), 1 / 3, atol=0.02)


def test_moa_refuses_what_warps():
    with pytest.raises(ValueError, match="neither scale nor rotation"):
        MoA({"scale": Scale()})


@pytest.mark.parametrize("augmentation", [CutMix, CutBlur])
@pytest.mark.parametrize("given", [{"side": 70}, {"side": 0}, {"side": -0.5}, {"std": -0.1}, {"std": float("nan")}])
def test_a_square_that_is_no_part_of_the_patch_is_refused(augmentation, given):
    with pytest.raises(ValueError, match="side and std are fractions of the patch's side"):
        augmentation(**given)
