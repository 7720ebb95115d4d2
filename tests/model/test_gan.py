"""Adversarial training end to end on real photographs, with tiny networks."""

import warnings
from copy import deepcopy

import pytest
import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException

from sr import build
from sr.cli import explain
from sr.weights import checkpoint
from tests.jobs import call, compose
from tests.model.gan_job import TINY, distance, fit


class Weights(pl.Callback):
    """Both networks after every batch, and what the step said."""

    def __init__(self):
        self.network, self.discriminator, self.parts = [], [], []

    def on_train_start(self, trainer, pl_module):
        self.on_train_batch_end(trainer, pl_module, {"parts": {}})

    def on_train_batch_end(self, trainer, pl_module, outputs, *_):
        self.network.append(deepcopy(pl_module.network.state_dict()))
        parameters = pl_module.discriminator.named_parameters()  # not its buffers, which every pass changes
        self.discriminator.append({name: parameter.detach().clone() for name, parameter in parameters})
        self.parts.append({name: float(value) for name, value in outputs["parts"].items()})


def same(ours, theirs):
    return all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_discriminator_and_vgg_have_the_layout_of_the_images():
    module = build.model(compose("train", "model=esrgan", *TINY))
    batch = torch.rand(1, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    for part in (module.discriminator, module.loss.losses["perceptual"].vgg):
        weights = [weight for weight in part.parameters() if weight.ndim == 4]
        assert weights and all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    features = module.loss.losses["perceptual"].vgg(batch)
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in features.values())


RESUMED = {
    "ragan": ["model.ema=0.9"],
    "bf16": ["trainer.precision=bf16-mixed", "trainer.accumulate_grad_batches=2"],
    "batch norm": ["discriminator=vgg", "data.patch_size=8", "schedule.milestones=[2,4]"],
    "drawn mix": ["adversarial=wgan_gp", "model.n_discriminator_steps=2", "adversarial.r1=1"],
}


@pytest.mark.medium
@pytest.mark.parametrize(
    "options",
    [pytest.param(words, id=name, marks=pytest.mark.slow if name != "drawn mix" else ()) for name, words in RESUMED.items()],
)
def test_resume_is_exact(tmp_path, options):
    """3 steps and 3 more are 6, bit by bit: networks, average, optimizers, schedules."""
    fit(tmp_path / "whole", *options)
    fit(tmp_path / "half", *options, "trainer.max_steps=3")
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    first = checkpoint.read(last)
    fit(tmp_path / "rest", *options, "seed=0", resume=last)
    whole, rest = (checkpoint.read(tmp_path / run / "checkpoints" / "last.ckpt") for run in ("whole", "rest"))
    assert (first["global_step"], whole["global_step"], rest["global_step"]) == (3, 6, 6)
    assert {key.split(".")[0] for key in whole["state_dict"]} == {"network", "average", "discriminator"}
    assert not same(first["state_dict"], whole["state_dict"])
    assert same(rest["state_dict"], whole["state_dict"])
    assert whole["lr_schedulers"] == rest["lr_schedulers"] and len(whole["lr_schedulers"]) == 2
    for ours, theirs in zip(rest["optimizer_states"], whole["optimizer_states"], strict=True):
        assert ours["param_groups"] == theirs["param_groups"]
        for key, state in theirs["state"].items():
            assert same(ours["state"][key], state)


@pytest.mark.slow
def test_logs_of_bfloat16_are_exact_over_a_resume(tmp_path):
    """What the discriminator says comes in bfloat16, in which a sum of many would stand still."""
    words = ["callback=[checkpoint,log]", "trainer.precision=bf16-mixed", "trainer.log_every_n_steps=7"]
    fit(tmp_path / "whole", *words)
    fit(tmp_path / "half", *words, "trainer.max_steps=3")
    fit(tmp_path / "rest", *words, resume=tmp_path / "half" / "checkpoints" / "last.ckpt")
    whole, rest = (
        checkpoint.read(tmp_path / run / "checkpoints" / "last.ckpt")["callbacks"]["Log"] for run in ("whole", "rest")
    )
    assert whole["counts"]["d_real"] == 6 and whole == rest


@pytest.mark.medium
def test_iterations_are_counted_once(tmp_path):
    weights = Weights()
    trainer, module = fit(tmp_path, watch=weights)
    assert trainer.global_step == 6 and len(weights.parts) == 7
    assert [schedule.last_epoch for schedule in module.lr_schedulers()] == [6, 6]
    for optimizer in module.optimizers():
        assert all(state["step"] == 6 for state in optimizer.optimizer.state.values())
    for before, after in zip(weights.network, weights.network[1:], strict=False):
        assert not same(before, after)
    names = {"l1", "perceptual", "adversarial", "discriminator", "d_real", "d_fake", "accuracy_real", "accuracy_fake"}
    assert all(0 <= parts[name] <= 1 for parts in weights.parts[1:] for name in ("accuracy_real", "accuracy_fake"))
    assert weights.parts[-1].keys() == names | {"gradient_norm", "discriminator_gradient_norm"}


