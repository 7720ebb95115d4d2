"""Checkpoint files: whole at any moment, tensors and plain values only."""

import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sr.network.compact import Compact
from sr.weights import checkpoint
from sr.weights.fit import load_weights
from sr.weights.load import load
from sr.weights.rebuild import build_network

SPEC = {"_target_": "sr.network.compact.Compact", "scale": 2, "n_feats": 4, "n_blocks": 1}


def network() -> Compact:
    return Compact(scale=2, n_feats=4, n_blocks=1)


def ours(net: nn.Module, **average: nn.Module) -> dict:
    state = {f"network.{key}": value for key, value in net.state_dict().items()}
    for name, averaged in average.items():
        state |= {f"{name}.module.{key}": value for key, value in averaged.state_dict().items()}
        state[f"{name}.n_averaged"] = torch.tensor(3)
    return {"sr": {"network": SPEC, "config": {}}, "state_dict": state}


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_checkpoint_of_a_run_opens_with_weights_only(best):
    content = torch.load(best, weights_only=True)
    assert content["sr"]["config"]["network"]["n_feats"] == 8
    assert content["sr"]["network"]["_target_"] == "sr.network.compact.Compact"
    assert all(key.startswith("network.") for key in content["state_dict"])  # no loss, no metric


def test_load_returns_what_was_written(tmp_path):
    net = network()
    checkpoint.write(ours(net), tmp_path / "a.ckpt")
    loaded = load(tmp_path / "a.ckpt")
    assert same(net, loaded) and loaded.scale == 2 and not loaded.training


def test_the_average_is_what_is_loaded(tmp_path):
    net, average = network(), network()
    checkpoint.write(ours(net, average=average), tmp_path / "a.ckpt")
    loaded = load(tmp_path / "a.ckpt")
    assert same(average, loaded) and not same(net, loaded)


