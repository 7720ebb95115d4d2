"""Capabilities of each network: the lines of sr/network/capabilities.yaml, which are measured, not typed.

bench/capabilities.py measures every file of conf/network and writes the lines; tests/network/test_capability.py measures them
again. A network without a line is not restricted.
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
LIMIT = 0.02  # largest relative error of half precision that counts as working: bf16 has 8 bits of mantissa
HALF = {"16": "float16", "bf16": "bfloat16"}  # names of precisions in predict.py


@dataclass(frozen=True)
class Capability:
    """The measured capabilities of one network.

    Args:
        kind: class of the network.
        parameters: at x4, those used in evaluation.
        multiple_of: height and width are padded to multiples of it.
        smallest: side of the smallest image that can be upscaled, in LR pixels.
        bfloat16, float16: relative error against float32 under autocast; None: not finite, or it does not run.
        reach: radius of the receptive field in LR pixels; tiles with an overlap of 4 times as much equal the whole image.
            None: unlimited (attention or pooling over the image), or too large to be measured.
        compile: relative error with torch.compile; "fails"; None: not tried.
        channels_last: relative error in that memory format.
        export: largest difference of the ONNX file from the network, in 8-bit levels before rounding (sr/export/verify.py);
            "fails: reason"; None: not tried.
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
    export: float | str | None = None

    def works_in(self, precision: str) -> bool:
        """Whether "16", "bf16" or "32" gives the float32 image up to rounding."""
        error = getattr(self, HALF[precision]) if precision in HALF else 0.0
        return error is not None and error < LIMIT

    def fault(self, precision: str) -> str:
        """What goes wrong in half precision, in words."""
        error = getattr(self, HALF[precision])
        what = "gives no finite image" if error is None else f"is off by {error:.0%}"
        return f"{self.kind} {what} in {HALF[precision]}"


def stored() -> dict[str, dict[str, Any]]:
    """The content of the file: network (a stem of conf/network) -> its line."""
    return (yaml.safe_load(FILE.read_text()) or {}) if FILE.is_file() else {}


@cache
def lines() -> dict[str, Capability]:
    """The same as objects, cached."""
    return {name: Capability(**line) for name, line in stored().items()}


def of(network: nn.Module) -> Capability | None:
    """The line for a network: of the lines with its class, the one nearest in number of parameters. None: no line."""
    known = [line for line in lines().values() if line.kind == type(network).__name__]
    return min(known, key=lambda line: abs(line.parameters - parameters(network)), default=None)


def check_precision(network: nn.Module, precision: str) -> None:
    """Refuse half precision for networks where it is known to fail.

    Raises:
        InputError: one line that says what happens and what to choose.
    """
    if (own := getattr(network, "own_precision", None)) is not None and precision != "32":  # sr/backend/exported.py
        raise InputError(
            f"precision={precision}: an exported file computes in its own precision, {own}: remove it, and pass it to export.py"
        )
    line = of(network)
    if line is None or line.works_in(precision):
        return
    other = next(choice for choice in ("bf16", "32") if line.works_in(choice))
    raise InputError(f"precision={precision}: {line.fault(precision)}; choose precision={other}")


def automatic(network: nn.Module, device: str) -> tuple[str, str]:
    """What `precision=auto` is for predict.py on a device of this type, "16" or "32", and the reason."""
    if device != "cuda":
        return "32", f"on the device {device}"
    if (own := getattr(network, "own_precision", None)) is not None:
        return "32", f"an exported file computes in its own precision, {own}"
    if (line := of(network)) is None:
        return "32", f"{type(network).__name__} was never measured in half precision"
    return ("16", f"measured to be off by {line.float16:.2%}") if line.works_in("16") else ("32", line.fault("16"))
