"""The precision that a run chooses or refuses, and how far bfloat16 is from float32 in a training step of every network."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from sr import build
from sr.data.source.sample import Sample
from sr.device import capability, speed
from sr.device.private import bf16_on_cpu
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import to_tensor
from sr.model.optimizer import on_device
from tests.jobs import SMALL, compose
from tests.network.small import NAMES

HAS_BF16 = bf16_on_cpu() is not None


def network(*words: str):
    return build.network(compose("train", "scale=2", *words))


def broken(monkeypatch, **change) -> None:
    """The line of IMDN as if it had been measured so."""
    line = capability.Capability(**{**capability.stored()["imdn"], **change})
    monkeypatch.setattr(capability, "lines", lambda: {"imdn": line})


def test_a_run_takes_what_the_cpu_is_fast_at():
    precision, why = speed.precision("auto", "cpu", network("network=imdn"))
    assert precision == ("bf16-mixed" if HAS_BF16 else "32-true")
    assert ("AMX" in why or "AVX512-BF16" in why) == HAS_BF16


@pytest.mark.skipif(not HAS_BF16, reason="this CPU computes in float32 in any case")
def test_a_network_that_breaks_in_bf16_or_that_nobody_measured_stays_in_float32(monkeypatch):
    assert speed.precision("auto", "cpu", torch.nn.Conv2d(3, 3, 3)) == (
        "32-true",
        "Conv2d was never measured in bfloat16; try it with trainer.precision=bf16-mixed",
    )
    broken(monkeypatch, bfloat16=0.3)
    assert speed.precision("auto", "cpu", network("network=imdn")) == ("32-true", "IMDN is off by 30% in bfloat16")


def test_volumes_are_trained_in_float32_on_a_cpu():
    """Where torch's bfloat16 gradients of 3D convolutions can be wrong without a word."""
    volumes = torch.nn.Sequential(torch.nn.Conv3d(1, 1, 3))
    with pytest.raises(InputError, match="bf16-mixed: on a CPU torch's gradients of 3D convolutions in bfloat16 can be wrong"):
        speed.precision("bf16", "cpu", volumes)
    assert speed.precision("32", "cpu", volumes)[0] == "32-true"
    assert speed.precision("bf16", "gpu", volumes)[0] == "bf16-mixed"


def test_half_precision_that_breaks_a_network_is_refused(monkeypatch):
    chosen = network("network=imdn")
    assert speed.precision("bf16-mixed", "cpu", chosen)[0] == "bf16-mixed"
    broken(monkeypatch, bfloat16=None)
    with pytest.raises(ValueError) as error:
        speed.precision("bf16-mixed", "cpu", chosen)
    message = "trainer.precision=bf16-mixed: IMDN gives no finite image in bfloat16; choose trainer.precision=32-true, or auto"
    assert str(error.value) == message
    assert speed.precision("32-true", "cpu", chosen)[0] == "32-true"


@pytest.mark.parametrize("wanted", ["bf16-true", "64-true", 64, "fp16"])
def test_weights_in_another_precision_than_evaluation_are_refused(wanted):
    with pytest.raises(ValueError, match=f"^trainer.precision={wanted}: choose auto, 32-true, bf16-mixed, 16-mixed; "):
        speed.precision(wanted, "cpu")


def test_lightnings_short_names_of_precisions_are_known():
    assert [speed.precision(wanted, "cpu")[0] for wanted in (32, "bf16")] == ["32-true", "bf16-mixed"]


@pytest.mark.parametrize("strategy", ["fsdp", "fsdp_cpu_offload", "deepspeed_stage_2", "model_parallel"])
def test_strategies_that_share_out_the_weights_are_refused_in_one_line(strategy, tmp_path):
    words = [*SMALL, f"trainer.strategy={strategy}", f"output_dir={tmp_path}", f"data_dir={tmp_path}"]
    with pytest.raises(InputError, match=f"^trainer.strategy={strategy} shards .*pass trainer.strategy=ddp, or auto [^\n]*$"):
        build.trainer(compose("train", *words))


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "ddp_notebook_find_unused_parameters_true"])
def test_processes_that_give_nothing_back_are_refused(strategy):
    with pytest.raises(ValueError, match=f"^trainer.strategy={strategy} returns no results from its processes; "):
        speed.check_strategy(strategy)


ADAM, NADAM = (partial(kind, lr=1e-3) for kind in (torch.optim.Adam, torch.optim.NAdam))  # NAdam has no fused kernel
FOREACH = partial(torch.optim.Adam, lr=1e-3, foreach=True)


