"""Makes the network smaller while it trains: structured pruning, channel by channel."""

from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from sr.callback.checkpoint import Checkpoint
from sr.device.count import multiply_adds
from sr.errors import InputError
from sr.model.channels import Channels, least_important, library, prunable, widths
from sr.model.narrow import narrow
from sr.say import warn

IMPORTANCE = ("taylor", "magnitude")


class Slim(pl.Callback):
    """Removes the least important channels every `every` steps until `macs` of the multiply-adds are left; the remaining steps
    train what is left.

    After a fraction t of the steps from `start` to `end`, 1 - (1 - macs)(1 - (1 - t)^3) of the multiply-adds are left: many go
    early, when there are many to choose from (Zhu, Gupta 2017, To prune, or not to prune, arXiv:1710.01878, equation 1). The
    average of the weights and the optimizer's moments lose the same channels. Checkpoints build the smaller network, by its own
    class and the option `widths`, without this callback; best.ckpt is the best since the last removal.

    Args:
        macs: fraction of the multiply-adds to keep; 1: nothing is removed.
        importance: "taylor": the change of the loss without the channel, estimated from gradients of training batches; or
            "magnitude": the norm of its weights.
        start, end, every: the first step, the last one in which channels are removed, and how often.
        n_batches: steps before a removal whose gradients count (taylor).
        multiple: widths stay multiples of it, or as they were; some processors are faster at multiples of 8 or 16.

    Raises:
        InputError: options out of range; a network without `prunable()`, or one that cannot be made so small; several devices.
    """

    def __init__(
        self,
        *,
        macs: float = 0.5,
        importance: str = "taylor",
        start: int = 0,
        end: int = 1000,
        every: int = 100,
        n_batches: int = 20,
        multiple: int = 1,
    ) -> None:
        if not 0 < macs <= 1:
            raise InputError(f"callback.slim.macs={macs}: pass a fraction of the multiply-adds above 0, such as 0.5")
        if importance not in IMPORTANCE:
            raise InputError(f"callback.slim.importance={importance}: choose one of {', '.join(IMPORTANCE)}")
        if not 0 <= start < end or every < 1 or n_batches < 1 or multiple < 1:
            raise InputError(
                f"callback.slim: start={start}, end={end}, every={every}, n_batches={n_batches}, multiple={multiple}: start "
                "must be from 0 up and before end, the others at least 1"
            )
        library()  # now, not at the first removal
        self.macs, self.importance, self.multiple = macs, importance, multiple
        self.start, self.end, self.every, self.n_batches = start, end, every, n_batches
        self._before: float | None = None  # multiply-adds of the whole network
        self._at = start  # the last step after which channels were removed
        self._scores: list[Tensor] = []  # sums over batches since then
        self._channels: Channels | None = None

    def left(self, step: int) -> float:
        """The fraction of the multiply-adds that is left after a step."""
        t = min(max((step - self.start) / (self.end - self.start), 0), 1)
        return 1 - (1 - self.macs) * (1 - (1 - t) ** 3)

    def removes(self, step: int) -> bool:
        """Whether channels are removed after this step."""
        due = (step - self.start) % self.every == 0 or step == self.end
        return self.macs < 1 and self.start < step <= self.end and due

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        network = pl_module.network
        prunable(network)
        if trainer.world_size > 1:
            raise InputError("callback=[slim] changes the shapes of weights, which DDP does not follow: pass trainer.devices=1")
        if self.end >= trainer.max_steps > 0:
            warn(
                f"callback.slim.end={self.end} is not before trainer.max_steps={trainer.max_steps}: what is left does not train"
            )
        self._channels = None
        if self._before is None:
            self._before = multiply_adds(network)
            scores = Channels(network).scores("magnitude")
            least_important(network, scores, self.macs * (self._before or 0), self.multiple)  # or it says that it cannot

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Not on_train_batch_end: a checkpoint may be written before that is called. Not before the step: gradients are computed
        # within it.
        trainer.optimizers[0].register_step_post_hook(lambda *_: self._look(pl_module.network, trainer.global_step + 1))

    def _look(self, network: Any, step: int) -> None:
        """Add the scores of the gradients of a step, if a removal comes soon."""
        if self.importance != "taylor" or not any(self.removes(step + ahead) for ahead in range(self.n_batches)):
            return
        if self._channels is None:
            self._channels = Channels(network)
        found = self._channels.scores(self.importance)
        if all(one.isfinite().all() for one in found):  # not of gradients that overflow
            self._scores = [a + b for a, b in zip(self._scores, found, strict=True)] if self._scores else found

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Before the next step, not after the last: every checkpoint of that one is older than the removal."""
        step, network = trainer.global_step, pl_module.network
        if step == self._at or not self.removes(step):
            return
        if self.importance == "taylor" and not self._scores:
            warn(f"step {step}: no finite gradients since the last removal: this one goes by the norm of the weights")
        scores = self._scores or Channels(network).scores("magnitude")
        dropped = least_important(network, scores, self.left(step) * self._before, self.multiple)
        self._at, self._scores, self._channels = step, [], None
        if not any(dropped):
            return
        narrow(pl_module, trainer.optimizers[0], dropped)
        for callback in trainer.callbacks:
            if isinstance(callback, Checkpoint):
                callback.reshaped(widths=widths(network))
        if trainer.is_global_zero:
            share = multiply_adds(network) / self._before
            print(f"\nstep {step}: {sum(map(len, dropped))} channels removed, {share:.3f} of the multiply-adds are left")

    def state_dict(self) -> dict[str, Any]:
        return {"before": self._before, "at": self._at, "scores": self._scores}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before, self._at, self._scores = (state_dict[key] for key in ("before", "at", "scores"))
