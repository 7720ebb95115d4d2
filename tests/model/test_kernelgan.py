"""KernelGAN: equal to its authors' code, reproducible, resumed bit for bit; and it finds a kernel."""

import json
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image

from sr import build
from sr.data.source.sample import Sample
from sr.data.stream import Stream
from sr.errors import InputError, MissingError
from sr.functional import kernels
from sr.functional.given_kernel import aligned
from sr.functional.gradient_map import crop_probabilities, gradient_map
from sr.functional.kernel_estimate import kernel_psnr, significant, twice
from sr.functional.resize import imresize
from sr.model.kernel_constraints import KernelConstraints
from sr.network.deep_linear import DeepLinear
from tests.jobs import compose
from tests.model import kernelgan_theirs as theirs

THEIRS = json.loads((Path(__file__).parent / "kernelgan_theirs.json").read_text())
PHOTO = (slice(100, 240), slice(150, 310))
WORDS = ("experiment=kernelgan", "trainer.accelerator=cpu", "logger=none", "callback=[checkpoint,kernel,finite]")


def same(values: object, name: str, **tolerance: float) -> None:
    np.testing.assert_allclose(theirs.shown(values), THEIRS[name], **{"rtol": 1e-5, "atol": 1e-9, **tolerance})


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A file with a piece of a photo, 160x140 pixels."""
    file = tmp_path_factory.mktemp("photo") / "photo.png"
    pixels = np.asarray(Image.open(Sample(held_out=True).files()[1][0]))
    Image.fromarray(pixels[PHOTO]).save(file)
    return file


def test_what_is_done_to_a_kernel_equals_theirs():
    kernel = theirs.kernel()
    same(significant(kernel, 40), "significant")
    same(aligned(significant(kernel, 40), 2), "centred")
    same(twice(kernel), "twice")


def test_constraints_equal_theirs():
    losses = KernelConstraints(2, 13)(torch.from_numpy(theirs.kernel()).float())
    same([losses[name].item() for name in ("total", "boundary", "centre", "sparse")], "losses", atol=1e-7)


def test_crops_are_drawn_where_theirs_are():
    image = theirs.picture(90, 100)
    small = imresize(torch.from_numpy(image).permute(2, 0, 1)[None], 0.5)[0].permute(1, 2, 0).numpy()
    same(gradient_map(image), "gradient map")
    same(crop_probabilities(gradient_map(image), 26), "real")
    same(crop_probabilities(gradient_map(small).repeat(2, 0).repeat(2, 1), 64), "hr", rtol=1e-4)


class Crops(Stream):
    """Always the crops that their code got."""

    def __init__(self, plan):
        self.plan = plan

    def batch(self, index):
        return dict(zip(("hr", "real"), theirs.crops(), strict=True))


class Notes(pl.Callback):
    """The kernel after each step, and the weights of its constraints."""

    def __init__(self):
        self.kernels, self.weights = [], []

    def on_train_batch_end(self, trainer, module, *_):
        self.kernels.append(module.network.kernel().detach().numpy())
        late = module.constraints.late.item()
        self.weights.append([5 * module.constraints.factor.item(), 1.0 * late, 5.0 * late])


@pytest.mark.medium
def test_training_equals_theirs(photo, tmp_path, monkeypatch):
    """Eight steps from the same weights on the same crops, without noise: both networks, optimizers and all constraints."""
    words = (f"data.train={photo}", f"trainer.max_steps={theirs.STEPS}", "schedule.milestones=[6]", f"output_dir={tmp_path}")
    cfg = compose("train", *WORDS, "callback=[]", "++model.constraints.near=1e9", "++model.constraints.every=1", *words)
    model = build.model(cfg)
    theirs.fill(theirs.parts(model.network), positive=True)
    theirs.fill(theirs.parts(model.discriminator))
    data, trainer, notes = build.data(cfg), build.trainer(cfg, model), Notes()
    data.patches, data.finish = Crops, lambda batch, wanted: batch
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    trainer.callbacks.append(notes)
    build.fit(trainer, model, data)
    for step, (kernel, weights) in enumerate(zip(notes.kernels, notes.weights, strict=True)):
        same(kernel, f"kernel {step}", rtol=0, atol=2e-5 if step < 3 else 1e-3)  # Adam's first steps amplify rounding
        same(weights, f"weights {step}")


def test_the_layers_are_one_convolution():
    network, image = DeepLinear(n_feats=8), torch.rand(2, 3, 31, 40, generator=torch.Generator().manual_seed(0))
    one_by_one = network.layers(image.reshape(6, 1, 31, 40))[..., ::2, ::2].reshape(2, 3, 10, 14)
    ours = network.downscaled(image, network.kernel())
    torch.testing.assert_close(ours, one_by_one, rtol=1e-4, atol=1e-12)


def test_lr_of_an_aligned_kernel_lies_on_hr():
    """Of a smooth wave, LR is the wave at the centres of its cells."""
    kernel = aligned(kernels.gaussian(13, 1.5, 0.8, 0.6), 2)
    x = np.arange(64)
    wave = torch.from_numpy(np.sin(x / 9)[None] * np.ones((64, 1)))[None, None]
    middle = len(kernel) // 2
    lr = torch.nn.functional.conv2d(wave, torch.from_numpy(kernel)[None, None], stride=2)[0, 0, 0]
    centres = 2 * np.arange(len(lr)) + middle + 0.5
    wanted = np.sin(centres / 9)
    np.testing.assert_allclose(lr / (lr @ torch.from_numpy(wanted) / (wanted @ wanted)), wanted, atol=5e-3)


def test_kernel_psnr_by_hand():
    one, other = np.zeros((3, 3)), np.zeros((5, 5))
    one[1, 1], other[2, 1] = 1, 2  # of sum 1 each, one pixel apart
    assert kernel_psnr(one, other) == pytest.approx(10 * np.log10(19 * 19 / 2))


def estimate(photo, folder, *words):
    """A short run; (kernel, its state)."""
    cfg = compose("train", *WORDS, f"data.train={photo}", f"output_dir={folder}", "trainer.max_steps=8", *words)
    build.seed(cfg)
    model = build.model(cfg)
    trainer = build.trainer(cfg, model)
    build.fit(trainer, model, build.data(cfg), resume=cfg.resume)
    return model


@pytest.mark.medium
def test_same_seed_same_kernel_and_exact_resume(photo, tmp_path):
    """The state of the constraints is resumed too: from the third near step on they change every two steps."""
    words = ("++model.constraints.near=1e9", "++model.constraints.every=2")
    whole = estimate(photo, tmp_path / "whole", *words)
    estimate(photo, tmp_path / "half", *words, "trainer.max_steps=5")
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    resumed = estimate(photo, tmp_path / "half", *words, f"resume={last}", "seed=0")
    assert all(torch.equal(value, resumed.state_dict()[key]) for key, value in whole.state_dict().items())
    assert whole.constraints.factor < 0.1 and np.load(tmp_path / "whole" / "kernel.npy").shape[0] % 2 == 1
    assert (tmp_path / "whole" / "kernel.npy").read_bytes() == (tmp_path / "half" / "kernel.npy").read_bytes()
    other = estimate(photo, tmp_path / "other", *words, "seed=1", "trainer.max_steps=1")
    assert not torch.equal(other.network.kernel(), whole.network.kernel())


def test_bad_input_is_one_line(photo, tmp_path):
    small = tmp_path / "small.png"
    Image.fromarray(np.zeros((80, 90, 3), np.uint8)).save(small)
    data = build.data(compose("train", *WORDS, f"data.train={small}"))
    with pytest.raises(InputError, match=r"small.png: 70x60 pixels .* it takes 66x66; pass data.border=0"):
        data.setup("fit")
    Image.fromarray(np.zeros((80, 90, 3), np.uint8)).save(tmp_path / "second.png")
    with pytest.raises(InputError, match="has 2 images, but a kernel is estimated from one"):
        build.data(compose("train", *WORDS, f"data.train={tmp_path}")).setup("fit")
    with pytest.raises(MissingError, match="no such folder"):
        build.data(compose("train", *WORDS, "data.train=/not/there.png")).setup("fit")
    with pytest.raises(Exception, match=r"InputError.*pass augmentation=\[\] degradation=\[bicubic\]"):
        build.data(compose("train", *WORDS, f"data.train={photo}", "degradation=[blur,bicubic]"))
    with pytest.raises(Exception, match=r"InputError.*pretrain_steps=5: KernelGAN has only pretrain_steps=0"):
        build.model(compose("train", *WORDS, f"data.train={photo}", "model.pretrain_steps=5"))
    with pytest.raises(Exception, match=r"InputError.*scale=4: KernelGAN estimates the kernel of x2"):
        build.model(compose("train", *WORDS, f"data.train={photo}", "scale=4"))
