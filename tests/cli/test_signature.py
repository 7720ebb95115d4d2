"""Values of a config against the annotations of what they go to."""

from functools import partial

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from sr.cli.signature import check
from tests.jobs import CONF, compose


def shape(*, n: int, factor: float = 1.0, name: str | None = None, even: bool = False, sizes: list[int] | None = None) -> None:
    """A target."""


TARGET = f"{__name__}.shape"


@pytest.fixture(autouse=True)
def found(monkeypatch):
    monkeypatch.setattr("sr.cli.signature.get_object", lambda target: shape)


@pytest.mark.parametrize(
    "options", [{"n": 3}, {"n": 3, "factor": 1}, {"n": 3, "name": None}, {"n": 1, "sizes": [1]}, {"n": "???"}]
)
def test_what_fits_passes(options):
    check(OmegaConf.create({"a": {"_target_": TARGET, **options}}))


@pytest.mark.parametrize(
    "options, line",
    [
        ({"n": "abc"}, "a.n=abc: .* expects int"),
        ({"n": 1.5}, "a.n=1.5: .* expects int"),
        ({"n": True}, "a.n=True: .* expects int"),
        ({"n": None}, "a.n=None: .* expects int"),
        ({"factor": "1e-4x"}, "a.factor=1e-4x: .* expects float"),
        ({"name": 3}, "a.name=3: .* expects str or null"),
        ({"even": "maybe"}, "a.even=maybe: .* expects bool"),
        ({"_partial_": True, "nn": 3}, "a.nn: .* has no such option; ~a.nn removes it from a recipe"),
    ],
)
def test_what_does_not_fit_is_named_with_its_key(options, line):
    with pytest.raises(ValueError, match=f"^{line}"):
        check(OmegaConf.create({"a": {"_target_": TARGET, **options}}))
    with pytest.raises(ValueError, match=line.replace("a.", "list.0.")):
        check(OmegaConf.create({"list": [{"_target_": TARGET, **options}]}))


@pytest.mark.parametrize("rate", ["abc", None])
def test_a_rate_that_could_be_a_tensor(monkeypatch, rate):
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"^optimizer.lr=\w+: torch.optim.Adam expects float"):
        check({"optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": rate, "betas": [0.9, 0.99]}})


@pytest.mark.parametrize("recipe", sorted(file.stem for file in (CONF / "model").glob("*.yaml")))
def test_every_recipe_passes(monkeypatch, recipe):
    monkeypatch.undo()
    cfg = compose("train", f"model={recipe}", "output_dir=x")
    for room in ("network", "loss", "metric", "optimizer", "schedule", "benchmark", "callback"):
        check(cfg[room])
    assert isinstance(instantiate(cfg.optimizer), partial)
