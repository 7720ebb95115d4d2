"""ZSSR: training on one image, with the learning rate, the scales and the end of its task.

Shocher, Cohen, Irani: "Zero-Shot" Super-Resolution using Deep Internal Learning, 2018, arXiv:1712.06087.
"""

from typing import Any

from torch import Tensor, nn

from sr.errors import InputError
from sr.model.regression import Regression
from sr.network.zssr_task import Task


class ZSSR(Regression):
    """Regression on the pairs of `data=one_image`: the same steps as those of network=zssr in test.py, bit by bit in float32
    on the CPU. Tests enlarge by the median of eight views, back-projected.

    Args:
        fresh: whether the weights are drawn anew from the seed and the image's content; false with `init_from`.
        regression: arguments of Regression.
    """

    def __init__(self, *, fresh: bool = True, **regression: Any) -> None:
        super().__init__(**regression)
        self.fresh = fresh
        self._state: dict[str, Any] | None = None

    @property
    def task(self) -> Task:
        """What the image teaches. InputError: the run has another kind of data."""
        task = getattr(getattr(self.trainer, "datamodule", None), "task", None)
        if not isinstance(task, Task):
            raise InputError("model=zssr trains on one image: pass data=one_image data.train=photo.png")
        return task

    @property
    def evaluated(self) -> nn.Module:
        return Enlarging(super().evaluated, self.task, self.network.scale)

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.task.to(self.device)
        if self._state is not None:
            self.task.load_state_dict(self._state)
        elif self.fresh:
            self.network.reset(self.task.generator())

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        super().on_train_batch_start(batch, batch_idx)
        for group in self.optimizers().optimizer.param_groups:
            group["lr"] = self.task.rule.rate

    def configure_optimizers(self) -> dict[str, Any]:
        made = super().configure_optimizers()
        made["optimizer"].register_step_post_hook(self._after_step)  # before callbacks write a checkpoint of this step
        return made

    def _after_step(self, *_: Any) -> None:
        self.task.after_step(self.network)
        if self.task.done:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["zssr"] = self.task.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self._state = checkpoint.get("zssr")


class Enlarging(nn.Module):
    """(N, C, H, W) -> (N, C, sH, sW) by a trained network and the ensemble and back-projection of its task."""

    fits = True  # whole images, once

    def __init__(self, network: nn.Module, task: Task, scale: int) -> None:
        super().__init__()
        self.network, self.scale, self.channels, self.multiple_of = network, scale, network.channels, 1
        self._task = task

    def forward(self, lr: Tensor) -> Tensor:
        return self._task.enlarged(self.network, lr)
