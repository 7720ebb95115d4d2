"""Weights alone in 8 or 4 bits, for smaller files: features, and so most of the quality, stay in float."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sr.backend.facts import Facts
from sr.backend.files import opened
from sr.errors import InputError
from sr.export.graph import copied, replace_nodes
from sr.export.int8 import said_loss, saved
from sr.export.options import Int8
from sr.export.patches import Patches

BITS = {"weights8": 8, "weights4": 4}
OPSET = {8: 18, 4: 21}  # of ONNX, the oldest whose DequantizeLinear reads such weights
_BLOCK = 32  # inputs that share a scale in 4 bits; in 8 bits all inputs of an output channel do
_FEWEST = 1024  # values; smaller tensors are not worth a node


@dataclass(frozen=True)
class Weights:
    """Turns a float32 ONNX file into one with weights of few bits, and checks it."""

    bits: int
    options: Int8
    patches: Patches

    def in_float(self, network: nn.Module) -> nn.Module:
        """The network that is traced."""
        return network

    def write(self, source: Path, made: Path, facts: Facts, format: str, name: str, say: Callable[[object], None]) -> None:
        """Write `made`; says what it loses. See `sr.export.int8.Int8Job.write`."""
        import onnx

        before = self.patches.measured(opened(source))
        model, count = stored(onnx.load(str(source)), self.bits)
        if not count:
            raise InputError(f"quantise=weights{self.bits}: the network has no weights of {_FEWEST} values or more")
        saved(model, made, facts, format)
        say(f"{count} tensors of weights in {self.bits} bits")
        said_loss(before, self.patches.measured(opened(made)), self.options, name, say)


def stored(model: Any, bits: int) -> tuple[Any, int]:
    """A copy of the graph whose weights of convolutions and matrix products are codes, each with its DequantizeLinear, and
    their number."""
    import onnx

    copy = copied(model)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
    nodes = []
    for name, outputs, inputs in _weights(copy, tensors):
        weight = onnx.numpy_helper.to_array(tensors[name])
        codes, steps = coded(weight, bits, outputs, inputs)
        if bits == 8:
            packed = onnx.numpy_helper.from_array(codes, f"{name}.codes")
        else:
            packed = onnx.helper.make_tensor(f"{name}.codes", onnx.TensorProto.INT4, weight.shape, codes.flatten())
        made = [packed, onnx.numpy_helper.from_array(steps, f"{name}.steps")]
        copy.graph.initializer.remove(tensors[name])
        copy.graph.initializer.extend(made)
        where = {"axis": outputs} if bits == 8 else {"axis": inputs, "block_size": _BLOCK}
        parts = [one.name for one in made]
        nodes.append(onnx.helper.make_node("DequantizeLinear", parts, [name], f"{name}.float", **where))
    replace_nodes(copy, [*nodes, *copy.graph.node])
    return copy, len(nodes)


def coded(weight: np.ndarray, bits: int, outputs: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric codes, and the steps: in 8 bits one for each index of the axis `outputs`, in 4 bits one for each 32 values
    along the axis `inputs`."""
    top = 2 ** (bits - 1) - 1
    if bits == 8:
        others = tuple(axis for axis in range(weight.ndim) if axis != outputs)
        largest = np.abs(weight).max(axis=others, keepdims=True)
        steps = np.where(largest > 0, largest / top, 1).astype(np.float32)
        return np.round(weight / steps).astype(np.int8), steps.reshape(-1)
    starts = range(0, weight.shape[inputs], _BLOCK)
    largest = np.maximum.reduceat(np.abs(weight), list(starts), axis=inputs)
    steps = np.where(largest > 0, largest / top, 1).astype(np.float32)
    each = np.repeat(steps, _BLOCK, axis=inputs).take(range(weight.shape[inputs]), axis=inputs)
    return np.round(weight / each).astype(np.int8), steps


def _weights(model: Any, tensors: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(name, axis of the outputs, axis of the inputs) of each stored weight."""
    seen = set()
    for node in model.graph.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm") or node.input[1] not in tensors or node.input[1] in seen:
            continue
        tensor = tensors[node.input[1]]
        if tensor.data_type != 1 or len(tensor.dims) < 2 or np.prod(tensor.dims) < _FEWEST:  # 1: float32
            continue
        seen.add(node.input[1])
        turned = any(one.name == "transB" and one.i for one in node.attribute)
        first = node.op_type == "Conv" or turned
        count = len(tensor.dims)
        yield node.input[1], *((0, 1) if first else (count - 1, count - 2))
