"""Networks for clips are trained by the same modules: exact resume, average, frozen parts, GAN with a cleaning loss."""

import json
import warnings

import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from sr import load
from sr.cli.test import test as run_test
from sr.cli.train import train
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.model.frozen import Frozen
from sr.network.spynet import SPyNet
from sr.weights import checkpoint
from tests.clips import moving, write_frames
from tests.jobs import SMALL, call, compose, run_script
from tests.run.test_resume import assert_equal

pytestmark = pytest.mark.medium  # a run of seconds is behind each


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("clips")
    for name in ("chelsea", "ihc"):
        write_frames(made / "train" / name, moving(name, 6, 72, 80))
    write_frames(made / "test" / "engine", moving("motorcycle_left", 3, 64, 64))
    return made


def settings(folder):
    """Of all runs here."""
    return (
        f"data.train={folder}/train",
        f"benchmark.clips.hr={folder}/test",
        f"data_dir={folder}",
        "degradation=[bicubic]",
        "validation=[]",
        "data.frames=3",
        "data.batch_size=2",
        "data.patch_size=8",
        "network.n_feats=8",
        "network.n_blocks=1",
        "metric=[psnr]",
        "callback=[checkpoint,finite,log]",
        "model.ema=0.9",
    )


def run(folder, *words, name):
    """A run of a recipe in folder/name; the state of its last checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(compose("train", *SMALL, *settings(folder), f"output_dir={folder}/{name}", *words))
    return torch.load(folder / name / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.mark.parametrize("recipe", ["rrn_light", pytest.param("realbasicvsr", marks=pytest.mark.slow)])
def test_a_resumed_run_equals_one_that_never_stopped(folder, recipe):
    words = [f"model={recipe}", "trainer.val_check_interval=2"]
    if recipe == "realbasicvsr":
        words += ["loss=[l1,cleaning]", "network.n_cleaning_blocks=1", "discriminator.n_feats=8"]
    whole = run(folder, *words, "trainer.max_steps=4", name=f"{recipe}_whole")
    run(folder, *words, "trainer.max_steps=2", "schedule.max_steps=4" if recipe == "rrn_light" else "seed=0", name=recipe)
    file = folder / recipe / "checkpoints" / "last.ckpt"
    done = run_script("train.py", f"resume={file}", "trainer.max_steps=4", cwd=folder)
    assert done.returncode == 0, done.stderr
    again = torch.load(file, weights_only=True)
    assert whole["global_step"] == again["global_step"] == 4
    assert_equal(whole["state_dict"], again["state_dict"])
    assert_equal(whole["optimizer_states"], again["optimizer_states"])
    results = json.loads((folder / recipe / "metrics.json").read_text())["clips"]
    assert results["psnr"] > 5 and results["bicubic"]["psnr"] > 20
    if recipe == "realbasicvsr":
        log = (folder / recipe / "metrics.csv").read_text()
        assert "cleaning" in log and "adversarial" in log and "d_real" in log


@pytest.mark.slow
def test_spynet_learns_after_its_first_steps(folder):
    flow = SPyNet()
    checkpoint.write(dict(flow.state_dict()), folder / "spynet.pth")
    words = ["model=basicvsr", f"init_parts.spynet={folder}/spynet.pth"]
    words.append("model.frozen_until={spynet: 2}")
    key = "network.spynet.basic_module.5.basic_module.8.weight"
    at = {}
    for steps in (2, 3):
        at[steps] = run(
            folder, *words, f"trainer.max_steps={steps}", "model.checkpoint_activations=true", name=f"frozen_{steps}"
        )
    start = flow.state_dict()[key.removeprefix("network.spynet.")]
    assert torch.equal(at[2]["state_dict"][key], start) and not torch.equal(at[3]["state_dict"][key], start)
    groups = at[3]["optimizer_states"][0]["param_groups"]
    assert sorted(group["initial_lr"] for group in groups) == [2.5e-5, 2e-4]
    steps = {int(state["step"]) for state in at[3]["optimizer_states"][0]["state"].values()}
    assert steps == {1, 3}  # the moments of SPyNet begin at its first step


def test_what_starts_from_random_weights_is_said_and_not_frozen(folder, capsys):
    made = run(folder, "model=basicvsr", "trainer.max_steps=1", name="scratch")
    assert (
        "init_parts.spynet=null: spynet starts from random weights, and is trained from the first step"
        in capsys.readouterr().out
    )
    assert made["sr"]["config"]["model"]["frozen_until"] == {"spynet": 0} and len(made["optimizer_states"][0]["state"]) > 60


@pytest.mark.slow
def test_a_gan_step_with_recomputed_activations_is_the_same(folder):
    words = ["model=realbasicvsr", "loss=[l1,cleaning]", "network.n_cleaning_blocks=1", "discriminator.n_feats=8"]
    words.append("trainer.max_steps=2")
    kept, again = (run(folder, *words, f"model.checkpoint_activations={on}", name=f"gan_{on}") for on in ("false", "true"))
    assert_equal(kept["state_dict"], again["state_dict"])
    assert_equal(kept["optimizer_states"], again["optimizer_states"])


def test_vimeo90k_t_is_measured_by_its_papers_protocol(folder, tmp_path):
    """A recurrent network sees 7 frames and the same backwards; Y of the middle frame, no border."""
    run(folder, "model=rrn_light", "trainer.max_steps=1", "optimizer.lr=0.1", name="vimeo")
    for name in ("00001/0001", "00002/0003"):
        write_frames(tmp_path / "vimeo_septuplet" / "sequences" / name, moving("brick", 7, 32, 40), 1)
    (tmp_path / "vimeo_septuplet" / "sep_testlist.txt").write_text("00001/0001\n")
    ckpt = folder / "vimeo" / "checkpoints" / "last.ckpt"
    words = [f"ckpt={ckpt}", "benchmark=[vimeo90k_t]", "metric=[psnr]", f"data_dir={tmp_path}"]
    run_test(compose("test", *words, f"output_dir={tmp_path}/out"))
    measured = json.loads((tmp_path / "out" / "metrics.json").read_text())["vimeo90k_t"]["psnr"]
    hr = torch.from_numpy(moving("brick", 7, 32, 40)).permute(0, 3, 1, 2)[None] / 255
    lr = imresize(hr[0], 1 / 2, rounding=255)[None]
    network = load(str(ckpt)).cpu().eval()
    with torch.no_grad():
        feats = network(torch.cat([lr, lr.flip(1)], 1))
    made = (0.5 * (feats[0, 3] + feats[0, -4]), feats[0, 3], hr[0, 3])  # mmagic's mean; the first pass alone
    luma = [rgb2ycbcr(one.clamp(0, 1).mul(255).round().div(255).permute(1, 2, 0).numpy())[..., 0] for one in made]
    both, once = (peak_signal_noise_ratio(luma[2], one, data_range=255) for one in luma[:2])
    assert measured == pytest.approx(both, abs=1e-3) and abs(both - once) > 2e-3


def test_what_does_not_fit_is_refused(folder):
    with pytest.raises(InputError, match="loss.cleaning compares `cleaned`, which RRN does not make: remove it from loss="):
        run(folder, "model=rrn_light", "loss=[l1,cleaning]", name="refused")
    with pytest.raises(InputError, match="model.frozen_until.basic=-1: pass a number of steps, or always"):
        Frozen(SPyNet(), {"basic": -1})


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["basicvsr", "realbasicvsr"])
def test_two_processes_train_with_a_frozen_part(folder, recipe, tmp_path):
    part = "spynet" if recipe == "basicvsr" else "basicvsr.spynet"
    checkpoint.write(dict(SPyNet().state_dict()), tmp_path / "flow.pth")
    words = [f"model={recipe}", f"init_parts.{part}={tmp_path}/flow.pth", "trainer.devices=2", "trainer.max_steps=2"]
    words += ["model.checkpoint_activations=true"] if recipe[0] == "r" else []
    words += ["loss=[l1,cleaning]", "network.n_cleaning_blocks=1", "discriminator.n_feats=8"] if recipe[0] == "r" else []
    done = call("train.py", *SMALL, *settings(folder), *words, f"output_dir={tmp_path}/run", cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    state = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    flow = torch.load(tmp_path / "flow.pth", weights_only=True)
    assert all(torch.equal(value, state["state_dict"][f"network.{part}.{key}"]) for key, value in flow.items())