def test_who_steps_when(tmp_path):
    """2 iterations of the network alone; then the discriminator in each, the network in every second; loss from the 5th."""
    weights = Weights()
    options = ["model.pretrain_steps=2", "model.n_discriminator_steps=2", "model.adversarial_from=4"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer, _ = fit(tmp_path, *options, watch=weights)
    assert trainer.global_step == 6
    changed = [[not same(a, b) for a, b in zip(w, w[1:], strict=False)] for w in (weights.network, weights.discriminator)]
    assert changed == [[True, True, False, True, False, True], [False, False, True, True, True, True]]
    assert ["adversarial" in parts for parts in weights.parts[1:]] == [False] * 5 + [True]  # the network rests in the 5th
    assert ["l1" in parts for parts in weights.parts[1:]] == [True, True, False, True, False, True]
    assert ["d_real" in parts for parts in weights.parts[1:]] == [False] * 2 + [True] * 4


def test_only_the_network_is_averaged(tmp_path):
    weights = Weights()
    _, module = fit(tmp_path, "model.ema=0.5", "trainer.max_steps=3", watch=weights)
    first, second, third = (w["conv_last.weight"] for w in weights.network[1:])
    torch.testing.assert_close(module.average.module.conv_last.weight.data, (first + second) / 4 + third / 2)
    assert module.average.module.state_dict().keys() == module.network.state_dict().keys()
    assert module.evaluated is module.average.module


@pytest.mark.medium
def test_accumulated_batches_are_one_larger_batch(tmp_path):
    """Without batch or spectral norm, which count passes, and without relativistic means, which are each batch's own."""
    plain = ["discriminator=patch", "discriminator.norm=none", "discriminator.n_layers=2", "adversarial=vanilla"]
    _, one = fit(tmp_path / "one", *plain)
    trainer, two = fit(tmp_path / "two", *plain, "trainer.accumulate_grad_batches=2")
    assert trainer.global_step == 6
    for part in ("network", "discriminator"):
        assert distance(getattr(two, part).state_dict(), getattr(one, part).state_dict()) < 1e-5


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_gradients_of_both_are_clipped(tmp_path, algorithm):
    """By SGD with rate 1 the step is the clipped gradient."""
    weights = Weights()
    plain = ["optimizer=sgd", "optimizer@discriminator_optimizer=sgd"]
    plain += ["optimizer.momentum=0", "discriminator_optimizer.momentum=0"]
    rates = ["optimizer.lr=1", "discriminator_optimizer.lr=1", "trainer.max_steps=1", "adversarial.weight=1"]
    clip = ["trainer.gradient_clip_val=1e-3", f"trainer.gradient_clip_algorithm={algorithm}"]
    fit(tmp_path, *plain, *rates, *clip, watch=weights)
    for before, after in (weights.network[:2], weights.discriminator[:2]):
        step = torch.cat([(after[key] - before[key]).flatten() for key in after])
        size = step.norm() if algorithm == "norm" else step.abs().max()
        assert size == pytest.approx(1e-3, rel=0.02)
    assert weights.parts[1]["gradient_norm"] > 0.1


class Scaler(Weights):
    """The GradScaler that 16-mixed has on a GPU; Lightning gives none to the CPU."""

    def __init__(self, scale):
        super().__init__()
        self.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1)

    def on_fit_start(self, trainer, pl_module):
        trainer.precision_plugin.scaler = self.scaler


@pytest.mark.slow
def test_scaled_gradients_give_the_same_steps(tmp_path):
    """A scale is a power of two, here a new one in each iteration: bit by bit the run without, clipped norms included."""
    options = ["trainer.precision=bf16-mixed", "trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.1"]
    scaled, plain = Scaler(2.0**16), Weights()
    fit(tmp_path / "scaled", *options, watch=scaled)
    fit(tmp_path / "plain", *options, watch=plain)
    assert scaled.scaler.get_scale() == 2.0**22
    assert scaled.parts == plain.parts
    assert same(scaled.network[-1], plain.network[-1]) and same(scaled.discriminator[-1], plain.discriminator[-1])


def test_an_overflow_skips_both_steps_and_halves_the_scale(tmp_path):
    overflow = Scaler(2.0**127)
    trainer, _ = fit(tmp_path, "trainer.precision=bf16-mixed", "trainer.max_steps=1", "loss.l1.weight=1e3", watch=overflow)
    assert trainer.global_step == 1 and overflow.scaler.get_scale() == 2.0**126
    assert same(*overflow.network)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["discriminator=vgg", "data.patch_size=9"], "scale=4 times data.patch_size=9 must be a multiple of 32"),
        (["discriminator=patch", "data.patch_size=4"], "at least 24x24 pixels, not 16x16"),
        (["data.patch_size=5"], "multiples of 8, not 20x20"),
    ],
)
def test_a_discriminator_that_cannot_take_the_patch_says_so_before_training(tmp_path, options, says):
    weights = Weights()
    with pytest.raises((ValueError, InstantiationException), match=says) as error:
        fit(tmp_path, *options, "model.pretrain_steps=5", watch=weights)
    line = explain(error.value, "train")
    assert says in line and "\n" not in line and not weights.parts


