"""`model.compile`: the same training, the same checkpoints."""

from pathlib import Path

import pytest
import torch

from sr.model.compiled import check
from sr.network.compact import Compact
from sr.weights import checkpoint
from tests.model.gan_job import distance, fit
from tests.model.test_regression import batch, regression


def needs_a_compiler() -> None:
    try:
        check(True)
    except ValueError as error:
        pytest.skip(str(error))


def last(folder: Path) -> dict:
    return checkpoint.read(folder / "checkpoints" / "last.ckpt")


def floats(file: dict, part: str) -> dict[str, torch.Tensor]:
    return {key: w for key, w in file["state_dict"].items() if key.startswith(part) and w.is_floating_point()}


@pytest.mark.medium
def test_a_compiled_network_learns_the_same_and_keeps_its_keys():
    torch.manual_seed(0)
    plain = regression(Compact(scale=2, n_feats=4, n_blocks=1), ema=0.9)
    ours = regression(Compact(scale=2, n_feats=4, n_blocks=1), ema=0.9, compile="aot_eager")
    ours.load_state_dict(plain.state_dict())
    assert ours.trained("network") is not ours.network and plain.trained("network") is plain.network
    for model in (plain, ours):
        model.training_step(batch(), 0)["loss"].backward()
    for a, b in zip(ours.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    assert ours.state_dict().keys() == plain.state_dict().keys()
    assert ours.evaluated is ours.average.module


@pytest.mark.slow
def test_a_compiled_gan_learns_the_same_and_keeps_its_keys(tmp_path):
    """With spectral norm, whose statistics each pass changes in place."""
    fit(tmp_path / "plain", "model.ema=null", "trainer.max_steps=1")
    _, module = fit(tmp_path / "compiled", "model.ema=null", "trainer.max_steps=1", "model.compile=aot_eager")
    assert module.trained("judge") != module.judge and module.evaluated is module.network
    plain, ours = last(tmp_path / "plain"), last(tmp_path / "compiled")
    assert ours["state_dict"].keys() == plain["state_dict"].keys()
    for part in ("network", "discriminator"):
        assert distance(floats(ours, part), floats(plain, part)) < 1e-4


CRITERIA = {"ragan": ["adversarial=ragan"], "a penalty": ["adversarial=wgan_gp", "adversarial.r1=1"]}


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
@pytest.mark.slow
def test_inductor_trains_as_eager_does_and_resumes_exactly(tmp_path, criterion):
    """Two further steps by both from one checkpoint of the plain run; then the compiled half and its rest are the whole."""
    needs_a_compiler()
    words = [*criterion, "optimizer.lr=1e-4"]
    fit(tmp_path / "start", *words, "trainer.max_steps=2")
    start = tmp_path / "start" / "checkpoints" / "last.ckpt"
    fit(tmp_path / "plain", *words, "trainer.max_steps=4", resume=start)
    fit(tmp_path / "whole", *words, "trainer.max_steps=4", "model.compile=true", resume=start)
    fit(tmp_path / "half", *words, "trainer.max_steps=3", "model.compile=true", resume=start)
    half = tmp_path / "half" / "checkpoints" / "last.ckpt"
    fit(tmp_path / "rest", *words, "trainer.max_steps=4", "model.compile=true", resume=half)
    plain, whole, rest = (last(tmp_path / name) for name in ("plain", "whole", "rest"))
    for part in ("network", "average", "discriminator"):
        assert distance(floats(whole, part), floats(plain, part)) < 1e-4
    for key, value in whole["state_dict"].items():
        assert torch.equal(rest["state_dict"][key], value), key


@pytest.mark.slow
def test_inductors_output_of_rrdb_is_eagers():
    needs_a_compiler()
    from sr.model.compiled import compiled
    from sr.network.rrdb import RRDB

    torch.manual_seed(0)
    network = RRDB(scale=4, n_feats=32, n_blocks=3, growth=16)
    lr = torch.rand(2, 3, 24, 24)
    with torch.no_grad():
        torch.testing.assert_close(compiled(network, True)(lr), network(lr), rtol=0, atol=1e-4)


def test_another_mode_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"^model\.compile=fast: choose true, false, default, .*max-autotune.*inductor[^\n]*$"):
        regression(Compact(scale=2, n_feats=4, n_blocks=1), compile="fast")


def test_a_missing_compiler_is_one_line():
    with (
        torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}),
        pytest.raises(ValueError, match=r"^model\.compile=true needs a C\+\+ compiler[^\n]*model\.compile=false$"),
    ):
        check(True)
