"""Networks that were trained in 8 bits (sr/network/quantised.py): the file has their own ranges, and nothing is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sr.backend.facts import Facts
from sr.backend.files import opened
from sr.device.float32 import float32
from sr.errors import InputError
from sr.export import qdq, verify
from sr.export.int8 import saved
from sr.functional.resize import imresize
from sr.image.photograph import photograph
from sr.network.quantised import Quantised

_SIDE = 64  # LR pixels of the photograph on which a file is compared
_LEAST, _FREE = 0.8, 0.05  # of the trained network's own rounding, and levels, by which that of the file may differ


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
        say(f"int8 in {len(nodes)} convolutions, as trained")
        self._check(opened(made), name, say)

    @torch.no_grad()
    def _check(self, run: Callable[[Tensor], Tensor], name: str, say: Callable[[object], None]) -> None:
        """InputError: rounding moves a photograph farther, or less far, in the file than in the network that was trained.

        Single pixels cannot be compared: a change of 1e-6 flips codes, and each flip others, until they differ by levels.
        """
        multiple = self.network.multiple_of
        side = -(-_SIDE // multiple) * multiple
        lr = imresize(photograph(4 * side, self.network.channels), size=(side, side)).clamp(0, 1)
        with float32("cpu"):
            plain, trained = self.network.plain().eval()(lr), self.network.eval()(lr)
        ours, theirs = (float((sr - plain).square().mean().sqrt()) * verify.LEVELS for sr in (run(lr), trained))
        say(f"rounding moves a photograph by {ours:.2f} of 255 levels (root mean square), by {theirs:.2f} in training")
        if not _LEAST * theirs - _FREE <= ours <= theirs / _LEAST + _FREE:
            raise InputError(
                f"{name}: rounds by {ours:.3g} of 255 levels, the trained network by {theirs:.3g}: nothing was written"
            )
