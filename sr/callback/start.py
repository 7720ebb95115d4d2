"""Says what a run is about to do, and keeps the scores of the weights that it starts from."""

import shutil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from sr.data.benchmarks import Benchmarks
from sr.device.count import parameters
from sr.errors import StorageError


class Start(pl.Callback):
    """Prints a summary when training starts: recipe, data, what is measured, steps, disk and folder.

    With `init_from` the trainer validates before the first step (sr/build/trainer.py), and `scores` has the results, also
    after a resume.

    Args:
        folder: of the run.
        init_from: the file of the first weights, if any.
        recipe: name of the recipe, filled in by sr/build/callback.py.

    Raises:
        StorageError: the run's disk is too small for its checkpoints.
    """

    def __init__(self, *, folder: str, init_from: Any = None, recipe: str = "") -> None:
        self.folder, self.init_from, self.recipe = Path(folder), init_from, recipe
        self.scores: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            self.scores = {name: float(value) for name, value in trainer.callback_metrics.items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            known = {
                "recipe": self._recipe(pl_module),
                "data": _data(trainer.datamodule),
                "measured": _measured(trainer.datamodule),
                "training": _steps(trainer),
                "start": self._scores(),
                "disk": self._disk(trainer, pl_module),
                "folder": str(self.folder),
            }
            print("\n".join(f"{name:<9} {text}" for name, text in known.items() if text))

    def state_dict(self) -> dict[str, Any]:
        return {"scores": dict(self.scores)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scores = dict(state_dict["scores"])

    def _recipe(self, module: pl.LightningModule) -> str:
        network, count = module.network, parameters(module.network)
        named = f"{self.recipe}: " if self.recipe else ""
        size = "" if count is None else f" of {count:,} parameters"
        return f"{named}{type(module).__name__}, network {type(network).__name__}{size}, scale {network.scale}"

    def _scores(self) -> str:
        whole = {name: value for name, value in self.scores.items() if name.count("/") == 1}  # means over the sets
        return ", ".join(f"{name} {value:.4f}" for name, value in whole.items()) + f" by {self.init_from}" if whole else ""

    def _disk(self, trainer: pl.Trainer, module: pl.LightningModule) -> str:
        """What the checkpoints need: weights, and as much twice for an optimizer such as Adam; one more while it is written."""
        tensors = [*module.state_dict().values(), *(p for p in module.parameters() if p.requires_grad for _ in range(2))]
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        count, free = len(trainer.checkpoint_callbacks) and 2, shutil.disk_usage(self.folder).free
        if count and size * (count + 1) > free:
            raise StorageError(
                f"{self.folder}: checkpoints of about {_bytes(size)} need three times as much, but {_bytes(free)} are free; "
                "free some space, or set output_dir to another disk"
            )
        return f"{count} checkpoints of about {_bytes(size)}; {_bytes(free)} free" if count else ""


def _data(data: Any) -> str:
    """The images, and what a step takes of them."""
    images = getattr(data, "hr", None)
    count = f"{len(images)} in the training set, " if hasattr(images, "__len__") else ""
    phases = [
        f"{phase.batch_size} patches of side {phase.patch_size}"
        + (f" and {phase.frames} frames" if phase.frames > 1 else "")
        + (f" from step {phase.from_step}" if phase.from_step else "")
        for phase in data.phases
    ]
    return f"{count}{'; '.join(phases)} (LR pixels) a step"


def _measured(data: Benchmarks) -> str:
    stages = {"validation": data.counts("val"), "test": data.counts("test")}
    listed = {stage: ", ".join(f"{name} ({count})" for name, count in sets.items()) for stage, sets in stages.items()}
    return "; ".join(f"{stage}: {sets}" for stage, sets in listed.items())


def _steps(trainer: pl.Trainer) -> str:
    first, last = trainer.global_step, trainer.max_steps
    return f"steps {first} to {last}, {trainer.precision}" if last > 0 else f"from step {first}, {trainer.precision}"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
