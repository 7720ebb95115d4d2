"""ONNX files of others, made by the onnx package: what is run, and what is refused in one line that names the file."""

import numpy as np
import pytest
import torch

from sr.backend.facts import KEY, Facts
from sr.backend.files import facts, opened
from sr.backend.onnx import CUDA, checked, providers, weights_of
from sr.errors import InputError, MissingError
from sr.infer.upscaler import upscale
from sr.predict.size import resized
from sr.predict.video_parts import fingerprint
from sr.report.costs import Cost, identity, sizes
from sr.weights.load import load

onnx = pytest.importorskip("onnx", reason='pip install ".[export]"')
pytest.importorskip("onnxruntime", reason='pip install ".[export]"')
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT


def model(path, *, channels=3, sides=("h", "w"), factor=2.0, op="Resize", domain="", said=None, outputs=("sr",)):
    """Nearest neighbours by ONNX's Resize."""
    scales = onnx.numpy_helper.from_array(np.array([1, 1, factor, factor], np.float32), "scales")
    attributes = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    node = helper.make_node(op, ["lr", "", "scales"], ["sr"], domain=domain, **(attributes if op == "Resize" else {}))
    values = [helper.make_tensor_value_info("lr", FLOAT, ["n", channels, *sides])]
    made = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    graph = helper.make_graph([node], "nearest", values, made, [scales])
    domains = [helper.make_opsetid("", 18)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    whole = helper.make_model(graph, opset_imports=domains, ir_version=10)
    if said is not None:
        helper.set_model_props(whole, {KEY: said})
    onnx.save(whole, str(path))
    return path


def image(height=20, width=30, channels=3):
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def repeated(lr, factor=2):
    return lr.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


def test_a_file_of_others_runs_and_its_scale_is_found(tmp_path):
    with pytest.warns(UserWarning, match="has no metadata of ours; it enlarged an image of 3 channels by 3"):
        network = opened(model(tmp_path / "a.onnx", factor=3.0))
    assert network.scale == 3 and facts(tmp_path / "a.onnx") is None
    assert torch.equal(network(image()), repeated(image(), 3))
    torch.testing.assert_close(upscale(network, image(50, 40), tile=24, overlap=8), repeated(image(50, 40), 3))


def test_weights_other_than_those_written_are_refused(tmp_path):
    """A file of two exports, or one of which a bit was flipped, opens without an error, and its image is wrong."""
    right = weights_of(checked(model(tmp_path / "a.onnx")))
    said = Facts(2, 1, 3, "Nearest", "nearest", weights=right)
    assert opened(model(tmp_path / "a.onnx", said=said.text())).facts == said
    with pytest.raises(InputError, match="b.onnx: its weights are not those that were written: it is damaged"):
        opened(model(tmp_path / "b.onnx", factor=2.0000002, said=said.text()))


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_sizes_are_those_of_the_metadata_and_each_file_has_its_own_time(tmp_path):
    """For the report, which times networks alike once."""
    said = Facts(2, 1, 3, "Nearest", "nearest", parameters=12, multiply_adds=3e9).text()
    one, two = opened(model(tmp_path / "a.onnx", said=said)), opened(model(tmp_path / "b.onnx", sides=(24, 24)))
    assert sizes(one) == Cost(12, 3e9) and sizes(two) == Cost(None, None)
    assert identity(one) != identity(opened(model(tmp_path / "c.onnx", said=said))) == identity(opened(tmp_path / "c.onnx"))


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_messages_name_the_network_and_else_the_file(tmp_path):
    said = Facts(2, 1, 3, "Nearest", "nearest").text()
    for network, name in (
        (opened(model(tmp_path / "a.onnx", said=said)), "Nearest"),
        (opened(model(tmp_path / "b.onnx", sides=(24, 24))), "b.onnx"),
        (opened(model(tmp_path / "c.onnx", channels=1)), "c.onnx"),
    ):
        assert resized(network, 3, None).startswith(f"{name} upscales by 2: its results are resized to outscale=3")


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_a_stopped_video_goes_on_with_the_same_file_alone(tmp_path):
    """Exported networks have no weights of their own that would tell them apart."""
    one, other = (model(tmp_path / name, said=Facts(2, 1, 3, "Nearest", name).text()) for name in ("a.onnx", "b.onnx"))
    found = fingerprint(opened(one))
    assert found != fingerprint(opened(other)) and found == fingerprint(opened(one.rename(tmp_path / "c.onnx")))


def test_it_runs_where_the_network_is(tmp_path):
    """The build for GPUs offers CUDA for device=cpu too."""
    offered = ["TensorrtExecutionProvider", CUDA, "CPUExecutionProvider"]
    assert providers(torch.device("cpu"), offered) == ["CPUExecutionProvider"]
    assert providers(torch.device("cuda:1"), offered) == [(CUDA, {"device_id": 1}), "CPUExecutionProvider"]
    assert providers(torch.device("cuda"), offered[2:]) == ["CPUExecutionProvider"]
    network = opened(model(tmp_path / "a.onnx", sides=(24, 24)))
    before = network.network._session
    assert torch.equal(network.to("meta")(image()), repeated(image())) and network.network._session is not before


@pytest.mark.filterwarnings("ignore:.*has no metadata")
@pytest.mark.parametrize("size", [(20, 30), (7, 50), (64, 64), (24, 24), (100, 31)])
def test_a_graph_of_one_size_takes_any(tmp_path, size):
    network = opened(model(tmp_path / "a.onnx", sides=(24, 24)))
    assert torch.equal(network(image(*size)), repeated(image(*size)))


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_one_channel_is_luma(tmp_path):
    with pytest.warns(UserWarning, match="taken as luma"):
        network = opened(model(tmp_path / "a.onnx", channels=1))
    assert network.channels == 3 and network(image()).shape == (1, 3, 40, 60)
    gray = image(channels=1)
    assert torch.equal(network(gray), repeated(gray))


def test_what_is_refused(tmp_path):
    def says(match, error=InputError, **options):
        with pytest.raises(error, match=match):
            opened(model(tmp_path / "a.onnx", **options))

    says(r"a.onnx: has the operator evil.Run, which is not one of ONNX; nothing was run", op="Run", domain="evil")
    says(r"a.onnx: turns \(1, 3, 24, 64\) into \(1, 3, 36, 96\), which is no enlarged image", factor=1.5)
    says(r"a.onnx: its metadata sr is not that of an exported network", said="{")
    says(r"a.onnx: its metadata sr is not that .*scale is '2'", said='{"scale": "2"}')
    right = Facts(2, 1, 3, "Nearest", "nearest")
    says(r"a.onnx: enlarges by 3, its metadata says 2", said=right.text(), factor=3.0)
    says(r"a.onnx: its graph takes 4 channels, its metadata says 3", said=right.text(), channels=4)
    says(r"a.onnx: the number of channels of its input is not fixed", channels="c")
    says(r"a.onnx: its graph takes images of 0x0 pixels", sides=(0, 0))
    for facts_ in (Facts(2, 10**9, 3, "N", "n").text(), "[" * 100_000, Facts(2, 1, 3, "N", "n", run={"config": "x"}).text()):
        says(r"a.onnx: its metadata sr is not that of an exported network", said=facts_)
    assert opened(model(tmp_path / "b.onnx", said=right.text())).facts == right
    (tmp_path / "c.onnx").write_bytes((tmp_path / "b.onnx").read_bytes()[:60])
    with pytest.raises(InputError, match="c.onnx: (not an ONNX file|ONNX Runtime cannot)"):
        opened(tmp_path / "c.onnx")
    with pytest.raises(MissingError, match="d.onnx: no such file"):
        opened(tmp_path / "d.onnx")


@pytest.mark.filterwarnings("ignore:.*has no metadata")
@pytest.mark.parametrize("high", [255.0, 0.0])
def test_a_file_of_others_that_gives_another_range_is_refused(tmp_path, high):
    """Pixels up to 255 would become a white picture, a residual alone a black one."""
    path = model(tmp_path / "a.onnx")
    assert load(path).scale == 2
    whole = onnx.load(str(path))
    whole.graph.node[0].output[0] = "small"
    whole.graph.initializer.append(onnx.numpy_helper.from_array(np.array(high, np.float32), "high"))
    whole.graph.node.append(helper.make_node("Mul", ["small", "high"], ["sr"]))
    onnx.save(whole, str(path))
    with pytest.raises(InputError, match=r"a.onnx: does not enlarge a photograph \(.*expected RGB in \[0, 1\]"):
        load(path)


def external(tmp_path, place):
    """A file in a folder, whose tensor names a data file; beside the folder lies a secret."""
    (tmp_path / "secret").write_bytes(b"0" * 64)
    path = model(tmp_path / "models" / "a.onnx")
    whole = onnx.load(str(path))
    (tensor,) = whole.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", place
    path.write_bytes(whole.SerializeToString())
    return path


@pytest.mark.parametrize("place", ["../secret", "/etc/passwd", "sub/../../secret", "C:\\secret"])
def test_no_data_file_outside_the_folder_is_read(tmp_path, place):
    (tmp_path / "models").mkdir()
    with pytest.raises(InputError, match="is outside its folder; nothing was read"):
        opened(external(tmp_path, place))


def test_a_data_file_that_is_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="is outside its folder"):
        opened(external(tmp_path, "weights"))


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_an_image_on_which_the_program_fails_is_named(tmp_path):
    network = opened(model(tmp_path / "a.onnx"))
    network.run = lambda lr: network._session.run(None, {"other": lr})[0]  # ONNX Runtime's own error
    with pytest.raises(InputError, match=r"a.onnx: ONNX Runtime fails on an image of 30x20 pixels \(.*other"):
        network(image())
    network.run = lambda lr: lr
    with pytest.raises(InputError, match=r"fails on an image of 30x20 pixels \(it gave \(1, 3, 20, 30\)\)"):
        network(image())
