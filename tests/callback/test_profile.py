"""profile=true: a table of a step's time, and advice that fits what holds the run up."""

import re

import pytest

from sr.plugin.profiler import PHASES, REST
from tests.jobs import run_train


def profile(tmp_path, capsys, *words: str) -> tuple[dict[str, float], str]:
    """Percent of each phase, and the lines below the table; the second of them is the advice."""
    few = ["callback=[default,profile]", "callback.profile.warm_up=2", "callback.profile.steps=4"]
    run_train(f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "trainer.max_steps=8", "profile=true", *few, *words)
    text = (tmp_path / "run" / "profile.md").read_text()
    assert text in capsys.readouterr().out
    rows = {name.strip(): float(share) for name, share in re.findall(r"^\| ([a-z][^|]*)\|[ \d.]+\| +([\d.]+) ", text, re.M)}
    whole = rows.pop("a step")
    assert rows.keys() == {*PHASES, REST}
    assert whole == 100 and sum(rows.values()) == pytest.approx(100, abs=0.4)  # seven rounded numbers
    assert re.search(r"GFLOP per step, [\d.]+ [GT]FLOP/s of [\d.]+ [GT]FLOP/s \(float32\)", text)
    return rows, text.splitlines()[-1]


@pytest.mark.slow
def test_large_patches_for_a_small_network_are_data_bound(tmp_path, capsys):
    """The training process itself cuts them, and its network is one small layer."""
    words = ["network=fsrcnn_small", "data.patch_size=48", "data.batch_size=16", "degradation=[blur,bicubic]"]
    rows, advice = profile(tmp_path, capsys, *words)
    assert advice.startswith("data-bound")
    assert rows["waiting for data"] + rows["degradation, augmentation"] > 20


@pytest.mark.slow
def test_a_network_that_takes_most_of_the_step_is_compute_bound(tmp_path, capsys):
    rows, advice = profile(tmp_path, capsys, "network.n_feats=64", "network.n_blocks=8")
    assert advice.startswith("compute-bound")
    assert rows["forward, losses"] + rows["backward"] > 50


@pytest.mark.slow
def test_adversarial_training_is_taken_apart_too(tmp_path, capsys):
    words = ["model=esrgan", "network=rrdb_light", "network.n_blocks=1", "data.patch_size=8", "scale=4", "metric=[psnr]"]
    rows, _ = profile(tmp_path, capsys, *words, "loss=[l1]", "data.batch_size=2", "discriminator=patch")
    assert all(rows[name] > 0.5 for name in ("forward, losses", "backward", "optimizer, average of weights"))
