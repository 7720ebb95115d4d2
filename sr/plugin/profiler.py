"""The seconds of training by what is done in them, from the names that Lightning gives its own actions."""

import time
from collections.abc import Callable

from pytorch_lightning.profilers import Profiler

REST = "logging and the rest"
# Phase -> how the names of its actions end; of nested actions each second belongs to the innermost that is named here.
PHASES = {
    "waiting for data": ("train_dataloader_next",),
    "copy to the device": ("batch_to_device", "transfer_batch_to_device"),
    "degradation, augmentation": ("on_after_batch_transfer",),
    "forward, losses": (".training_step",),
    "backward": (".backward",),
    "optimizer, average of weights": ("optimizer_step", "optimizer_zero_grad", "configure_gradient_clipping", "optimizer"),
}


class Phases(Profiler):
    """Adds up seconds by phase, from its making on; what no action of `PHASES` covers is the REST.

    Args:
        synchronise: waits for the device, where one phase changes to another, so that its work is counted where it is asked
            for. None on a CPU.
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
        elif action_name.endswith(".val_dataloader"):  # the first validation begins before its own hook is called
            self.pause()
        self._change(lambda: self._open.append(phase(action_name) or self._open[-1]))

    def stop(self, action_name: str) -> None:
        if len(self._open) > 1:  # an action that began before this was made
            self._change(lambda: self._open.pop())

    def pause(self) -> None:
        """What follows is no training, until its next batch is asked for."""
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
    """The phase of an action of Lightning, `[Strategy]DDPStrategy.backward` for instance."""
    if action.startswith("[Callback]"):
        return REST
    return next((name for name, endings in PHASES.items() if action.endswith(endings)), None)
