"""Unpaired training end to end on two small sets of real photos: reproducible, counted once, and equal to a bare loop."""

import copy

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from sr import build
from sr.degradation.chain import quantise
from sr.errors import InputError
from sr.weights import checkpoint
from tests.jobs import call, compose
from tests.model.gan_job import distance, trained
from tests.unpaired import TINY, config, fit, write_sets

MODELS = ("degradation_gan", "cyclegan_sr")


class Notes(pl.Callback):
    """The weights of each part after every batch, what the step said, and the batches."""

    def __init__(self):
        self.weights, self.parts, self.batches = [], [], []

    def on_train_start(self, trainer, module):
        self.weights.append(copy.deepcopy(module.state_dict()))

    def on_train_batch_end(self, trainer, module, outputs, batch, *_):
        self.weights.append(copy.deepcopy(module.state_dict()))
        self.parts.append(outputs["parts"])
        self.batches.append(batch)

    def changed(self, part):
        """Whether each step changed the part."""
        pairs = zip(self.weights, self.weights[1:], strict=False)
        return [any(not torch.equal(a[key], b[key]) for key in a if key.startswith(f"{part}.")) for a, b in pairs]


@pytest.mark.medium
@pytest.mark.parametrize("model", MODELS)
def test_resume_is_exact_and_iterations_are_counted_once(tmp_path, model):
    """3 steps and 3 more are 6, bit for bit: networks, average, optimizers, schedules, and what callbacks count."""
    words = ("model.ema=0.9", "trainer.accumulate_grad_batches=2", "callback=[checkpoint,unpaired,log]")
    words += ("trainer.log_every_n_steps=4", "schedule=multistep", "++schedule.milestones=[2,5]", "++schedule.gamma=0.5")
    trainer, module = fit(model, tmp_path, "whole", *words)
    fit(model, tmp_path, "half", *words, "trainer.max_steps=3")
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    fit(model, tmp_path, "rest", *words, "seed=0", resume=last)
    whole, rest = (checkpoint.read(tmp_path / run / "checkpoints" / "last.ckpt") for run in ("whole", "rest"))
    assert whole["global_step"] == rest["global_step"] == trainer.global_step == 6
    parts = {"network", "average", "degrader", "discriminator"} | ({"hr_discriminator"} if model == "cyclegan_sr" else set())
    assert {key.split(".")[0] for key in whole["state_dict"]} == parts
    assert all(torch.equal(value, rest["state_dict"][key]) for key, value in whole["state_dict"].items())
    assert (
        len(whole["optimizer_states"]) == len(whole["lr_schedulers"]) == 3 and whole["lr_schedulers"] == rest["lr_schedulers"]
    )
    for ours, theirs in zip(rest["optimizer_states"], whole["optimizer_states"], strict=True):
        for key, state in theirs["state"].items():
            assert state["step"] == 6 and all(torch.equal(ours["state"][key][name], value) for name, value in state.items())
    assert whole["callbacks"]["Unpaired"]["count"] == 4 and whole["callbacks"] == rest["callbacks"] | {
        name: whole["callbacks"][name] for name in whole["callbacks"] if name not in ("Log", "Unpaired")
    }
    first = checkpoint.read(last)["state_dict"]
    assert not all(torch.equal(value, first[key]) for key, value in whole["state_dict"].items())


