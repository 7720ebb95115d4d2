"""quantise=int8: the layers that are sensitive stay in float, and the file loses what it says."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from sr.backend.facts import KEY, Facts
from sr.backend.files import facts, opened
from sr.backend.onnx import session
from sr.build.exported import export_quantise
from sr.errors import InputError, MissingError
from sr.export.calibrate import STEPS, Features, least_error, percentile
from sr.export.file import export
from sr.export.int8 import Int8Job
from sr.export.options import Int8
from sr.export.patches import Patches
from sr.export.qdq import convolutions, corrected, quantised, rounded
from sr.export.weights import OPSET, stored
from sr.image.kind import PHOTO
from sr.image.photograph import photograph
from sr.network.compact import Compact
from tests.jobs import compose

onnx = pytest.importorskip("onnx", reason='pip install ".[export]"')
runtime = pytest.importorskip("onnxruntime", reason='pip install ".[export]"')

ABOUT = Facts(2, 1, 3, "Hand", "hand", precision="int8")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Six photographs of 96x96 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    pixels = (photograph(192, 3)[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    for number in range(6):
        top = 16 * number
        PIL.Image.fromarray(pixels[top : top + 96, top : top + 96]).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def graph() -> Any:
    """Four convolutions and nearest-neighbour upsampling, x2, of random weights; the last layer is sensitive: one channel of
    its output is 20, so that 8 bits have steps of 0.08, and the others are 0.03, which is subtracted again."""
    make, rng = onnx.helper.make_node, np.random.default_rng(0)
    shift = np.array([20] + [0.03] * 11, np.float32)
    weights: dict[str, np.ndarray] = {"scales": np.array([1, 1, 2, 2], np.float32), "shift": shift.reshape(12, 1, 1)}
    nodes, last, channels = [], "lr", 3
    for i, outputs in enumerate((8, 8, 8, 12)):
        weight = rng.normal(size=(outputs, channels, 3, 3)) * (2 / (9 * channels)) ** 0.5 * (0.02 if i == 3 else 1)
        bias = shift if i == 3 else np.full(outputs, 0.05, np.float32)
        weights |= {f"body.{i}.weight": weight.astype(np.float32), f"body.{i}.bias": bias}
        nodes.append(make("Conv", [last, f"body.{i}.weight", f"body.{i}.bias"], [f"c{i}"], f"n{i}", pads=[1] * 4))
        last, channels = f"c{i}", outputs
        if i < 3:
            nodes.append(make("LeakyRelu", [last], [f"a{i}"], f"l{i}", alpha=0.1))
            last = f"a{i}"
    nodes.append(make("Sub", [last, "shift"], ["unshifted"], "sub"))
    nodes.append(make("DepthToSpace", ["unshifted"], ["detail"], "shuffle", blocksize=2, mode="CRD"))
    nodes.append(make("Resize", ["lr", "", "scales"], ["base"], "resize", mode="nearest"))
    nodes.append(make("Add", ["base", "detail"], ["sr"], "add"))
    lr, sr = (onnx.helper.make_tensor_value_info(name, 1, ["n", 3, f"{name}_h", f"{name}_w"]) for name in ("lr", "sr"))
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    made = onnx.helper.make_graph(nodes, "hand", [lr], [sr], tensors)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(model, {KEY: ABOUT.text()})
    onnx.checker.check_model(model)
    return model


def job(photos: Path, **options: Any) -> Int8Job:
    made = Int8(**{"patches": 4, "patch_size": 24, "held_out": 2, **options})
    return Int8Job(made, Patches(photos, PHOTO, 2, 1, made))


def written(graph: Any, photos: Path, file: Path, said: list[str] | None = None, **options: Any) -> Int8Job:
    source, work = file.with_suffix(".float32"), job(photos, **options)
    source.write_bytes(graph.SerializeToString())
    work.write(
        source, file, ABOUT, "onnx" if file.suffix == ".onnx" else "openvino", file.name, ([] if said is None else said).append
    )
    return work


def test_the_sensitive_layer_stays_in_float(graph, photos, tmp_path):
    """Sweep, choice, file and report; what ONNX Runtime computes from the file is the loss that was said."""
    said: list[str] = []
    work = written(graph, photos, file := tmp_path / "a.onnx", said, loss=0.1)
    assert [line.split()[1] for line in said if "/4 " in line] == [f"body.{i}:" for i in range(4)]
    assert said[-2] == "int8 in 3 of 4 convolutions; in float: body.3"
    types = {one.name: one.data_type for one in onnx.load(str(file)).graph.initializer}
    assert types["body.3.weight"] == onnx.TensorProto.FLOAT
    assert types["body.0.weight_quantized"] == onnx.TensorProto.INT8 and "body.0.weight" not in types
    assert facts(file).precision == opened(file).own_precision == "int8"

    coded = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    whole = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    by = lambda one: lambda lr: torch.from_numpy(one.run(None, {"lr": lr.numpy()})[0])  # noqa: E731
    scores = [work.patches.psnr(work.patches.results(by(one))) for one in (whole, coded)]
    assert scores[0] - scores[1] <= 0.1 and f": {scores[0] - scores[1]:.3f} dB lost" in said[-1]


def test_a_file_that_loses_too_much_is_refused(graph, photos, tmp_path):
    with pytest.raises(InputError, match=r"^a.onnx: loses \d\.\d+ dB on held-out patches; at most int8.largest_loss=1.0"):
        written(graph, photos, tmp_path / "a.onnx", float_layers=[])
    with pytest.raises(InputError, match=r"int8.float_layers: no convolution head; there are body.0, body.1, body.2, body.3"):
        written(graph, photos, tmp_path / "a.onnx", float_layers=["head"])
    empty = onnx.ModelProto()
    empty.CopyFrom(graph)
    del empty.graph.node[:-2]
    with pytest.raises(InputError, match="the network has no convolutions"):
        written(empty, photos, tmp_path / "a.onnx")


def test_corrected_biases_undo_the_mean_error_of_rounded_weights(graph):
    """Means of the outputs of each channel, by ONNX Runtime, with weights so coarse that they shift."""
    node = list(convolutions(graph).values())[1]
    rng = np.random.default_rng(0)
    images = [rng.random((1, 3, 64, 64), np.float32) for _ in range(2)]
    seen = Features(graph, ["a0", "c1"], images)
    ranges = {name: (low * 1.0, high * 1.0) for name, (low, high) in seen.largest.items()}
    wrong = []
    for model in (graph, corrected(graph, [node], seen.means, reduce_range=True)):
        made = quantised(onnx.shape_inference.infer_shapes(model), [node], ranges, outputs=False, reduce_range=True)
        wrong.append(np.abs(Features(made, ["c1"], images).means["c1"] - seen.means["c1"]).mean())
    assert wrong[1] < 0.5 * wrong[0]


def test_patches_are_a_function_of_the_seed_and_none_is_of_a_held_out_image(photos):
    first, again, other = (job(photos, seed=seed).patches for seed in (0, 0, 1))
    calibration = [[patch.tobytes() for patch in one.calibration()] for one in (first, again, other)]
    assert calibration[0] == calibration[1] != calibration[2]
    assert [tuple(hr.shape) for _, hr in first.held_out] == [(1, 3, 96, 96)] * 2
    assert len(set(calibration[0])) == 4 == len(first._calibration)


def test_the_estimated_loss_is_that_of_independent_noise(photos):
    """Against the difference of two PSNR, on images that are HR with noise, twice."""
    patches, draw = job(photos, patch_size=48).patches, torch.Generator().manual_seed(0)
    whole = [hr * 0.8 + 0.1 + 0.05 * torch.randn(hr.shape, generator=draw) for _, hr in patches.held_out]
    noisy = [sr + 0.03 * torch.randn(sr.shape, generator=draw) for sr in whole]
    assert patches.lost(noisy, whole) == pytest.approx(patches.psnr(whole) - patches.psnr(noisy), rel=0.15)
    assert patches.lost(whole, whole) == pytest.approx(0, abs=1e-3)


def test_ranges_by_percentile_and_by_squared_error():
    """Against NumPy's percentile, and against the error of the values themselves in other ranges."""
    values = np.random.default_rng(0).standard_t(3, 100_000)
    largest = float(values.min()), float(values.max())
    counts = np.histogram(values, 2048, largest)[0]
    width = (largest[1] - largest[0]) / 2048
    np.testing.assert_allclose(percentile(counts, largest), np.percentile(values, (0.005, 99.995)), atol=1.01 * width)

    def error(low: float, high: float) -> float:
        step = (high - low) / STEPS
        return np.square(np.round((values.clip(low, high) - low) / step) * step + low - values).mean()

    best = least_error(counts, largest)
    assert error(*best) < 0.9 * error(*largest)
    assert error(*best) < 1.05 * min(error(largest[0] * part, largest[1] * part) for part in np.linspace(0.2, 1, 30))


