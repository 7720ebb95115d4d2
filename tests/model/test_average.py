"""The average of weights: what is averaged, what is copied, and when."""

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from sr import build
from sr.model.average import Average
from tests.gpu.test_synchronised import Reads
from tests.jobs import ONE_PHOTO, SMALL, compose
from tests.model.gan_job import fit
from tests.network.small import PARAMS, scale_of, shrunk
from tests.network.small import build as of_yaml


def network(name: str) -> nn.Module:
    return of_yaml(name, scale_of(name, 4 if name == "swinir_large" else 2), **shrunk(name, narrow=True)).train()


def whole_numbers(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer for name, buffer in module.named_buffers() if not buffer.is_floating_point()}


@pytest.mark.parametrize("name", PARAMS)
def test_the_average_of_unchanged_weights_is_the_network(name):
    """Every network of conf/network: a copy, three updates, and each tensor is the network's, bit by bit."""
    followed = network(name)
    average = Average(followed, 0.95)
    for _ in range(3):
        average.update_parameters(followed)
    ours, theirs = average.module.state_dict(), followed.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert int(average.n_averaged) == 3


def test_networks_with_whole_numbers_are_among_those():
    """So the test above is about something."""
    assert sum(bool(whole_numbers(network(name))) for name in ("swinir", "dat_light", "srresnet", "omnisr")) == 4


def test_weights_and_statistics_are_averaged_counters_and_infinities_are_copied():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    layers.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    average, weight, mean = Average(layers, 0.75), None, None
    for step in range(4):
        with torch.no_grad():
            layers[0].weight += step
        layers(torch.rand(2, 3, 8, 8))
        average.update_parameters(layers)
        now = layers[0].weight.detach(), layers[1].running_mean
        weight = now[0].clone() if weight is None else 0.75 * weight + 0.25 * now[0]
        mean = now[1].clone() if mean is None else 0.75 * mean + 0.25 * now[1]
    torch.testing.assert_close(average.module[0].weight, weight)
    torch.testing.assert_close(average.module[1].running_mean, mean)
    assert int(average.module[1].num_batches_tracked) == 4
    assert torch.equal(average.module.mask, layers.mask)


@pytest.mark.parametrize("decay", [1.0, -0.5, 2])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(ValueError, match=f"^model.ema={decay}: must be between 0 and 1"):
        Average(nn.Conv2d(3, 3, 1), decay)


def test_whether_a_step_overflowed_is_not_read_from_the_device():
    layers, steps = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), []
    average, yes, no = Average(layers, 0.5), torch.ones(()), torch.zeros(())
    average.update_parameters(layers, yes)
    assert int(average.n_averaged) == 0
    average.update_parameters(layers, no)
    with Reads() as reads:
        for overflow in (yes, no, None):
            with torch.no_grad():
                layers[0].weight += 1
            layers(torch.rand(2, 3, 8, 8))
            average.update_parameters(layers, overflow)
            steps.append({name: value.clone() for name, value in average.state_dict().items()})
    assert reads.count == 0
    assert [int(step["n_averaged"]) for step in steps] == [1, 2, 3]
    moved = [step["module.0.weight"] - (layers[0].weight - 3) for step in steps]
    torch.testing.assert_close(torch.stack([one.mean() for one in moved]), torch.tensor([0.0, 1.0, 2.0]))
    assert [int(step["module.1.num_batches_tracked"]) for step in steps] == [0, 2, 3]


class Scaled(pl.Callback):
    """The GradScaler that 16-mixed has on a GPU, whose second step overflows; what the average was after each step."""

    def __init__(self):
        self.scaler, self.averages, self.weights = torch.amp.GradScaler("cpu", init_scale=1.0, growth_interval=1000), [], []

    def on_fit_start(self, trainer, pl_module):
        trainer.precision_plugin.scaler = self.scaler

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 1:
            self.scaler.update(2.0**127)
        elif trainer.global_step == 2:
            self.scaler.update(1.0)

    def on_train_batch_end(self, trainer, pl_module, *_):
        copies = ({k: v.clone() for k, v in part.state_dict().items()} for part in (pl_module.average, pl_module.network))
        average, weights = copies
        self.averages.append(average)
        self.weights.append(weights)


def equal(ours: dict, theirs: dict) -> bool:
    return all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.medium
@pytest.mark.parametrize("kernel", ["fused", "plain"])
@pytest.mark.parametrize("kind", ["regression", "gan"])
def test_a_step_that_overflowed_is_not_averaged(tmp_path, kind, kernel):
    """Lightning gives the CPU no scaler, so bf16-mixed gets a real one; a fused kernel leaves out the step by itself."""
    watch, words = Scaled(), [] if kernel == "fused" else ["+optimizer.foreach=false"]
    words += ["model.ema=0.5", "trainer.precision=bf16-mixed", "trainer.max_steps=3"]
    if kind == "gan":
        fit(tmp_path / "run", *words, "loss.l1.weight=1e3", watch=watch)
    else:
        short = [*SMALL, *ONE_PHOTO, *words, "loss.l1.weight=1e3", "trainer.gradient_clip_val=null", "callback=[checkpoint]"]
        cfg = compose("train", *short, "logger=none", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")
        build.seed(cfg)
        data, module = build.data(cfg), build.model(cfg)
        trainer = build.trainer(cfg, module)
        trainer.callbacks.append(watch)
        build.fit(trainer, module, data)
    first, second, third = watch.averages
    assert equal(watch.weights[0], watch.weights[1]) and not equal(watch.weights[1], watch.weights[2])
    assert equal(first, second) and int(first["n_averaged"]) == 1
    assert int(third["n_averaged"]) == 2 and not equal(second, third)


@pytest.mark.medium
@pytest.mark.parametrize("model", ["regression", "gan"])
def test_losses_that_look_at_the_average_move_none_of_its_statistics(tmp_path, model):
    """LDL on SRResNet, which has batch norm: after two steps the statistics are the mean of the network's two."""
    seen = []

    class Statistics(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, *_):
            norms = [part for part in pl_module.network.modules() if isinstance(part, nn.BatchNorm2d)]
            seen.append(norms[0].running_mean.clone())
            modes = [part.training for part in (pl_module.network, pl_module.average.module, pl_module.loss, pl_module.metric)]
            assert modes == [True, False, False, False]

    words = ["model=srresnet", "network.n_feats=8", "network.n_blocks=1", "model.ema=0.75", "loss=[l1,ldl]"]
    if model == "gan":
        words += ["model=srgan", "discriminator=patch", "discriminator.n_layers=1"]
    common = ["data.batch_size=2", "data.patch_size=8", "data.n_workers=0", "trainer.accelerator=cpu", "logger=none"]
    common += ["trainer.precision=32-true", "trainer.max_steps=2", "trainer.val_check_interval=1", *ONE_PHOTO]
    cfg = compose("train", *words, *common, "callback=[checkpoint]", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")
    build.seed(cfg)
    data, module = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, module)
    trainer.callbacks.insert(0, Statistics())
    build.fit(trainer, module, data)
    (ours,) = [part for part in module.average.module.modules() if isinstance(part, nn.BatchNorm2d)][:1]
    assert not torch.equal(*seen)
    torch.testing.assert_close(ours.running_mean, 0.75 * seen[0] + 0.25 * seen[1])
