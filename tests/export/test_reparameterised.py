"""Small networks as ONNX: what was trained wide is written as plain convolutions, one for each layer."""

import pytest

from sr.backend.facts import Facts
from sr.export.file import export
from sr.network.reparameterised import deployed
from tests.network.small import build

onnx = pytest.importorskip("onnx", reason='pip install ".[export]"')
pytest.importorskip("onnxruntime", reason='pip install ".[export]"')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "convolutions"), [("ecbsr_m4c8", 6), ("repsr_m4c16", 6), ("bicubic_pp", 4), ("abpn", 7), ("span_small", 22)]
)
def test_a_file_has_one_convolution_for_each_layer(tmp_path, name, convolutions):
    """`export` compares the file with the network at five sizes."""
    network = deployed(build(name, 2))
    facts = Facts(network.scale, network.multiple_of, network.channels, type(network).__name__, name)
    file = export(network, facts, tmp_path / f"{name}.onnx", say=lambda line: None)
    graph = onnx.load(file).graph
    assert sum(node.op_type == "Conv" for node in graph.node) == convolutions
