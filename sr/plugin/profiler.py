"""Training time by phase, from the names of Lightning's profiled actions."""

import time
from collections.abc import Callable

from pytorch_lightning.profilers import Profiler

REST = "logging and the rest"
# Phase -> suffixes of its actions' names; in nested actions each second counts for the innermost one listed here.
PHASES = {
    "waiting for data": ("train_dataloader_next",),
    "copy to the device": ("batch_to_device", "transfer_batch_to_device"),
    "degradation, augmentation": ("on_after_batch_transfer",),
    "forward, losses": (".training_step",),
    "backward": (".backward",),
    "optimizer, average of weights": ("optimizer_step", "optimizer_zero_grad", "configure_gradient_clipping", "optimizer"),
}


class Phases(Profiler):
    """Adds up seconds per phase from its creation on; the time outside all actions of `PHASES` is the REST.

    Args:
        synchronise: waits for the device when the phase changes, so that its work is counted in the phase that started it.
            None on a CPU.
    """

    def __init__(self, synchronise: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.seconds = dict.fromkeys([*PHASES, REST], 0.0)
        self._synchronise = synchronise
        self._open = [REST]
        self._paused = False
        self._since = time.perf_counter()

    def start(self, action_name: str) -> None:
        if self._paused and action_name.endswith(PHASES["waiting for data"]):
            self._paused, self._since = False, time.perf_counter()
        elif action_name.endswith(".val_dataloader"):  # the first validation starts before its hook is called
            self.pause()
        self._change(lambda: self._open.append(phase(action_name) or self._open[-1]))

    def stop(self, action_name: str) -> None:
        if len(self._open) > 1:  # an action that started before this object was created
            self._change(lambda: self._open.pop())

    def pause(self) -> None:
        """The time from here to the request for the next batch is not training."""
        if not self._paused:
            self._charge()
        self._paused = True

    def _change(self, step: Callable[[], object]) -> None:
        if not self._paused:
            self._charge()
        step()

    def _charge(self) -> None:
        if self._synchronise is not None:
            self._synchronise()
        now = time.perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


def phase(action: str) -> str | None:
    """The phase of a Lightning action such as `[Strategy]DDPStrategy.backward`."""
    if action.startswith("[Callback]"):
        return REST
    return next((name for name, endings in PHASES.items() if action.endswith(endings)), None)
