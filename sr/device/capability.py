"""What a network can do beside enlarging: the lines of sr/network/capabilities.yaml, which were measured and not typed.

bench/capabilities.py tries everything out on every file of conf/network and writes the lines; tests/network/test_capability.py
tries it again. A network that is not among them is not judged.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from sr.device.count import parameters
from sr.errors import InputError

FILE = Path(__file__).resolve().parent.parent / "network" / "capabilities.yaml"
LIMIT = 0.02  # relative error of half precision that is still called working: bf16 has 8 bits of mantissa
HALF = {"16": "float16", "bf16": "bfloat16"}  # predict.py's names of precisions


@dataclass(frozen=True)
class Capability:
    """One network's line.

    Args:
        kind: class of the network.
        parameters: at x4, those that evaluation uses.
        multiple_of: what height and width are padded to.
        smallest: side of the smallest image that can be enlarged, in LR pixels.
        bfloat16, float16: relative error against float32 under autocast; None: not finite, or it does not run.
        reach: how far an LR pixel is felt, in LR pixels; with an overlap of 4 times as much, tiles give what the whole image
            gives. None: everywhere (attention or pooling over the image), or farther than could be measured.
        compile: relative error of torch.compile's network; "fails"; None: not tried.
        channels_last: relative error in that memory format.
    """

    kind: str
    parameters: int
    multiple_of: int
    smallest: int
    bfloat16: float | None
    float16: float | None
    reach: int | None
    compile: float | str | None
    channels_last: float

    def works_in(self, precision: str) -> bool:
        """Whether "16" or "bf16" (or "32") gives the image that float32 gives, but for rounding."""
        error = getattr(self, HALF[precision]) if precision in HALF else 0.0
        return error is not None and error < LIMIT

    def fault(self, precision: str) -> str:
        """What happens in half precision, in words."""
        error = getattr(self, HALF[precision])
        what = "gives no finite image" if error is None else f"is off by {error:.0%}"
        return f"{self.kind} {what} in {HALF[precision]}"


def stored() -> dict[str, dict[str, Any]]:
    """What the file holds: network (a stem of conf/network) -> its line."""
    return (yaml.safe_load(FILE.read_text()) or {}) if FILE.is_file() else {}


@cache
def lines() -> dict[str, Capability]:
    """The same as objects, read once."""
    return {name: Capability(**line) for name, line in stored().items()}


def of(network: nn.Module) -> Capability | None:
    """The line of a network: of those of its class the nearest in parameters. None: there is none."""
    known = [line for line in lines().values() if line.kind == type(network).__name__]
    return min(known, key=lambda line: abs(line.parameters - parameters(network)), default=None)


def check_precision(network: nn.Module, precision: str) -> None:
    """Refuse half precision where it is known to break.

    Raises:
        ValueError: one line that says what happens and what to choose.
    """
    line = of(network)
    if line is None or line.works_in(precision):
        return
    other = next(choice for choice in ("bf16", "32") if line.works_in(choice))
    raise InputError(f"precision={precision}: {line.fault(precision)}; choose precision={other}")
