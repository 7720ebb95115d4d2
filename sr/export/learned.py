"""Networks that were trained in 8 bits (sr/network/quantised.py): the file has their own ranges, and nothing is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from sr.backend.facts import Facts
from sr.backend.files import opened
from sr.errors import InputError
from sr.export import qdq, verify
from sr.export.int8 import saved
from sr.network.quantised import Quantised


@dataclass(frozen=True)
class Learned:
    """Turns a float32 ONNX file of the trained weights into an 8-bit file, and checks it against the network."""

    network: Quantised

    def in_float(self, network: nn.Module) -> nn.Module:
        """The network that is traced."""
        return self.network.plain()

    def write(self, source: Path, made: Path, facts: Facts, format: str, name: str, say: Callable[[object], None]) -> None:
        """Write `made`; says how far it is from the network in training. See `sr.export.int8.Int8Job.write`."""
        import onnx

        learned = self.network.learned()
        model = onnx.load(str(source))
        if lost := [layer for layer in learned if layer not in qdq.convolutions(model)]:
            raise InputError(f"{name}: {lost[0]} is no convolution of the graph: pass its name in model.float_layers")
        model = qdq.prepared(qdq.separated(model, learned))
        nodes = {layer: node for layer, node in qdq.convolutions(model).items() if layer in learned}
        ranges = {nodes[layer].input[0]: ends for layer, ends in learned.items()}
        model = qdq.quantised(model, nodes.values(), ranges, outputs=False, reduce_range=self.network.reduce_range)
        saved(model, made, facts, format)
        say(f"int8 in {len(nodes)} convolutions, as trained; difference from the trained network:")
        for found in verify.differences(self.network, opened(made)):
            verify.check(found, "int8", name)
            say(found)