@pytest.mark.parametrize(
    ("precision", "device", "optimizers", "says"),
    [
        ("32-true", "cpu", [ADAM], "fused optimizer"),
        ("bf16-mixed", "cuda", [ADAM], "fused optimizer"),
        ("bf16-mixed", "cuda", [ADAM, ADAM], "fused optimizers"),
        ("bf16-mixed", "cuda", [ADAM, NADAM], "fused optimizer of the network"),
        ("bf16-mixed", "cuda", [FOREACH, ADAM], "fused optimizer of the discriminator"),
        ("16-mixed", "cuda", [ADAM, ADAM], None),
        ("32-true", "mps", [ADAM], None),
        ("32-true", "cpu", [NADAM], None),
        ("32-true", "cpu", [FOREACH], None),
    ],
)
def test_the_line_says_fused_where_the_optimizer_is(precision, device, optimizers, says):
    """And where there is such a device, it is what `on_device` makes."""
    wanted = dict(zip(("network", "discriminator"), optimizers, strict=False))
    parts = speed.line(precision, "why", device, False, wanted).split(", ")
    assert [part for part in parts if "fused" in part] == ([says] if says else [])
    if device == "cpu":
        module = SimpleNamespace(trainer=SimpleNamespace(precision=precision), device=torch.device(device))
        made = [on_device(make, torch.nn.Conv2d(3, 3, 3).parameters(), module) for make in optimizers]
        assert all(bool(optimizer.defaults.get("fused")) == bool(says) for optimizer in made)


def test_the_line_says_tf32_and_threads_where_they_are():
    assert "TF32" not in speed.line("32-true", "why", "mps", False, {}) and not speed.has_tf32("mps")
    assert "TF32" not in speed.line("32-true", "why", "cpu", False, {}) and not speed.has_tf32("cpu")
    assert "TF32 for float32 operations in training" in speed.line("32-true", "why", "cuda", False, {}, tf32=True)
    assert "thread" in speed.line("32-true", "why", "cpu", False, {}) and "thread" not in speed.line(
        "32", "", "cuda", False, {}
    )


def test_a_fused_optimizer_in_16_mixed_is_refused():
    """Its kernel takes scaled gradients: they could not be clipped, and their norm would be logged 65536 times too large."""
    module = SimpleNamespace(trainer=SimpleNamespace(precision="16-mixed"), device=torch.device("cpu"))
    with pytest.raises(InputError, match="^optimizer.fused=true cannot be combined with trainer.precision=16-mixed: [^\n]*$"):
        on_device(partial(torch.optim.Adam, lr=1e-3, fused=True), torch.nn.Conv2d(3, 3, 3).parameters(), module)


def test_a_run_says_in_one_line_what_it_chose(tmp_path, capsys):
    cfg = compose("train", *SMALL, "trainer.precision=auto", f"output_dir={tmp_path}", f"data_dir={tmp_path}")
    model = build.model(cfg)
    trainer = build.trainer(cfg, model)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert (
        f": {trainer.precision} (" in line
        and "channels last, fused optimizer," in line
        and "not compiled (model.compile=true)" in line
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("interpolation")])
def test_a_training_step_in_bfloat16_is_near_that_in_float32(name):
    """L1 of a piece of a photo and the gradient of all weights, of the whole network at x2; of the gradient the relative
    norm of the difference: 8 bits of mantissa are 0.004 at each layer."""
    torch.manual_seed(0)
    chosen = network(f"network={name}").train().to(memory_format=torch.channels_last)
    side = -(-24 // chosen.multiple_of) * chosen.multiple_of
    photo = np.asarray(Image.open(Sample(held_out=True).files()[1][0]))  # coffee
    hr = to_tensor(photo[200 : 200 + 2 * side, 300 : 300 + 2 * side].copy())
    hr = torch.cat([hr, hr.flip(-1)])  # DAT has batch statistics
    lr = imresize(hr, 1 / 2, rounding=True)
    trained = [p for p in chosen.parameters() if p.requires_grad]
    losses, gradients = [], []
    for half in (False, True):
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = (chosen(lr).float() - hr).abs().mean()
        losses.append(loss.item())
        found = torch.autograd.grad(loss, trained, allow_unused=True)
        gradients.append(torch.cat([g.double().flatten() for g in found if g is not None]))
    distance = float((gradients[1] - gradients[0]).norm() / gradients[0].norm())
    print(f"{name}: loss {abs(losses[1] / losses[0] - 1):.1e}, gradient {distance:.4f}")
    assert losses[1] == pytest.approx(losses[0], rel=5e-3)
    assert 0 < distance < 0.1
