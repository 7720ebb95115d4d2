"""Networks that sample: with a seed they are networks like others, for tiles, batches, strips and flips."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sr.data.source.sample import Sample
from sr.errors import InputError
from sr.export.traced import check_exportable
from sr.functional.resize import imresize
from sr.image.file import Image, read_rgb8, to_pixels, to_tensor
from sr.infer.strips import strips
from sr.infer.upscaler import Upscaler, upscale
from sr.network.adjusted import adjusted
from sr.network.resshift import ResShift
from sr.network.sr3 import SR3

SMALL = {"n_feats": 16, "multipliers": (1, 2), "n_blocks": 1, "fold": 2, "norm": "pixel", "std": 0.1, "train_steps": None}


def resshift(**options: object) -> ResShift:
    torch.manual_seed(0)
    return ResShift(scale=2, **{**SMALL, "kappa": 0.5, "power": 1.0, "steps": 4, **options}).eval()


def photo(height: int = 96, width: int = 128) -> np.ndarray:
    return np.ascontiguousarray(read_rgb8(Sample(held_out=True).files()[1][0])[200 : 200 + height, 300 : 300 + width])


@pytest.fixture(scope="module")
def trained() -> ResShift:
    """After 120 steps on one photo: enough that what it draws depends on the picture."""
    network = resshift(n_feats=8).train()
    hr = to_tensor(read_rgb8(Sample().files()[0][0])[:256, :256].copy())
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(120):
        top, left = torch.randint(0, 56, (2,), generator=generator).mul(4).tolist()
        patch = hr[..., top : top + 32, left : left + 32]
        origin = network.upsampled(imresize(patch, 1 / 2))
        level = network.levels.at(torch.rand(1, generator=generator)).like(patch)
        clean, eps = network.diffused(patch, origin), torch.randn(patch.shape, generator=generator)
        loss = F.mse_loss(network.output(level.signal * clean + level.noise * eps, origin, level), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def test_the_seed_decides(trained):
    lr = to_tensor(photo(24, 32))
    with torch.inference_mode():
        one, again, other = trained(lr), trained(lr), adjusted(trained, {"seed": 1}, "x")(lr)
    adjusted(trained, {"seed": 0}, "x")
    assert torch.equal(one, again) and (one - other).abs().mean() > 1e-3 and one.min() >= 0 and one.max() <= 1


def test_a_picture_does_not_depend_on_its_batch(trained):
    lr = to_tensor(photo(24, 32))
    with torch.inference_mode():
        pair, one = trained(torch.cat([lr, lr.flip(-1)])), trained(lr)
    torch.testing.assert_close(pair[:1], one, atol=3e-5, rtol=0)


@pytest.mark.parametrize("batch", [2, 5])
def test_batches_of_tiles_and_strips_are_one_picture(trained, batch):
    pixels = photo(60, 80)
    one = to_pixels(upscale(trained, to_tensor(pixels), tile=32, overlap=8))
    assert np.abs(to_pixels(Upscaler(trained, tile=32, overlap=8, batch=batch)(to_tensor(pixels))).astype(int) - one).max() <= 1
    streamed = np.concatenate(list(strips(Upscaler(trained, tile=32, overlap=8), Image(pixels))))
    np.testing.assert_array_equal(streamed, one)


def test_tiles_see_the_noise_of_the_whole_picture():
    """One step from noise sees few pixels around: with enough overlap tiles are the whole picture, which they are not if each
    draws its own noise."""
    network, lr = resshift(steps=1), to_tensor(photo(64, 80))
    whole = upscale(network, lr)
    torch.testing.assert_close(upscale(network, lr, tile=56, overlap=48), whole, atol=2e-5, rtol=0)
    with torch.inference_mode():
        corner = network(lr[..., 8:40, 8:48])  # as if it were a picture of its own
    assert (corner - whole[..., 16:80, 16:96]).abs()[..., 24:-24, 24:-24].max() > 1e-3


def test_smaller_tiles_where_memory_is_short_keep_their_place(monkeypatch):
    """A tile that does not fit is split; its parts see the noise of their place, not that of another seed or place."""
    network, lr = resshift(steps=1), to_tensor(photo(64, 96))
    whole, forward = upscale(network, lr), network.forward
    other = upscale(adjusted(resshift(steps=1), {"seed": 1}, "x"), lr)

    def short(lr, place=None):
        if lr.shape[-1] > 40:
            raise torch.OutOfMemoryError("not enough memory")
        return forward(lr, place)

    monkeypatch.setattr(network, "forward", short)
    made = Upscaler(network, tile=90, overlap=8, halve=True)
    assert (made(lr) - whole).abs().mean() < 0.2 * (other - whole).abs().mean() and made.tile <= 40


@pytest.mark.medium
def test_seams(trained):
    """Gradients over the middle of what two tiles share are those inside, up to 5 percent."""
    sr = upscale(trained, to_tensor(photo(128, 192)), tile=48, overlap=16)
    whole = upscale(trained, to_tensor(photo(128, 192)))
    steps = [one.diff(dim=-1).abs().mean((0, 1, 2)) for one in (sr, whole)]
    windows = Upscaler(trained, tile=48, overlap=16)._grids(128, 192)[1].windows
    seams = [2 * (a.stop + b.start) // 2 for a, b in zip(windows, windows[1:], strict=False)]
    near = torch.zeros(len(steps[0]), dtype=torch.bool)
    for seam in seams:
        near[seam - 4 : seam + 4] = True
    assert len(seams) > 3
    # Against the same places of the whole picture, so that what the photo shows there does not count.
    assert (steps[0][near].mean() / steps[1][near].mean()) / (steps[0][~near].mean() / steps[1][~near].mean()) < 1.05


def test_an_ensemble_of_tiles_sees_the_same_noise():
    network, lr = resshift(steps=1), to_tensor(photo(64, 72))
    whole = upscale(network, lr, ensemble=True)
    torch.testing.assert_close(upscale(network, lr, tile=56, overlap=48, ensemble=True), whole, atol=2e-5, rtol=0)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm_solver"])
@pytest.mark.parametrize(
    "options", [{"schedule": "linear", "prediction": "epsilon"}, {"schedule": "cosine", "prediction": "v"}]
)
def test_sr3(sampler, options):
    torch.manual_seed(0)
    small = {key: value for key, value in SMALL.items() if key != "train_steps"}
    network = SR3(
        scale=4, attention=(), **small, **{"prediction": "v", **options}, residual=True, steps=5, sampler=sampler
    ).eval()
    with torch.inference_mode():
        sr = network(to_tensor(photo(16, 20)))
    assert sr.shape == (1, 3, 64, 80) and sr.isfinite().all() and sr.min() >= 0 and sr.max() <= 1


@pytest.mark.parametrize("options", [{"vector": 6}, {"tokens": 5}, {"vector": 6, "tokens": 5}])
def test_a_condition_guides(options):
    """Nothing said is an unconditional sample; guidance 1 is the conditional one, more goes further in the same direction."""
    network, lr = resshift(steps=1, **options), to_tensor(photo(12, 16))
    generator = torch.Generator().manual_seed(0)
    shapes = {"vector": (1, 6), "tokens": (1, 3, 5)}
    said = {name: torch.randn(shapes[name], generator=generator) for name in options}
    nothing = {name: torch.zeros_like(one) for name, one in said.items()}
    with torch.inference_mode():
        none, one = network.sample(lr, condition=nothing), network.sample(lr, condition=said)
        network.adjust(guidance=3.0)
        further = network.sample(lr, condition=said, unconditional=nothing)
        if list(options) == ["vector"]:
            assert torch.equal(none, network.sample(lr))
    inside = torch.stack([none, one, further]).sub(0.5).abs().amax(0) < 0.499
    assert (one - none).abs().max() > 1e-3 and inside.any()
    torch.testing.assert_close((further - none)[inside], 3 * (one - none)[inside], atol=1e-4, rtol=1e-3)


def test_attention_and_group_norm():
    network = resshift(attention=(1,), norm="group")
    with torch.inference_mode():
        assert network(to_tensor(photo(12, 16))).isfinite().all()


BAD = {
    "steps": (0, "network.steps=0: pass a whole number from 1 to 1000"),
    "sampler": ("euler", "network.sampler=euler: choose one of ddpm, ddim, dpm_solver"),
    "prediction": ("score", "network.prediction=score: choose one of v, epsilon, x0"),
    "seed": (-1, "network.seed=-1: pass a whole number from 0 up"),
    "guidance": (2.0, "network.guidance=2.0: this ResShift was trained without text.*remove network.guidance"),
    "kappa": (0, "network.kappa=0: pass a number above 0"),
    "std": (0.0, "network.std=0.0: pass a number above 0"),
    "train_steps": (0, "network.train_steps=0: pass a whole number from 1 up, or null"),
    "attention": ((2,), r"network.attention=\[2\]: there are levels 0 to 1, not 2"),
    "norm": ("batch", "network.norm=batch: choose pixel or group"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options(name):
    value, message = BAD[name]
    with pytest.raises(InputError, match=f"^{message}"):
        resshift(**{name: value})


def test_no_more_steps_than_were_trained():
    with pytest.raises(InputError, match="^network.steps=16: pass a whole number from 1 to 15$"):
        resshift(train_steps=15, steps=16)


def test_what_a_command_may_change():
    network = resshift()
    with pytest.raises(InputError, match="^network.kappa=2: a.ckpt contains ResShift, of which only steps, sampler, seed, "):
        adjusted(network, {"kappa": 2}, "a.ckpt")
    with pytest.raises(InputError, match="nearest: steps$"):
        adjusted(network, {"stesp": 2}, "a.ckpt")
    with pytest.raises(InputError, match="of which its options cannot be changed$"):
        adjusted(torch.nn.Identity(), {"steps": 2}, "a.ckpt")
    assert adjusted(network, {"steps": 2, "sampler": "ddim"}, "a.ckpt").steps == 2


def test_it_is_not_exported():
    with pytest.raises(InputError, match="^ResShift cannot be exported: it draws noise for the size of each image$"):
        check_exportable(resshift())
