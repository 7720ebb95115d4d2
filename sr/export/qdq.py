"""Convolutions of an ONNX graph in 8 bits, as QuantizeLinear and DequantizeLinear nodes, by ONNX Runtime's own writer."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from sr.export.calibrate import Range
from sr.export.graph import copied, replace_nodes
from sr.network.quantised import weight_codes


def convolutions(model: Any) -> dict[str, Any]:
    """Layer -> its Conv node, in the order of the graph, of all whose weights are stored in the graph.

    A layer has the name of its module in PyTorch (body.2), or that of its node if its weights have another one.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    found: dict[str, Any] = {}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in stored:
            name = node.input[1].removesuffix(".weight") if node.input[1].endswith(".weight") else node.name
            found[name if name not in found else node.name] = node  # weights that two convolutions share
    return found


def tensors_of(nodes: Collection[Any], outputs: bool) -> list[str]:
    """The features that become 8-bit codes: those that enter the convolutions, with `outputs` also those that leave them."""
    names = [name for node in nodes for name in (node.input[0], *(node.output if outputs else ()))]
    return list(dict.fromkeys(names))


def prepared(model: Any) -> Any:
    """The graph with the types of all its features, which the writer needs."""
    import onnx

    return onnx.shape_inference.infer_shapes(model)


def separated(model: Any, layers: Collection[str]) -> Any:
    """A copy of the graph in which the input of each of these convolutions has a name, and so a range, of its own."""
    import onnx

    copy = copied(model)
    names = {node.name: layer for layer, node in convolutions(copy).items() if layer in layers}
    nodes = []
    for node in copy.graph.node:
        if node.name in names:
            own = f"{names[node.name]}.input"
            nodes.append(onnx.helper.make_node("Identity", [node.input[0]], [own], name=own))
            node.input[0] = own
        nodes.append(node)
    replace_nodes(copy, nodes)
    return copy


def quantised(model: Any, nodes: Collection[Any], ranges: Mapping[str, Range], *, outputs: bool, reduce_range: bool) -> Any:
    """A copy of the graph in which these convolutions have 8-bit inputs and weights; biases are 32-bit.

    Args:
        model: `prepared`.
        ranges: of the features named by `tensors_of`.
        outputs: whether what leaves a convolution is stored in 8 bits too: ONNX Runtime needs it to compute with integers.
        reduce_range: 7 bits for weights, one sign each. Sums of 8-bit products saturate on CPUs with AVX2 or AVX-512 and
            without VNNI.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    copy = copied(model)
    if not nodes:  # an empty list means all nodes to the writer
        return copy
    known = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    writer = QDQQuantizer(
        copy,
        True,  # a scale for each output channel
        reduce_range,
        QuantType.QInt8,
        QuantType.QUInt8,
        TensorsData(CalibrationMethod.MinMax, known),
        [node.name for node in nodes],
        [],
        ["Conv"],
        {} if outputs else {"OpTypesToExcludeOutputQuantization": ["Conv"]},
    )
    writer.quantize_model()
    writer.model.topological_sort()
    return writer.model.model


def corrected(model: Any, nodes: Collection[Any], means: Mapping[str, np.ndarray], *, reduce_range: bool) -> Any:
    """A copy of the graph whose biases take back the mean change that rounding the weights makes to each output channel.

    Nagel et al.: Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, arXiv:1906.04721, section 4.2,
    with the means (C,) of the input channels measured on calibration images.
    """
    import onnx

    copy = copied(model)
    stored = {tensor.name: tensor for tensor in copy.graph.initializer}
    for node in nodes:
        if len(node.input) < 3 or node.input[2] not in stored:
            continue
        weight, bias = (onnx.numpy_helper.to_array(stored[name]) for name in node.input[1:3])
        mean = means[node.input[0]].reshape(-1, weight.shape[1])  # (groups, inputs of a group)
        change = (rounded(weight, reduce_range) - weight).sum((2, 3))  # (outputs, inputs of a group)
        shift = np.einsum("gok,gk->go", change.reshape(len(mean), -1, weight.shape[1]), mean).reshape(-1)
        stored[node.input[2]].CopyFrom(onnx.numpy_helper.from_array((bias - shift).astype(bias.dtype), node.input[2]))
    return copy


def rounded(weight: np.ndarray, reduce_range: bool) -> np.ndarray:
    """Weights (O, ...) as `quantised` stores them: symmetric codes, with the largest of each output channel at the end."""
    step = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True) / weight_codes(reduce_range)
    step = np.where(step > 0, step, 1)
    return np.round(weight / step) * step
