"""Shares of improvement, omission and hallucination: the paper's formulas in NumPy, what they mean, and pictures."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.callback.truthfulness import Truthfulness
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.photograph import photograph
from sr.metric.truthfulness import Hallucination, Improvement, Omission, maps
from sr.view.truthfulness import in_colours, truth_panel
from tests.trainer import at, trainer


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor, Tensor]:
    """LR (1, 3, 24, 24), SR between bicubic and HR with noise, HR, in float64."""
    hr = photograph(96, 3)
    lr = imresize(hr, 1 / 4, rounding=True)
    noise = 0.03 * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))
    sr = ((imresize(lr, 4) * 0.6 + hr * 0.4 + noise).clamp(0, 1) * 255).round() / 255
    return lr.double(), sr.double(), hr.double()


@np.errstate(divide="ignore")  # infinitely far where LR is exactly HR
def numpy_shares(lr: np.ndarray, sr: np.ndarray, hr: np.ndarray) -> np.ndarray:
    """(3, H, W), as opensr-test computes them with its default constants, from LR (C, H, W) that is enlarged already."""
    distance = lambda one, other: (np.abs(one - other) / np.abs(one + other + 1e-8)).mean(0)  # noqa: E731
    reference, d_im, d_om = distance(lr, hr), distance(sr, hr), distance(sr, lr)
    threshold = np.sort(reference.ravel())[int(0.75 * reference.size) - 1]
    mask = np.where((reference > threshold) | (d_im > threshold) | (d_om > threshold), 1.0, np.nan)
    im, om = d_im * mask / reference, d_om * mask / reference
    penalty = 1 - np.exp(-(im + om - 1) * 0.05)
    weights = np.exp(-np.stack([im + om * penalty, om + im * penalty, np.exp(-im * om * 0.05)]) / 0.25)
    return weights / weights.sum(0)


def test_shares_are_the_papers(images):
    lr, sr, hr = images
    found = maps(lr, sr, hr)[0]
    up = F.interpolate(lr, scale_factor=4, mode="bilinear", antialias=True)
    expected = numpy_shares(*(image[0].numpy() for image in (up, sr, hr)))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    judged = ~torch.isnan(found[0])
    assert 0.25 < judged.double().mean() < 0.9 and torch.allclose(found[:, judged].sum(0), torch.ones((), dtype=found.dtype))


def test_hr_improves_enlarged_lr_omits_and_noise_is_invented(images):
    lr, _, hr = images
    metrics = {"improvement": Improvement, "omission": Omission, "hallucination": Hallucination}
    metrics = {name: metric(crop_border=4) for name, metric in metrics.items()}
    noise = torch.rand(hr.shape, generator=torch.Generator().manual_seed(1), dtype=hr.dtype)
    up = F.interpolate(lr, scale_factor=4, mode="bilinear", antialias=True).clamp(0, 1)
    for largest, picture in (("improvement", hr), ("omission", up), ("hallucination", noise)):
        scores = {name: metric(picture, hr, lr=lr).item() for name, metric in metrics.items()}
        assert max(scores, key=scores.get) == largest and sum(scores.values()) == pytest.approx(1) and scores[largest] > 0.6
    both = metrics["omission"](torch.cat([up, hr]), torch.cat([hr, hr]), lr=torch.cat([lr, lr]))
    assert both[0].item() == metrics["omission"](up, hr, lr=lr).item() and both[1] < both[0]
    assert metrics["improvement"].higher_is_better and not metrics["omission"].higher_is_better


def test_what_cannot_be_judged(images):
    lr, sr, hr = images
    flat = torch.full_like(hr, 0.5)
    assert torch.isnan(Omission(crop_border=4)(flat, flat, lr=torch.full_like(lr, 0.5))).all()
    with pytest.raises(InputError, match=r"^Improvement needs lr, sr and hr of pictures [^\n]*, not \(1, 1, 3, 96, 96\)$"):
        Improvement(crop_border=4)(sr[None], hr[None], lr=lr[None])


def test_pictures_show_the_maps(images, tmp_path):
    lr, sr, hr = images
    colours = in_colours(maps(lr, hr, hr))
    judged = ~torch.isnan(maps(lr, hr, hr)[0, 0]).numpy()
    assert (colours[judged].argmax(-1) == 1).all() and (colours[~judged] == 64).all()
    assert truth_panel(lr, sr, hr, crop=48).size == (5 * (2 * 48 + 4) - 4, 2 * 48 + 18)
    callback, run = Truthfulness(folder=str(tmp_path), n_images=1, crop=32), at(trainer()[0], 5)
    outputs = {"set": "one", "name": "b", "lr": lr.float(), "sr": sr.float(), "hr": hr.float()}
    callback.on_validation_batch_end(run, None, outputs, None, 0)
    callback.on_validation_end(run, None)
    for index in range(2):
        callback.on_test_batch_end(run, None, outputs | {"name": "ba"[index]}, None, index)
    callback.on_test_end(run, None)
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.png")] == ["test/one_b_truthfulness.png"]