def test_rounded_weights_are_those_that_onnx_runtime_stores():
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.quant_utils import quantize_data

    weight = np.random.default_rng(0).normal(size=(5, 4, 3, 3)).astype(np.float32)
    for reduce_range in (True, False):
        for row, made in zip(weight, rounded(weight, reduce_range), strict=True):
            _, scale, codes = quantize_data(row.flatten(), QuantType.QInt8.tensor_type, True, reduce_range=reduce_range)
            np.testing.assert_allclose(made.flatten(), codes * scale, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"calibration": "kl"}, "int8.calibration=kl: choose one of minmax, percentile, mse"),
        ({"patches": 0}, "int8.patches=0: choose a whole number, 1 or more"),
        ({"loss": -1}, "int8.loss=-1: choose a number of dB"),
        ({"reduce_range": None}, "int8.reduce_range=None: choose true or false"),
        ({"float_layers": "body.0"}, r"int8.float_layers=body.0: pass a list, such as \[body.0\]"),
    ],
)
def test_wrong_options(options, match):
    with pytest.raises(InputError, match=match):
        Int8(**options)


@pytest.mark.parametrize(
    ("words", "format", "match"),
    [
        (["quantise=int4"], "onnx", "quantise=int4: choose int8, weights8, weights4"),
        (["quantise=int8"], "onnx", "quantise=int8 needs photographs, .* pass data.train=DIR"),
        (["quantise=weights4", "data.train=x"], "onnx", "quantise=weights4 opset=18: pass opset=21"),
        (["quantise=int8", "data.train=x"], "pt2", "quantise=int8: is written as .onnx or .xml"),
        (["quantise=int8", "data.train=x", "precision=bf16"], "onnx", "quantise=int8 precision=bf16: what stays in float is"),
    ],
)
def test_wrong_words(words, format, match):
    with pytest.raises(InputError, match=match):
        export_quantise(
            compose("export", "ckpt=a.pth", "output=a.onnx", *words), Compact(scale=2, n_feats=4, n_blocks=1), format
        )


