"""Training with one optimizer, against the same steps written out."""

from functools import partial

import pytest
import torch
from torch import nn

from sr.functional.color import rgb_to_y
from sr.loss.l1 import L1
from sr.loss.mse import MSE
from sr.model.regression import Regression
from sr.network.compact import Compact
from sr.network.espcn import ESPCN
from sr.schedule.curves import constant


def regression(network: nn.Module, loss=None, **options) -> Regression:
    adam = partial(torch.optim.Adam, lr=1e-3)
    return Regression(network=network, metric={}, loss=loss or {"l1": L1()}, optimizer=adam, schedule=constant, **options)


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"lr": torch.rand(2, 3, 8, 8, generator=generator), "hr": torch.rand(2, 3, 16, 16, generator=generator)}


def compact() -> Compact:
    torch.manual_seed(0)
    return Compact(scale=2, n_feats=4, n_blocks=1)


def test_the_loss_is_the_weighted_sum_of_its_parts():
    model, data = regression(compact(), {"l1": L1(weight=2.0), "mse": MSE(weight=0.5)}), batch()
    out = model.training_step(data, 0)
    error = model.network(data["lr"]) - data["hr"]
    expected = 2 * error.abs().mean() + 0.5 * error.square().mean()
    assert torch.allclose(out["loss"], expected)
    assert out["parts"]["mse"] == pytest.approx(error.square().mean().item(), rel=1e-5)
    assert not any(value.requires_grad for value in out["parts"].values())


def test_channel_y_trains_on_luma():
    model, data = regression(ESPCN(scale=2), channel="y"), batch()
    expected = (model.network(rgb_to_y(data["lr"])) - rgb_to_y(data["hr"])).abs().mean()
    assert torch.allclose(model.training_step(data, 0)["loss"], expected)


@pytest.mark.parametrize("bands", [1, 4])
def test_channel_y_trains_on_the_bands_of_images_without_luma(bands):
    model = regression(ESPCN(scale=2, channels=bands), channel="y")
    data = {key: value.repeat(1, 2, 1, 1)[:, :bands] for key, value in batch().items()}
    expected = (model.network(data["lr"]) - data["hr"]).abs().mean()
    assert torch.allclose(model.training_step(data, 0)["loss"], expected)


def test_l1_regularisation():
    model, data = regression(compact(), l1_regularisation=0.3), batch()
    plain = regression(model.network).training_step(data, 0)["loss"]
    weights = sum(parameter.abs().sum() for parameter in model.network.parameters())
    assert torch.allclose(model.training_step(data, 0)["loss"], plain + 0.3 * weights)


def test_ema_follows_its_formula():
    model = regression(compact(), ema=0.9)
    first = next(model.network.parameters())
    expected = None
    for step in range(4):
        with torch.no_grad():
            first += step + 1
        model.update_average()
        expected = first.clone() if expected is None else 0.9 * expected + 0.1 * first
    assert torch.allclose(next(model.evaluated.parameters()), expected)
    assert model.evaluated is not model.network


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="model.channel=lab: choose rgb or y"):
        regression(compact(), channel="lab")
    with pytest.raises(ValueError, match="Compact has nothing to train"):
        regression(compact().requires_grad_(False)).configure_optimizers()
