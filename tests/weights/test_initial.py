"""init_from: what fits of a file is loaded, and what does not is said."""

import pytest
import torch
from omegaconf import OmegaConf

from sr import build
from sr.network.rlfn import RLFN
from sr.weights import checkpoint
from tests.jobs import compose, run_train
from tests.model.gan_job import fit
from tests.released import released, save

EDSR = ("network=edsr_baseline", "network.n_feats=8", "network.n_blocks=2")
TINY = ("network=rlfn", "network.n_feats=20", "network.n_blocks=1", "scale=2")


def weights(config):
    torch.manual_seed(1)
    return build.network(config)


@pytest.mark.slow
def test_x4_starts_from_x2(tmp_path, capsys):
    """As the recipes of EDSR, RCAN, PLKSR and DRCT say: all but the second stage of the tail."""
    run_train(*EDSR, "scale=2", "trainer.max_steps=1", f"output_dir={tmp_path}/x2", f"data_dir={tmp_path}/data")
    file = tmp_path / "x2" / "checkpoints" / "last.ckpt"
    x2 = checkpoint.weights(checkpoint.read(file))
    capsys.readouterr()
    x4 = weights(compose("train", *EDSR, "scale=4", f"init_from={file}")).state_dict()
    said = capsys.readouterr().out
    assert said.startswith(f"init_from={file}: {len(x2)} of the network's {len(x2) + 2} tensors are loaded (7")
    assert said.endswith("; 2 keep their random initial values (tail.0.2.bias, tail.0.2.weight)\n") and said.count("\n") == 1
    assert all(torch.equal(x4[key], value) for key, value in x2.items())
    run_train(
        *EDSR, "scale=4", "trainer.max_steps=1", f"init_from={file}", f"output_dir={tmp_path}/x4", f"data_dir={tmp_path}/data"
    )


def test_released_weights_of_another_scale(sr_data, capsys):
    """A shape that differs, and tensors that the network does not have."""
    file = sr_data / "weights" / "IMDN_x4.pth"
    weights(compose("train", "network=imdn", "network.n_blocks=5", "scale=2", f"init_from={file}"))
    said = capsys.readouterr().out
    assert "keep their random initial values (c.0.weight, upsampler.0.bias, upsampler.0.weight)" in said
    assert "17 tensors of the file are not used (IMDB6.c1.bias, IMDB6.c1.weight, IMDB6.c2.bias, ...)" in said


def test_what_fits_as_a_whole_is_loaded_without_a_word(tmp_path, capsys):
    file = save(released(RLFN, taps=(1, 1, 0), back=(-1, -1)), tmp_path / "rlfn.pth")
    network = weights(compose("train", *TINY, f"init_from={file}"))
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in torch.load(file)["params"].items())
    assert capsys.readouterr().out == "" and network.training


def test_a_release_that_makes_noise_in_this_network_is_refused(tmp_path):
    file = save(released(RLFN, taps=(1, 1, 0), back=(-1, -1), rgb_range=1.0), tmp_path / "rlfn.pth")
    with pytest.raises(
        ValueError, match=r"does not enlarge .*: pass \+\+network.rgb_range=1.0 \+\+network.skip=none, or"
    ) as error:
        weights(compose("train", *TINY, f"init_from={file}"))
    words = str(error.value).split("pass ")[1].split(", or")[0].split()
    weights(compose("train", *TINY, f"init_from={file}", *words))  # the hint works as it is printed


@pytest.mark.parametrize("command", ["test", "predict"])
def test_only_training_loads_a_part(sr_data, command):
    words = ["network=imdn", "scale=2", f"ckpt={sr_data}/weights/IMDN_x4.pth"]
    load = {"test": build.tested_network, "predict": build.predicting_network}[command]
    with pytest.raises(ValueError, match="IMDN_x4.pth: does not fit IMDN: upsampler.0.bias has"):
        load(compose(command, *words))


def test_almost_nothing_fits(sr_data, tmp_path):
    with pytest.raises(
        ValueError,
        match=r"IMDN_x4.pth: it does not fit this network \(0% of its values\): does not fit Compact: 53 keys missing",
    ):
        weights(compose("train", "network=compact", f"init_from={sr_data}/weights/IMDN_x4.pth"))


@pytest.mark.slow
def test_the_discriminator_comes_along(tmp_path, capsys):
    fit(tmp_path / "first", "trainer.max_steps=2", "discriminator=unet")
    file = tmp_path / "first" / "checkpoints" / "last.ckpt"
    stored = {k.removeprefix("discriminator."): v for k, v in torch.load(file)["state_dict"].items() if k.startswith("discr")}
    capsys.readouterr()

    _, module = fit(tmp_path / "second", f"init_from={file}", "trainer.max_steps=0")
    assert "its discriminator is loaded too" in capsys.readouterr().out
    assert all(torch.equal(value, stored[key]) for key, value in module.discriminator.state_dict().items())

    for other in (["discriminator.n_feats=8"], ["discriminator=patch", "discriminator.n_feats=4"]):
        fit(tmp_path / "third", f"init_from={file}", "trainer.max_steps=0", *other)
        assert f"init_from={file}: its discriminator differs from discriminator=..." in capsys.readouterr().out


@pytest.mark.slow
def test_no_network_says_no_word_of_a_discriminator(tmp_path, capsys):
    """ESRGAN starts from a network that was trained without one."""
    words = ["network.n_feats=8", "network.n_blocks=1", "network.growth=4", "network=rrdb_light", "scale=4"]
    run_train(*words, "trainer.max_steps=1", f"output_dir={tmp_path}/rrdb", f"data_dir={tmp_path}/data")
    capsys.readouterr()
    fit(tmp_path / "gan", f"init_from={tmp_path}/rrdb/checkpoints/last.ckpt", "trainer.max_steps=0")
    assert "init_from" not in capsys.readouterr().out


def test_interpolation_needs_no_file():
    cfg = compose("test", "network=interpolation_bicubic", "scale=2")
    assert OmegaConf.is_missing(cfg, "ckpt") and build.tested_network(cfg).scale == 2
    with pytest.raises(ValueError, match="network=.* has weights: pass ckpt=FILE, or ckpt=null for untrained ones"):
        build.tested_network(compose("test", "network=imdn", "scale=2"))
