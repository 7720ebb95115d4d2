"""Training on the device: as on the CPU in float32, in half precision, compiled, and resumed."""

from pathlib import Path

import pytest
import torch

from tests.gpu.both import fit_on, on_both
from tests.model.gan_job import distance
from tests.model.test_compiled import needs_a_compiler

KINDS = ("pixels", "gan")
SGD = {  # Adam divides by the gradient's size: the last bit of a small one becomes a step
    "pixels": ["optimizer=sgd", "optimizer.lr=1e-2", "model.ema=0.9", "callback=[finite]", "logger=none"],
    "gan": [
        "optimizer=sgd",
        "optimizer@discriminator_optimizer=sgd",
        "optimizer.lr=1e-2",
        "discriminator_optimizer.lr=1e-2",
    ],
}
STEPS = "trainer.max_steps=4"  # CUDA graphs are recorded in the second and replayed from the third on
NO_VALIDATION = "trainer.limit_val_batches=0"
# Precision -> how far the way of the weights may be from that in float32 on the CPU.
LIMITS = {"32-true": 1e-3, "bf16-mixed": 0.2, "16-mixed": 0.2}
CASES = [(kind, precision, False) for kind in KINDS for precision in ("32-true", "bf16-mixed")]
CASES += [(kind, precision, how) for kind in KINDS for precision, how in (("32-true", True), ("bf16-mixed", "reduce-overhead"))]


def parts(module) -> list[str]:
    """Those that checkpoints keep; there may be no average."""
    return [part for part in module.saved if getattr(module, part) is not None]


def weights(module) -> dict[str, torch.Tensor]:
    """Of all networks that the module keeps, on the CPU."""
    found = {f"{part}.{key}": w for part in parts(module) for key, w in getattr(module, part).state_dict().items()}
    return {key: w.detach().cpu().clone() for key, w in found.items() if w.is_floating_point()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Kind -> the weights at the start, and after the training on the CPU."""
    found = {}

    def expected(kind: str) -> tuple[dict, dict]:
        if kind not in found:
            folder = tmp_path_factory.mktemp(kind)
            found[kind] = tuple(
                weights(fit_on("cpu", kind, folder / str(n), *SGD[kind], NO_VALIDATION, f"trainer.max_steps={n}")[1])
                for n in (0, 4)
            )
        return found[kind]

    return expected


def way(after: dict[str, torch.Tensor], before: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    return {key: w - before[key] for key, w in after.items() if key.startswith(part)}


@on_both("kind,precision,how", CASES, medium=[("pixels", "bf16-mixed", False)])
def test_steps_are_those_of_float32_on_the_cpu(device, kind, precision, how, expected, tmp_path):
    if how:
        needs_a_compiler()
    words = [*SGD[kind], STEPS, NO_VALIDATION, f"trainer.precision={precision}", f"model.compile={str(how).lower()}"]
    _, module = fit_on(device, kind, tmp_path, *words)
    made, (start, wanted) = weights(module), expected(kind)
    apart = {part: distance(way(made, start, part), way(wanted, start, part)) for part in parts(module)}
    assert max(apart.values()) < LIMITS[precision], apart


@on_both("kind", [], only_gpu=KINDS)
def test_fp16_learns(device, kind, tmp_path, expected):
    """In 16-mixed the first steps can overflow, until the loss is scaled less; then each is one."""
    words = [*SGD[kind], "trainer.max_steps=24", NO_VALIDATION, "trainer.precision=16-mixed"]
    trainer, module = fit_on(device, kind, tmp_path, *words)
    made, (start, _) = weights(module), expected(kind)
    assert all(w.isfinite().all() for w in made.values()) and trainer.precision_plugin.scaler.get_scale() >= 1
    assert all(any(w.any() for w in way(made, start, part).values()) for part in parts(module))


@on_both("kind,precision", [(kind, "32-true") for kind in KINDS], only_gpu=[("gan", "bf16-mixed"), ("gan", "16-mixed")])
def test_a_resumed_run_is_the_one_that_was_not_stopped(device, kind, precision, tmp_path):
    """With Adam, whose moments are in the checkpoint. On the CPU bit for bit; GPUs add in any order."""
    words = [f"trainer.precision={precision}", "callback=[checkpoint]", "logger=none", "schedule=constant", NO_VALIDATION]

    def run(name: str, steps: int, **options) -> dict[str, torch.Tensor]:
        return weights(fit_on(device, kind, tmp_path / name, *words, f"trainer.max_steps={steps}", **options)[1])

    whole = run("whole", 4)
    before = run("half", 2)
    after = run("rest", 4, resume=last(tmp_path / "half"))
    assert distance(after, whole) < (1e-3 if device == "cuda" else 1e-12) * distance(before, whole)


def last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"
