"""Parts of a network that do not learn in the first steps, such as an optical flow that was trained before."""

from collections.abc import Mapping

from torch import nn

from sr.errors import InputError
from sr.say import warn

ALWAYS = "always"


class Frozen:
    """Keeps parameters as they are until a step.

    Their gradients are computed, so that DDP finds one for each parameter, and dropped before the optimizer's step: its moments
    start at the step at which the parameters do. Those that never learn need no gradient.

    Args:
        network: whose parameters; "always" takes their `requires_grad`.
        until: prefix of parameter names -> first step in which they learn, or "always".

    Raises:
        InputError: neither a number from 0 up nor "always".
    """

    def __init__(self, network: nn.Module, until: Mapping[str, int | str]) -> None:
        self._network = network
        self._waiting: list[tuple[int, str]] = []  # prefixes, because pruning replaces parameters
        for prefix, step in until.items():
            if step != ALWAYS and (type(step) is not int or step < 0):
                raise InputError(f"model.frozen_until.{prefix}={step}: pass a number of steps, or {ALWAYS}")
            named = [parameter for name, parameter in network.named_parameters() if name.startswith(prefix)]
            if not named:
                warn(f"model.frozen_until names {prefix}, but no parameter of the network has this prefix: ignored")
            elif step == ALWAYS:
                for parameter in named:
                    parameter.requires_grad_(False)
            else:
                self._waiting.append((step, prefix))

    def rest(self, step: int) -> None:
        """Drop the gradients of the parameters that do not learn in this step yet."""
        for prefix in (prefix for until, prefix in self._waiting if step < until):
            for name, parameter in self._network.named_parameters():
                if name.startswith(prefix):
                    parameter.grad = None
