"""What an exported file says about its network, as JSON text in the file's own metadata."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from torch import nn

from sr.errors import InputError
from sr.infer.upscaler import channels

KEY = "sr"  # the name of the entry in a file's metadata
LARGEST = 1024  # of scale, multiple_of and channels: a file that says more is not tried


@dataclass(frozen=True)
class Facts:
    """The metadata of an exported file.

    Args:
        scale: HR pixels per LR pixel.
        multiple_of: height and width of LR are multiples of it.
        channels: bands of the image.
        network: class of the network.
        name: name of the run or of the released file.
        sha256: hash of the file that the weights came from; "" for weights of no file.
        licence: of the weights; "" if it was not passed.
        precision: "32", "16", "bf16" or the number of bits of the weights, such as "int8".
        parameters: how many the network has; 0: unknown.
        multiply_adds: for an output of 1280x720, 8-bit ones among them; 0: unknown.
        weights: hash of the weights in this very file; "": not known. A file with others is damaged.
        run: as far as test.py needs it, what a checkpoint contains about its run; {} for released weights.
    """

    scale: int
    multiple_of: int
    channels: int
    network: str
    name: str
    sha256: str = ""
    licence: str = ""
    precision: str = "32"
    parameters: int = 0
    multiply_adds: float = 0.0
    weights: str = ""
    run: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, network: nn.Module, /, **others: Any) -> "Facts":
        """Those of a network in memory; its name is that of its class unless `others` say more."""
        kind = type(network).__name__
        found = {"scale": network.scale, "multiple_of": network.multiple_of, "channels": channels(network)}
        return cls(**found | {"network": kind, "name": kind} | others)

    def text(self) -> str:
        return json.dumps(asdict(self))


def parsed(text: str | None, path: str | Path, weights: Callable[[], str]) -> Facts | None:
    """The facts in a file's metadata; None if the file has none, as those of other programs.

    Args:
        weights: the hash of the weights in the file.

    Raises:
        InputError: the text is not that of `Facts.text`; the weights are not those that were written.
    """
    if text is None:
        return None
    try:
        content = json.loads(text)
        if not isinstance(content, Mapping):
            raise ValueError("it is no object")
        for one in fields(Facts):
            if one.name in content and type(content[one.name]) is not (get_origin(one.type) or one.type):
                raise ValueError(f"{one.name} is {content[one.name]!r}")
        facts = Facts(**content)
        if not all(1 <= one <= LARGEST for one in (facts.scale, facts.multiple_of, facts.channels)):
            raise ValueError(f"scale, multiple_of and channels are not all from 1 to {LARGEST}")
        if not isinstance(facts.run.get("config", {}), Mapping):
            raise ValueError("the config of its run is no object")
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: its metadata {KEY} is not that of an exported network ({error})") from None
    if facts.weights not in ("", weights()):
        raise InputError(
            f"{path}: its weights are not those that were written: it is damaged, or of two exports; export it again. If "
            f"another program changed it on purpose, remove its metadata {KEY}"
        )
    return facts
