"""Networks between two checkpoints: ckpt=[psnr.ckpt,gan.ckpt] alpha=0.8."""

import pytest
import torch

import sr
from sr.weights import checkpoint
from sr.weights.load import load
from tests.jobs import run_script
from tests.model.gan_job import fit


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The two stages of ESRGAN, tiny: PSNR, and from its weights the GAN."""
    folder = tmp_path_factory.mktemp("stages")
    fit(folder / "gan", "trainer.max_steps=1", "model.ema=0.9")
    last = folder / "gan" / "checkpoints" / "last.ckpt"
    fit(folder / "more", "trainer.max_steps=1", "seed=1", f"init_from={last}")
    return [str(last), str(folder / "more" / "checkpoints" / "last.ckpt")]


def test_the_ends_are_the_networks_themselves_and_between_is_the_mean(pair):
    lr = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first, second = (load(path) for path in pair)
    between = {alpha: load(pair, alpha=alpha) for alpha in (0, 0.8, 1)}
    with torch.inference_mode():
        torch.testing.assert_close(between[0](lr), first(lr))
        torch.testing.assert_close(between[1](lr), second(lr))
        assert not torch.equal(first(lr), second(lr))
    ours, theirs, mixed = (network.state_dict() for network in (first, second, between[0.8]))
    for key in ours:
        torch.testing.assert_close(mixed[key], 0.2 * ours[key] + 0.8 * theirs[key])


@pytest.mark.slow
def test_on_the_command_line(pair, tmp_path):
    words = [f"ckpt=[{','.join(pair)}]", "alpha=0.8"]
    done = run_script("test.py", *words, f"output_dir={tmp_path}/test", f"data_dir={tmp_path}/data", cwd=tmp_path)
    assert done.returncode == 0 and "last + last" in done.stdout, done.stderr
    picture = next((tmp_path / "test" / "images" / "test").glob("*.png"))
    done = run_script("predict.py", *words, f"input={picture}", f"output={tmp_path}/up.png", "device=cpu", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "up.png").is_file(), done.stderr


def test_bad_pairs_are_refused_in_one_line(pair, tmp_path):
    fit(tmp_path / "wide", "trainer.max_steps=1", "network.n_feats=12")
    wide = str(tmp_path / "wide" / "checkpoints" / "last.ckpt")
    for source, alpha, says in (
        (pair, None, "pass two files and an alpha between 0 and 1"),
        (pair, 1.5, "alpha is 1.5"),
        ([*pair, wide], 0.5, "has 3 files"),
        (pair[0], 0.5, "pass ckpt="),
        ([pair[0], wide], 0.5, "contain different networks"),
    ):
        with pytest.raises(ValueError, match=says) as error:
            load(source, alpha=alpha)
        assert "\n" not in str(error.value)
    assert sr.load(pair[0]).scale == 4


def test_a_mask_of_infinities_stays_one():
    ours, theirs = ({"mask": torch.tensor([0.0, -torch.inf]), "weight": torch.tensor([value])} for value in (1.0, 2.0))
    between = checkpoint.interpolate(ours, theirs, 0.5)
    assert torch.equal(between["mask"], ours["mask"]) and between["weight"].item() == 1.5
