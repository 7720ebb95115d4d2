"""Copies of ONNX graphs, which share nothing with what they were made of."""

from collections.abc import Iterable
from typing import Any


def copied(model: Any) -> Any:
    """A copy of an `onnx.ModelProto`."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def replace_nodes(model: Any, nodes: Iterable[Any]) -> None:
    """Give the graph these nodes, some of which may be its own, in this order."""
    import onnx

    made = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]  # clearing a graph empties its nodes
    del model.graph.node[:]
    model.graph.node.extend(made)