@pytest.mark.parametrize("wrapper", [None, "params", "params_ema", "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "generator."])
def test_weights_of_others_are_found_in_their_wrappers(tmp_path, wrapper, prefix):
    net = network()
    state = OrderedDict((prefix + key, value) for key, value in net.state_dict().items())
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "weights.pth")
    other = network()
    load_weights(other, checkpoint.weights(checkpoint.read(tmp_path / "weights.pth")), "weights.pth")
    assert same(net, other)


def test_a_wrapper_that_not_every_name_has(tmp_path):
    """As torch's AveragedModel and hands that edited a file leave it."""
    net = network()
    nn.init.zeros_(net.body[-1].weight)  # what it is tried on, it enlarges by nearest neighbours
    nn.init.zeros_(net.body[-1].bias)
    *others, last = net.state_dict()
    state = {f"module.{key}": net.state_dict()[key] for key in others} | {last: net.state_dict()[last]}
    torch.save(state, tmp_path / "weights.pth")
    assert same(net, load(tmp_path / "weights.pth"))
    torch.save(state | {"n_averaged": torch.tensor(3)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights.pth: does not fit Compact: 1 keys unexpected \(n_averaged\)$"):
        load(tmp_path / "weights.pth")


def test_safetensors(tmp_path):
    net = network()
    save_file(dict(net.state_dict()), tmp_path / "weights.safetensors")
    other = network()
    load_weights(other, checkpoint.weights(checkpoint.read(tmp_path / "weights.safetensors")), "weights")
    assert same(net, other)
    (tmp_path / "weights.safetensors").write_bytes((tmp_path / "weights.safetensors").read_bytes()[:100])
    with pytest.raises(ValueError, match="weights.safetensors: not a safetensors file, or truncated"):
        checkpoint.read(tmp_path / "weights.safetensors")


def test_a_safetensors_file_in_capitals(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "WEIGHTS.SAFETENSORS")
    assert torch.equal(checkpoint.read(tmp_path / "WEIGHTS.SAFETENSORS")["a"], torch.ones(2))


@pytest.mark.parametrize("spec", ["sr.network.compact.Compact", None, 3])
def test_a_config_that_is_none_is_refused(tmp_path, spec):
    content = ours(network())
    content["sr"]["network"] = spec
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="a.ckpt: its config names no class"):
        load(tmp_path / "a.ckpt")


def test_a_misfit_gives_a_short_difference(tmp_path):
    tensors = dict(network().state_dict())
    first = next(iter(tensors))
    tensors |= {"extra": torch.zeros(1), first: torch.zeros(9, 9)}
    tensors.pop(list(tensors)[1])
    with pytest.raises(
        ValueError,
        match=rf"f.pth: does not fit Compact: 1 keys missing .*1 keys unexpected \(extra\); {first} has shape \(9, 9\)",
    ):
        load_weights(network(), tensors, "f.pth")


def test_every_cut_of_a_checkpoint_is_refused(tmp_path):
    checkpoint.write(ours(network()), tmp_path / "whole.ckpt")
    content = (tmp_path / "whole.ckpt").read_bytes()
    for length in random.Random(0).sample(range(len(content)), 40):
        (tmp_path / "cut.ckpt").write_bytes(content[:length])
        for read in (checkpoint.read, checkpoint.about):
            with pytest.raises(ValueError, match="cut.ckpt: not a checkpoint, or truncated"):
                read(tmp_path / "cut.ckpt")


@pytest.mark.parametrize("new_format", [True, False])
def test_what_a_checkpoint_says_beside_its_tensors(tmp_path, new_format):
    content = {**ours(network()), "global_step": 7}
    torch.save(content, tmp_path / "a.ckpt", _use_new_zipfile_serialization=new_format)
    assert checkpoint.about(tmp_path / "a.ckpt") == {"sr": content["sr"], "global_step": 7}


@pytest.mark.parametrize(
    "target",
    ["os.system", "torch.hub.load", "torch.nn.Conv2d", "sr.weights.checkpoint.load", "sr.network.edsr.torch.hub.load",
     "sr.network.upsample.Upsampler.forward", "sr.network.nowhere.Net", "", "sr.network.", "sr.loss.l1.L1"],
)  # fmt: skip
def test_only_networks_are_built(target):
    with pytest.raises(ValueError, match="^a.ckpt: its config names"):
        build_network({**SPEC, "_target_": target}, "a.ckpt")


@pytest.mark.parametrize("change", [{"n_feats": "many"}, {"colour": 3}, {"_args_": [1]}, {"_partial_": True}])
def test_options_that_do_not_fit_are_refused(change):
    with pytest.raises(ValueError, match="^a.ckpt: "):
        build_network({**SPEC, **change}, "a.ckpt")


# -- writing -----------------------------------------------------------------------------------------------------------


def write_for_ever(file: Path) -> None:
    step = 0
    while True:
        step += 1
        checkpoint.write({"step": step, "weights": torch.full((500_000,), float(step))}, file)


def test_kill_9_while_writing_leaves_a_whole_file(tmp_path):
    file, generator, steps = tmp_path / "last.ckpt", random.Random(0), []
    for _ in range(3):
        before = file.stat().st_mtime_ns if file.exists() else None
        job = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(file,), daemon=True)
        job.start()
        while not file.exists() or file.stat().st_mtime_ns == before:
            assert job.is_alive()
            time.sleep(0.001)
        time.sleep(generator.uniform(0, 0.05))
        job.kill()
        job.join()
        assert job.exitcode == -signal.SIGKILL
        content = checkpoint.read(file)
        assert (content["weights"] == content["step"]).all()
        steps.append(content["step"])
    assert all(step > 0 for step in steps)


def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        checkpoint.write({"weights": torch.ones(1000)}, disk / "last.ckpt")
        with pytest.raises(OSError, match=r"last.ckpt: cannot be written \(No space left on device\)$") as caught:
            checkpoint.write({"weights": torch.ones(1_000_000)}, disk / "last.ckpt")
        assert "\n" not in str(caught.value)
        assert [file.name for file in disk.iterdir()] == ["last.ckpt"]
        assert checkpoint.read(disk / "last.ckpt")["weights"].sum() == 1000
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        checkpoint.write({}, tmp_path / "file" / "last.ckpt")
    assert os.path.getsize(tmp_path / "file") == 0
