"""Post-training quantisation to 8 bits: calibration, what each layer costs in dB, and the choice of layers that stay float.

Small networks for super-resolution lose a lot in a few layers, often the first and the last ones, and little in the others.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, from_numpy, nn

from sr.backend.facts import Facts
from sr.backend.files import opened
from sr.backend.onnx import session
from sr.errors import InputError
from sr.export import qdq
from sr.export.calibrate import Features, Range
from sr.export.options import Int8
from sr.export.patches import Patches


class Quantiser:
    """Makes 8-bit variants of a graph and measures them on held-out patches.

    Args:
        model: `onnx.ModelProto` of the network in float32.
        patches: of photographs.
        options: see there; `outputs` is True or False.
        say: called with each line of progress.

    Raises:
        InputError: the graph has no convolutions.
    """

    def __init__(
        self,
        model: Any,
        patches: Patches,
        options: Int8,
        say: Callable[[object], None] = print,
    ) -> None:
        self.model, self.patches, self.options, self.say = qdq.prepared(model), patches, options, say
        self.nodes = qdq.convolutions(self.model)
        if not self.nodes:
            raise InputError("quantise=int8: the network has no convolutions with weights of their own; use quantise=weights8")
        tensors = qdq.tensors_of(self.nodes.values(), bool(options.outputs))
        found = Features(self.model, tensors, patches.calibration())
        self.means = found.means
        self.ranges: Mapping[str, Range] = found.ranges(options.calibration)
        # Attention of whole channels convolves features of one pixel: 8 bits would not make that faster.
        self.pooled = [name for name, node in self.nodes.items() if found.pixels[node.input[0]] == 1]
        self.whole = self.results(self.model)
        self.psnr = patches.psnr(self.whole)

    def without(self, layers: Collection[str]) -> Any:
        """The graph with all convolutions in 8 bits, except these and those of pooled features."""
        return self._made([name for name in self.nodes if name not in layers and name not in self.pooled])

    def _made(self, layers: Collection[str]) -> Any:
        nodes, reduce = [self.nodes[name] for name in layers], self.options.reduce_range
        model = qdq.corrected(self.model, nodes, self.means, reduce_range=reduce) if self.options.correct_bias else self.model
        return qdq.quantised(model, nodes, self.ranges, outputs=bool(self.options.outputs), reduce_range=reduce)

    def results(self, model: Any) -> list[Tensor]:
        """SR of the held-out patches."""
        run, name = session(model.SerializeToString()), model.graph.input[0].name
        return self.patches.results(lambda lr: from_numpy(run.run(None, {name: lr.numpy()})[0]))

    def loss(self, model: Any) -> float:
        """Estimated dB below the graph in float32; see `Patches.lost`."""
        return self.patches.lost(self.results(model), self.whole)

    def sensitivities(self) -> dict[str, float]:
        """Layer -> dB lost with this one alone in 8 bits, in the order of the graph; said line by line."""
        found = {}
        layers = [name for name in self.nodes if name not in self.pooled]
        for number, name in enumerate(layers, 1):
            found[name] = self.loss(self._made([name]))
            self.say(f"  {number}/{len(layers)} {name}: {found[name]:.3f} dB")
        return found

    def chosen(self) -> list[str]:
        """The layers that stay in float: the fewest of the most sensitive ones with which the loss is at most `options.loss`.

        Raises:
            InputError: `float_layers` names a layer that does not exist; one layer alone in 8 bits loses too much.
        """
        if self.options.float_layers is not None:
            for name in self.options.float_layers:
                if name not in self.nodes:
                    raise InputError(f"int8.float_layers: no convolution {name}; there are {', '.join(self.nodes)}")
            return list(self.options.float_layers)
        self.say(f"float32: {self.psnr:.3f} dB on held-out patches; dB lost with one layer alone in int8:")
        found = self.sensitivities()
        order = sorted(found, key=found.get, reverse=True)
        low, high = 0, len(order)  # the loss falls with the number of layers in float, so few of them are tried
        while low < high:
            tried = (low + high) // 2
            loss = self.loss(self.without(order[:tried]))
            self.say(f"  {tried} layers in float: {loss:.3f} dB lost")
            low, high = (low, tried) if loss <= self.options.loss else (tried + 1, high)
        if low == len(order):
            raise InputError(f"quantise=int8: each layer loses more than int8.loss={self.options.loss} dB: pass a larger one")
        return [name for name in self.nodes if name in order[:low]]


def saved(model: Any, made: Path, facts: Facts, format: str) -> None:
    """Write the graph as ONNX, and from it as OpenVINO's files."""
    from sr.export.onnx import save

    save(model, made.with_suffix(".onnx"), facts)
    if format == "openvino":
        from sr.export import openvino

        openvino.write(made.with_suffix(".onnx"), made, facts)


def said_loss(before: float, after: float, options: Int8, name: str, say: Callable[[object], None]) -> None:
    """Say the PSNR in float32 and that of the file on held-out patches. InputError: more than `largest_loss` dB are lost."""
    loss = before - after
    if not loss <= options.largest_loss:
        raise InputError(
            f"{name}: loses {loss:.2f} dB on held-out patches; at most int8.largest_loss={options.largest_loss} is kept: "
            "nothing was written"
        )
    say(f"held-out patches: float32 {before:.3f} dB, this file {after:.3f} dB: {loss:.3f} dB lost")


@dataclass(frozen=True)
class Int8Job:
    """Turns a float32 ONNX file into an 8-bit file by calibration, and checks it."""

    options: Int8
    patches: Patches

    def in_float(self, network: nn.Module) -> nn.Module:
        """The network that is traced."""
        return network

    def write(self, source: Path, made: Path, facts: Facts, format: str, name: str, say: Callable[[object], None]) -> None:
        """Write `made`; says which convolutions stay in float, and what the file loses.

        Args:
            source: FILE.onnx in float32.
            format: onnx or openvino.
            name: of the file, for messages.

        Raises:
            InputError: as `Quantiser` and `chosen`; the file loses more than `largest_loss`.
        """
        import onnx

        outputs = format == "onnx" if self.options.outputs is None else self.options.outputs
        quantiser = Quantiser(onnx.load(str(source)), self.patches, replace(self.options, outputs=outputs), say)
        layers = quantiser.chosen()
        model = quantiser.without(layers)
        saved(model, made, facts, format)
        kept = [one for one in quantiser.nodes if one in {*layers, *quantiser.pooled}]
        count = len(quantiser.nodes)
        say(f"int8 in {count - len(kept)} of {count} convolutions; in float: {', '.join(kept) or 'none'}")
        said_loss(quantiser.psnr, self.patches.measured(opened(made)), self.options, name, say)