@pytest.mark.medium
def test_a_step_of_the_cycle_equals_a_bare_loop(tmp_path):
    """Two steps of all four networks, written down once more in plain PyTorch from what the docstring says."""
    notes = Notes()
    words = ("scale=2", "trainer.max_steps=2", "model.low_pass=3", "adversarial.weight=0.7", "optimizer.lr=1e-3")
    words += (
        "discriminator.norm=none",
    )  # the gradient of a bias before a normalisation is rounding noise, which Adam enlarges
    fit("cyclegan_sr", tmp_path, "run", *words, watch=notes)
    cfg = config("cyclegan_sr", tmp_path, *words, f"output_dir={tmp_path}/bare")
    build.seed(cfg)
    bare = build.model(cfg)
    bare.load_state_dict(notes.weights[0], strict=False)
    g, f, low, high = bare.network, bare.degrader, bare.discriminator, bare.hr_discriminator
    options = {"lr": 1e-3, "betas": (0.5, 0.999)}
    makers = (g.parameters(), f.parameters(), [*low.parameters(), *high.parameters()])
    optimizers = [torch.optim.Adam(parameters, **options) for parameters in makers]
    drawn = noises(tmp_path, *words)

    def detail(image, side):
        return 8 * (image[..., side // 2 : -(side // 2), side // 2 : -(side // 2)] - F.avg_pool2d(image, side, 1))

    for step, batch in enumerate(notes.batches):
        z, c, x = batch["hr"], batch["lr"], batch["unpaired_lr"]
        one, two = drawn[step]
        fake = f(z, one)
        rounded = fake + (quantise(fake.detach()) - fake.detach())
        sr = g(x)
        loss = 10 * (g(rounded) - z).abs().mean() + 10 * (f(sr, two) - x).abs().mean() + 5 * (g(c) - z).abs().mean()
        loss = loss + (F.avg_pool2d(fake, 3, 1) - F.avg_pool2d(c, 3, 1)).abs().mean()
        loss = loss + 0.7 * ((low(detail(fake, 3)) - 1) ** 2).mean() / 2 + 0.7 * ((high(detail(sr, 7)) - 1) ** 2).mean() / 2
        gradients = torch.autograd.grad(loss, [*g.parameters(), *f.parameters()])
        judged = sum(
            ((one(detail(real, side)) - 1) ** 2).mean() / 2 + (one(detail(made.detach(), side)) ** 2).mean() / 2
            for one, real, made, side in ((low, x, fake, 3), (high, z, sr, 7))
        )
        for optimizer in optimizers:
            optimizer.zero_grad()
        judged.backward()
        for parameter, gradient in zip([*g.parameters(), *f.parameters()], gradients, strict=True):
            parameter.grad = gradient
        for optimizer in optimizers:
            optimizer.step()
        for part, module in (("network", g), ("degrader", f), ("discriminator", low), ("hr_discriminator", high)):
            for name, value in module.state_dict().items():
                torch.testing.assert_close(value, notes.weights[step + 1][f"{part}.{name}"], atol=2e-5, rtol=1e-4)


def noises(folder, *words):
    """The degrader's noise of two steps: for the degraded HR, and for the degraded SR."""
    from sr.functional.draws import Draws

    made = []
    for step in range(2):
        pair = []
        for stream in ("degrader", "degrader/cycle"):
            seeds = Draws(0, 4 * step, 4, stream).seeds().tolist()
            generators = [torch.Generator().manual_seed(seed) for seed in seeds]
            pair.append(torch.stack([torch.randn(1, 40, 40, generator=one) for one in generators]))
        made.append(pair)
    return made


@pytest.mark.medium
def test_who_learns_when_and_the_second_stage(tmp_path):
    """The network from the third step, the degrader until the fourth; then another run starts from the degrader."""
    notes = Notes()
    words = ("model.network_from=2", "model.degrader_until=4", "model.ema=0.9")
    fit("degradation_gan", tmp_path, "first", *words, watch=notes)
    assert notes.changed("network") == [False, False, True, True, True, True]
    assert notes.changed("average") == [False, False, True, True, True, True]
    assert notes.changed("degrader") == notes.changed("discriminator") == [True, True, True, True, False, False]
    assert ["l1" in parts for parts in notes.parts] == [False, False, True, True, True, True]
    assert ["content" in parts for parts in notes.parts] == [True] * 4 + [False] * 2
    again = Notes()
    start = ("model.degrader_until=0", f"init_from={tmp_path}/first/checkpoints/last.ckpt", "trainer.max_steps=2")
    fit("degradation_gan", tmp_path, "second", *start, watch=again)
    learned = {key: value for key, value in notes.weights[-1].items() if key.startswith("degrader.")}
    assert learned and all(torch.equal(value, again.weights[-1][key]) for key, value in learned.items())
    assert again.changed("network") == [True, True] and again.changed("discriminator") == [False, False]


@pytest.mark.slow
def test_the_blur_of_a_set_is_found(tmp_path):
    """LR are photos blurred by a Gaussian of 1.5 pixels, HR others: the kernel's width comes nearer from either side."""
    for kind, names in (("hr", ("astronaut", "coffee")), ("lr", ("chelsea", "retina"))):
        (tmp_path / kind).mkdir()
        for name in names if kind == "hr" else ("astronaut", "coffee"):
            pixels = getattr(data, name)().astype(float)
            half = pixels.shape[1] // 2
            pixels = pixels[:, :half] if kind == "hr" else gaussian_filter(pixels[:, half:], (1.5, 1.5, 0))
            Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(tmp_path / kind / f"{name}.png")
    for sigma in (0.8, 2.2):
        words = ("degrader=kernel", f"degrader.sigma={sigma}", "degrader.noise=0", "model.content=0.0")
        words += ("model.low_pass=9", "model.network_from=150", "trainer.max_steps=150", "trainer.limit_val_batches=0")
        words += ("degrader_optimizer.lr=1e-2", "discriminator_optimizer.lr=1e-3", "discriminator.n_feats=16")
        words += ("data.patch_size=40", "data.batch_size=8", "scale=1", "trainer.limit_test_batches=0")
        small = [word for word in TINY if not word.startswith(("degrader", "discriminator", "data.patch", "data.batch"))]
        sets = (f"data.train={tmp_path}/hr", f"data.lr={tmp_path}/lr", f"data_dir={tmp_path}/data")
        cfg = compose("train", "model=degradation_gan", *small, *sets, *words, f"output_dir={tmp_path}/{sigma}")
        _, module = trained(cfg)
        kernel = module.degrader.kernel().detach().double().numpy()
        places = np.arange(13) - 6
        width = np.sqrt((kernel * places**2).sum().clip(0))
        assert abs(width - 1.5) < 0.6 * abs(sigma - 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_two_processes_train_as_one(tmp_path, model):
    """DDP over gloo: after 6 iterations of the same global batch the weights agree."""
    sets = write_sets(tmp_path)
    small = (*TINY, "hr_discriminator.n_feats=4") if model == "cyclegan_sr" else TINY
    for devices in (1, 2):
        job = [f"model={model}", *small, *sets, f"trainer.devices={devices}", f"output_dir={tmp_path}/{devices}"]
        done = call("train.py", *job, cwd=tmp_path, timeout=280)
        assert done.returncode == 0, done.stderr
    one, two = (checkpoint.read(tmp_path / run / "checkpoints" / "last.ckpt") for run in ("1", "2"))
    assert one["global_step"] == two["global_step"] == 6
    for part in ("network.", "degrader.", "discriminator."):
        ours, theirs = (
            {key: w for key, w in file["state_dict"].items() if key.startswith(part) and w.is_floating_point()}
            for file in (one, two)
        )
        assert distance(theirs, ours) < 1e-4


def test_bad_input_is_one_line(tmp_path):
    def refused(line, *words, model="degradation_gan"):
        with pytest.raises(Exception, match=line) as error:
            build.model(config(model, tmp_path, *words))
        assert "InputError" in f"{type(error.value)}{error.value}"

    refused("low_pass=4: pass an odd number", "model.low_pass=4")
    refused("network_from=5 is after model.degrader_until=2", "model.network_from=5", "model.degrader_until=2")
    refused("pretrain_steps=3: DegradationGAN has only pretrain_steps=0", "model.pretrain_steps=3")
    refused("network_from=1: CycleGANSR has only network_from=0", "model.network_from=1", model="cyclegan_sr")
    refused("model.cycle=-1.0", "model.cycle=-1.0", model="cyclegan_sr")
    with pytest.raises(InputError, match="learns from LR that belongs to no HR: pass data=unpaired"):
        fit("degradation_gan", tmp_path, "paired", "data=folder", "data.lr=null")
    with pytest.raises(InputError, match="model.low_pass=21 leaves nothing of patches of data.patch_size=20"):
        fit("degradation_gan", tmp_path, "small", "model.low_pass=21")
    with pytest.raises(InputError, match="degrader.scale=1, but the run has scale=2"):
        fit("degradation_gan", tmp_path, "other", "degrader.scale=1", "scale=2")
