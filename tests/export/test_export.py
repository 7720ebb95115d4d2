"""export.py: files that other programs run, with the network's images at every size, or no file at all."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sr.backend.facts import KEY, Facts
from sr.backend.files import opened
from sr.cli.export import export as command
from sr.cli.test import score
from sr.device.count import multiply_adds, parameters
from sr.errors import ExistsError, InputError, StorageError
from sr.export import verify
from sr.export.file import check_place, export
from sr.files import digest
from sr.network.compact import Compact
from sr.network.espcn import ESPCN
from sr.run.resume import _run as record_of
from sr.weights import foreign
from sr.weights.load import load
from tests.jobs import compose

onnx = pytest.importorskip("onnx", reason='pip install ".[export]"')
onnxruntime = pytest.importorskip("onnxruntime", reason='pip install ".[export]"')


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return Compact(scale=2, n_feats=4, n_blocks=1).eval()


@pytest.fixture(scope="module")
def exported(best, tmp_path_factory) -> Path:
    """The network of a small run."""
    file = tmp_path_factory.mktemp("exported") / "first.onnx"
    command(compose("export", f"ckpt={best}", f"output={file}", "licence=MIT"))
    return file


def lr(height: int = 31, width: int = 45, images: int = 2) -> torch.Tensor:
    return torch.rand(images, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_onnx_runtime_gives_the_networks_image_at_any_size(exported, best):
    """Read by ONNX Runtime alone, without a line of ours."""
    network = load(best)
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    for size in ((31, 45, 2), (8, 9, 1), (100, 64, 3)):
        image = lr(*size)
        (sr,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        torch.testing.assert_close(torch.from_numpy(sr), network(image).detach(), rtol=0, atol=1e-5)
    said = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
    wanted = {"scale": network.scale, "channels": 3, "network": type(network).__name__, "licence": "MIT"}
    wanted |= {"parameters": parameters(network), "multiply_adds": multiply_adds(network)}
    assert wanted.items() <= said.items() and said["sha256"] == digest(best)


@pytest.mark.slow
def test_an_exported_file_is_a_checkpoint(exported, best, tmp_path):
    """load, and test.py: the scores are those of the network, on the benchmarks of its run."""
    torch.testing.assert_close(load(exported)(lr()), load(best)(lr()).detach(), rtol=0, atol=1e-5)
    words = ["data_dir=data", "metric=[psnr,ssim]", "trainer.accelerator=cpu", "trainer.limit_test_batches=1"]
    first, second = (
        score(compose("test", f"ckpt={file}", *words, f"output_dir={tmp_path}/{file.stem}")) for file in (exported, best)
    )
    assert first.keys() == second.keys() == {"sample"}
    np.testing.assert_allclose(_numbers(first), _numbers(second), atol=1e-3)


def _numbers(node: object) -> list[float]:
    if isinstance(node, dict):
        return [number for child in node.values() for number in _numbers(child)]
    return [float(node)] if isinstance(node, int | float) else []


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xml", ".pt2", ".ONNX"])
def test_other_formats_give_the_same(network, suffix, tmp_path):
    facts = Facts(scale=2, multiple_of=1, channels=3, network="Compact", name="tiny")
    said: list[verify.Difference] = []
    file = export(network, facts, tmp_path / f"net{suffix}", say=said.append)
    assert len(said) == len(verify.SIZES) and max(max(one.photo, one.noise) for one in said) < verify.LIMITS["32"]
    result = torch.export.load(str(file)).module()(lr()) if suffix == ".pt2" else opened(file)(lr())
    torch.testing.assert_close(result, network(lr()), rtol=0, atol=1e-5)
    if suffix == ".xml":
        data = bytearray((tmp_path / "net.bin").read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "net.bin").write_bytes(data)
        with pytest.raises(InputError, match="net.xml: its weights are not those that were written"):
            opened(file)
    if suffix == ".pt2":  # never read as a checkpoint
        assert foreign.kind(file).startswith("a program of torch.export")
    assert sorted(one.name for one in tmp_path.iterdir()) == (["net.bin", "net.xml"] if suffix == ".xml" else [f"net{suffix}"])


@pytest.mark.slow
def test_a_luma_network_whose_chroma_is_matlabs_bicubic(tmp_path):
    network = ESPCN(scale=3, n_feats=4).eval()
    export(network, Facts(3, 1, 3, "ESPCN", "espcn"), tmp_path / "espcn.onnx")
    torch.testing.assert_close(opened(tmp_path / "espcn.onnx")(lr()), network(lr()).detach(), rtol=0, atol=1e-5)


class Sized(nn.Module):
    """A network whose result depends on the size of the image by a branch, which a graph freezes."""

    scale, multiple_of, channels = 2, 1, 3

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        sr = lr.repeat_interleave(2, -1).repeat_interleave(2, -2)
        return sr * torch.full((1,), lr.shape[-1] / 56).clamp(max=1.0)


def test_a_file_that_differs_is_not_kept(tmp_path):
    network = Sized()
    frozen = lambda image: network(image) * 1.001  # noqa: E731
    with pytest.raises(InputError, match=r"out.onnx: differs from the network by 0\.\d+ of 255 levels at 40x72 pixels"):
        verify.check(next(verify.differences(network, frozen)), "32", "out.onnx")
    small = lambda image: network(image)[..., :-1]  # noqa: E731
    with pytest.raises(InputError, match="differs from the network by inf"):
        verify.check(next(verify.differences(network, small)), "32", "out.onnx")


@pytest.mark.slow
def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"a.onnx: nothing can be written to .*file \(Not a directory\): choose another"):
        check_place(tmp_path / "file" / "new" / "a.onnx")
    check_place(tmp_path / "new" / "newer" / "a.onnx")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("found", [(float("nan"), 0.01), (0.01, float("nan"))])
def test_a_file_that_gives_nan_is_not_kept(found):
    with pytest.raises(InputError, match="differs from the network by nan of 255 levels"):
        verify.check(verify.Difference((8, 8), *found), "32", "a.onnx")


def test_a_network_that_no_graph_holds_leaves_nothing(tmp_path):
    class Branching(Sized):
        def forward(self, lr: torch.Tensor) -> torch.Tensor:
            return super().forward(lr) * (0.5 if lr.mean().item() > 0.4 else 1.0)

    with pytest.raises(InputError, match="Branching cannot be traced for images of any size"):
        export(Branching(), Facts(2, 1, 3, "Branching", "b"), tmp_path / "out.onnx")
    assert not list(tmp_path.iterdir())


def test_wrong_words(tmp_path, network):
    facts = Facts(2, 1, 3, "Compact", "tiny")
    for output, words, match in (
        ("a.png", {}, "the name must end in one of .onnx .onnx."),
        ("a.onnx", {"format": "openvino"}, "must end in"),
        ("a.onnx", {"format": "trt"}, "format=trt: choose one of onnx, openvino, pt2"),
        ("a.onnx", {"precision": "int3"}, "precision=int3: choose one of 32, 16, bf16"),
    ):
        with pytest.raises(InputError, match=match):
            export(network, facts, tmp_path / output, **words)
    (tmp_path / "there.bin").write_text("mine")
    with pytest.raises(ExistsError, match="there.bin exists: choose another output"):
        export(network, facts, tmp_path / "there.xml")
    assert [file.name for file in tmp_path.iterdir()] == ["there.bin"]


@pytest.mark.medium
def test_an_exported_file_has_its_precision(exported):
    from sr.device.capability import check_precision

    with pytest.raises(InputError, match="precision=bf16: an exported file computes in its own precision, 32"):
        check_precision(opened(exported), "bf16")


@pytest.mark.medium
def test_an_exported_file_is_not_trained_nor_exported_again(exported, tmp_path):
    with pytest.raises(InputError, match="first.onnx: an exported file cannot be trained: pass the checkpoint"):
        record_of(str(exported))
    with pytest.raises(InputError, match=" cannot be exported: it is exported already"):
        export(opened(exported), Facts(2, 1, 3, "Compact", "a"), tmp_path / "again.onnx")