def test_an_infinite_loss_stops_the_run(tmp_path):
    with pytest.raises(FloatingPointError, match="NaN or infinite at step"):
        fit(tmp_path, "callback=[checkpoint,finite]", "trainer.precision=bf16-mixed", "loss.l1.weight=1e39")


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_16_bit_on_a_cpu_is_refused_in_one_line(tmp_path, accelerator):
    if accelerator == "auto" and torch.accelerator.is_available():
        pytest.skip("auto is an accelerator here, and that has 16 bit")
    with pytest.raises(ValueError, match="^trainer.precision=16-mixed needs a GPU: .*bf16-mixed, or auto$"):
        fit(tmp_path, "trainer.precision=16-mixed", f"trainer.accelerator={accelerator}")


@pytest.mark.medium
def test_a_recipe_keeps_its_words_when_losses_change(tmp_path):
    """`loss=[perceptual]`: the recipe's weight of the L1 that is gone does no harm."""
    weights = Weights()
    fit(tmp_path, "loss=[perceptual]", "trainer.max_steps=1", watch=weights)
    assert "l1" not in weights.parts[1] and "perceptual" in weights.parts[1]


@pytest.mark.slow
def test_real_features_of_real_images_come_nearer(tmp_path, sr_data):
    """100 iterations on photos with the features of the real VGG-19 and with LDL, which looks at the average."""
    weights = Weights()
    vgg = [f"loss.perceptual.weights={sr_data}/weights/vgg19_conv1_1_to_conv3_4.pth", "+loss.perceptual.layers.conv3_4=1"]
    steps = ["trainer.max_steps=100", "trainer.val_check_interval=100", "loss.perceptual.weight=0.01", "loss.l1.weight=1"]
    photos = ["data=folder", f"data.train={sr_data}/benchmark/Set14/HR", "loss=[l1,perceptual,ldl]"]
    fit(tmp_path, *vgg, *steps, *photos, "optimizer.lr=3e-3", watch=weights)
    for name in ("l1", "perceptual", "ldl"):
        first, last = (sum(parts[name] for parts in part) for part in (weights.parts[1:11], weights.parts[-10:]))
        assert last < 0.8 * first, name


def test_a_first_stage_of_another_kind_is_refused_in_one_line(tmp_path):
    fit(tmp_path / "first", "network.n_feats=16", "trainer.max_steps=1")
    file = tmp_path / "first" / "checkpoints" / "last.ckpt"
    with pytest.raises(
        ValueError, match=r"last.ckpt: it does not fit this network \(\d% of its values\): does not fit RRDB: .*, expected"
    ) as error:
        fit(tmp_path / "second", f"init_from={file}")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_both_stages_in_one_command(tmp_path):
    """The second starts from the best weights of the first; each has its folder."""
    words = [word for word in TINY if not word.startswith(("discriminator", "loss.perceptual.layers", "+", "callback"))]
    words = [f"++{word}" if word.startswith("loss") else word for word in words]
    stage = ["experiment=esrgan_stages", "trainer.limit_test_batches=1", "++discriminator_optimizer.lr=1e-4"]
    done = call("train.py", *words, *stage, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = (checkpoint.read(tmp_path / "run" / name / "checkpoints" / "best.ckpt") for name in ("rrdb", "esrgan"))
    assert "discriminator.linear1.weight" in second["state_dict"]
    ours, theirs = (checkpoint.weights(file) for file in (second, first))
    assert 0 < distance(ours, theirs) < 0.2  # near its start; two draws of the weights are 1.4 apart


@pytest.mark.slow
@pytest.mark.parametrize("adversarial", ["ragan", "wgan_gp"])
def test_two_processes_train_as_one(tmp_path, adversarial):
    """DDP over gloo: after 10 iterations of the same global batch the weights agree to 1e-5.

    A relativistic criterion sees differences of logits alone: the gradient of the last bias is rounding noise, of which
    Adam makes steps as long as any.
    """
    words = [word for word in TINY if not word.startswith("trainer.max_steps")]
    for devices in (1, 2):
        job = ["model=esrgan", *words, f"adversarial={adversarial}", "trainer.max_steps=10", f"trainer.devices={devices}"]
        done = call("train.py", *job, f"output_dir={tmp_path}/{devices}", f"data_dir={tmp_path}/data", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    one, two = (checkpoint.read(tmp_path / run / "checkpoints" / "last.ckpt") for run in ("1", "2"))
    assert one["global_step"] == two["global_step"] == 10
    noise = "discriminator.conv9.bias" if adversarial == "ragan" else ""
    files = (one["state_dict"], two["state_dict"])
    floats = [{key: w for key, w in state.items() if w.is_floating_point() and key != noise} for state in files]
    for part in ("network.", "discriminator.", "average."):
        ours, theirs = ({key: w for key, w in weights.items() if key.startswith(part)} for weights in floats)
        assert distance(theirs, ours) < 1e-5
