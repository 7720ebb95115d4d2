"""Training of networks that sample, against the loss written out; stopped runs that go on; one step that learns from many."""

import pytest
import torch

import sr
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.loss.l1 import L1
from sr.loss.mse import MSE
from sr.model.diffusion import Diffusion
from sr.network.compact import Compact
from sr.network.resshift import ResShift
from sr.network.sr3 import SR3
from sr.weights import checkpoint
from tests.jobs import run_train
from tests.model.test_regression import regression
from tests.run.test_resume import assert_equal, stopped_and_whole

TINY = {"scale": 2, "n_feats": 8, "multipliers": (1, 2), "n_blocks": 1, "fold": 2, "norm": "pixel", "std": 0.1}
WORDS = ("scale=2", "network.multipliers=[1,2]", "network.steps=2", "model.ema=0.9", "data.batch_size=2")


def module(network, loss=None, **options) -> Diffusion:
    parts = regression(Compact(scale=2, n_feats=4, n_blocks=1))
    made = Diffusion(
        network=network, metric={}, loss=loss or {"mse": MSE()}, optimizer=parts.optimizer, schedule=parts.schedule, **options
    )
    made._draws = lambda batch_idx: Draws(0, 0, 4, "diffusion")  # the trainer's, of its first samples
    return made


def batch() -> dict:
    hr = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return {"lr": torch.nn.functional.avg_pool2d(hr, 2), "hr": hr, "scale": torch.full((4,), 2.0)}


def resshift(**options) -> ResShift:
    torch.manual_seed(0)
    return ResShift(**TINY, **options)


def test_the_loss_of_resshift():
    """Equation 7 with all weights 1: the denoiser's image against HR; x_t = x_0 + eta (y - x_0) + kappa sqrt(eta) noise."""
    network, data = resshift(kappa=2.0), batch()
    loss = module(network).training_step(data, 0)["loss"]
    draws = Draws(0, 0, 4, "diffusion")
    times, seeds = draws.uniform(), draws.seeds()
    total, hr = 0, 2 * data["hr"] - 1
    y = 2 * network.upsampled(data["lr"]) - 1
    for i in range(4):
        t = int(times[i] * 15) + 1
        root = 0.02 * (0.999**0.5 / 0.02) ** (((t - 1) / 14) ** 0.3)
        noise = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(int(seeds[i])))
        x = hr[i] + root**2 * (y[i] - hr[i]) + 2.0 * root * noise
        level = network.levels.at(torch.tensor([(t - 1) / 14])).like(x)
        image = y[i] + network.std * network.output(
            (x - y[i])[None] / network.std, network.upsampled(data["lr"])[i : i + 1], level
        )
        total += ((image - hr[i]) / network.std).square().mean() / 4
    torch.testing.assert_close(loss, total, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("prediction", ["v", "epsilon", "x0"])
def test_min_snr_and_another_norm(prediction):
    torch.manual_seed(0)
    network, data = SR3(**TINY, schedule="cosine", prediction=prediction, residual=True, attention=()), batch()
    plain, weighted = (module(network, min_snr=snr).training_step(data, 0)["loss"] for snr in (None, 5.0))
    level = network.levels.at(network.levels.drawn(torch.from_numpy(Draws(0, 0, 4, "diffusion").uniform())))
    largest = {"x0": 5.0, "epsilon": 1.0, "v": 1.0}[prediction]
    assert 0 < weighted < largest * plain and not torch.isclose(weighted, plain) and level.snr.min() < 1 < level.snr.max()
    assert module(network, {"l1": L1()}).training_step(data, 0)["loss"] != plain


@pytest.mark.medium
@pytest.mark.parametrize("model", ["resshift", pytest.param("sr3", marks=pytest.mark.slow)])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, model):
    part, whole = stopped_and_whole(tmp_path, f"model={model}", *WORDS)
    assert_equal(part["state_dict"], whole["state_dict"])
    assert_equal(part["optimizer_states"], whole["optimizer_states"])
    assert any(key.startswith("average.") for key in whole["state_dict"])


@pytest.mark.slow
def test_halved_batches_and_two_runs_are_one_run(tmp_path):
    """Samples have their own noise, whatever batch they are in."""
    words = ("model=resshift", *WORDS, "trainer.max_steps=2", "trainer.val_check_interval=2", "schedule=constant")
    files = []
    for name, more in (("one", ()), ("halves", ("trainer.accumulate_grad_batches=2",))):
        run_train(*words, *more, f"output_dir={tmp_path}/{name}", f"data_dir={tmp_path}/data")
        files.append(checkpoint.read(tmp_path / name / "checkpoints" / "last.ckpt")["state_dict"])
    assert all(torch.allclose(files[0][key], value, atol=1e-5) for key, value in files[1].items())


@pytest.mark.slow
def test_one_step_learns_what_many_give(tmp_path):
    """The student ends nearer to its teacher's samples, from the same noise; its run goes on only beside the same teacher."""
    words = ("model=resshift", *WORDS, "schedule=constant", "trainer.val_check_interval=20", f"data_dir={tmp_path}/data")
    run_train(*words, "optimizer.lr=2e-3", "trainer.max_steps=20", f"output_dir={tmp_path}/teacher")
    file = tmp_path / "teacher" / "checkpoints" / "last.ckpt"
    taught = (f"model.teacher={file}", f"init_from={file}", "network.steps=1", "network.sampler=ddim", "optimizer.lr=3e-3")
    run_train(*words, *taught, "trainer.max_steps=30", f"output_dir={tmp_path}/student")
    lr = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    noise = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    teacher, before, student = sr.load(file), sr.load(file), sr.load(tmp_path / "student" / "checkpoints" / "last.ckpt")
    teacher.adjust(sampler="ddim")
    before.adjust(sampler="ddim", steps=1)
    with torch.inference_mode():
        wanted, one, learned = (network.sample(lr, noise=noise) for network in (teacher, before, student))
    assert student.steps == 1 and (learned - wanted).square().mean() < 0.8 * (one - wanted).square().mean()
    stored = checkpoint.read(tmp_path / "student" / "checkpoints" / "last.ckpt")
    assert [part["file"] for part in stored["teacher"]] == [str(file)]
    assert not [key for key in stored["state_dict"] if "teacher" in key]


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="^Compact does not sample from noise: pass network=sr3 or network=resshift"):
        module(Compact(scale=2, n_feats=4, n_blocks=1))
    with pytest.raises(InputError, match=r"^loss.lpips compares images, but here noise is compared: pass loss=\[mse\]"):
        module(resshift(), {"lpips": torch.nn.HuberLoss()})
    with pytest.raises(InputError, match="^model.min_snr=0: pass a number above 0"):
        module(resshift(), min_snr=0)
    with pytest.raises(InputError, match="^model.teacher is for a student of one step, not of 15: pass network.steps=1$"):
        module(resshift(), teacher=str(tmp_path / "a.ckpt"))
    with pytest.raises(InputError, match="^HR of 16x16 pixels is not 2 times LR of 4x4, as ResShift x2 needs"):
        data = batch()
        module(resshift()).training_step(data | {"lr": data["lr"][..., ::2, ::2]}, 0)