def test_wrong_folders(photos, tmp_path):
    with pytest.raises(MissingError, match="no images in"):
        job(tmp_path)
    with pytest.raises(MissingError, match="data.train=.*none: no such folder; pass one with HR photographs"):
        job(tmp_path / "none")
    with pytest.raises(InputError, match="data.train=.*: pass one folder of HR photographs"):
        job([tmp_path])
    (tmp_path / "one.png").write_bytes((photos / "0.png").read_bytes())
    with pytest.raises(InputError, match="int8 needs two images or more"):
        job(tmp_path)
    PIL.Image.new("RGB", (20, 20)).save(tmp_path / "two.png")
    with pytest.raises(InputError, match="data.train: two is too small: LR needs 16 pixels"):
        job(tmp_path).patches.calibration()


@pytest.mark.parametrize("bits", [8, 4])
def test_weights_alone_are_rounded_as_pytorch_rounds(bits):
    """What ONNX Runtime makes of the stored codes, in a convolution and a matrix product."""
    make, draw = onnx.helper.make_node, torch.Generator().manual_seed(0)
    conv, dense = torch.randn(48, 40, 3, 3, generator=draw), torch.randn(48, 36, generator=draw)
    nodes = [make("Conv", ["x", "conv"], ["c"], "n0"), make("Transpose", ["c"], ["t"], "n1", perm=[0, 2, 3, 1])]
    nodes.append(make("MatMul", ["t", "dense"], ["y"], "n2"))
    x, y = (onnx.helper.make_tensor_value_info(*one) for one in (("x", 1, [1, 40, 3, 3]), ("y", 1, [1, 1, 1, 36])))
    parts = [onnx.numpy_helper.from_array(value.numpy(), name) for name, value in (("conv", conv), ("dense", dense))]
    graph = onnx.helper.make_graph(nodes, "g", [x], [y], parts)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET[bits])], ir_version=10)
    made, count = stored(model, bits)
    image = torch.rand(1, 40, 3, 3, generator=draw)
    features = torch.nn.functional.conv2d(image, theirs(conv, bits, 0, 1)).permute(0, 2, 3, 1)
    (result,) = session(made.SerializeToString()).run(None, {"x": image.numpy()})
    torch.testing.assert_close(torch.from_numpy(result), features @ theirs(dense, bits, 1, 0), rtol=1e-4, atol=1e-3)
    assert count == 2 and made.ByteSize() < {8: 0.28, 4: 0.25}[bits] * model.ByteSize()


def theirs(weight: torch.Tensor, bits: int, outputs: int, inputs: int) -> torch.Tensor:
    """PyTorch's rounding: in 8 bits one step for each output, in 4 bits one for each 32 inputs."""
    rounded_rows = lambda rows, top: torch.fake_quantize_per_channel_affine(  # noqa: E731
        rows, rows.abs().flatten(1).amax(1) / top, torch.zeros(len(rows)).int(), 0, -top, top
    )
    if bits == 8:
        return rounded_rows(weight.movedim(outputs, 0), 127).movedim(0, outputs)
    moved = weight.movedim(inputs, -1)
    blocks = [rounded_rows(block.reshape(-1, block.shape[-1]), 7).view_as(block) for block in moved.split(32, -1)]
    return torch.cat(blocks, -1).movedim(-1, inputs)


@pytest.mark.slow
def test_openvino_loses_as_little(photos, tmp_path):
    """From a network of PyTorch to OpenVINO's file, whose convolutions alone have 8-bit inputs."""
    torch.manual_seed(0)
    network, said, work = Compact(scale=2, n_feats=8, n_blocks=1).eval(), [], job(photos)
    file = export(network, ABOUT, tmp_path / "a.xml", int8=work, say=lambda line: said.append(str(line)))
    before, after = (work.patches.psnr(work.patches.results(one)) for one in (network, opened(file)))
    loss = before - after
    assert loss <= 0.1 and f"{loss:.3f} dB lost" in said[-1]
    assert 'element_type="i8"' in file.read_text() and sorted(one.name for one in tmp_path.iterdir()) == ["a.bin", "a.xml"]
