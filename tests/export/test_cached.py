"""Networks of checkpoints on other back ends: files of the cache are made once, and are those of the network."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sr.build.backend import on_backend
from sr.errors import InputError, MissingError, StorageError
from sr.export import cached as cache
from sr.export import fastest
from sr.image.file import Image, read, write
from sr.image.photograph import photograph
from sr.network.compact import Compact
from sr.network.liif import LIIF
from sr.network.quantised import Quantised
from sr.network.rrn import RRN
from tests.backend.test_onnx_files import model, repeated
from tests.jobs import compose

pytest.importorskip("onnx", reason='pip install ".[export]"')
pytest.importorskip("onnxruntime", reason='pip install ".[export]"')
pytestmark = pytest.mark.filterwarnings("ignore:.*has no metadata")


class Nearest(nn.Module):
    """Nearest neighbours, as in the file of `model`, with a weight that can make them another image."""

    scale, multiple_of, channels = 2, 1, 3

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return repeated(lr) * self.gain


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The file of Nearest in a cache that has it already, made by the onnx package."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = cache.folder(Nearest()) / "network.onnx"
    file.parent.mkdir(parents=True)
    return model(file)


def test_a_file_that_is_there_is_used(place):
    said = []
    network = cache.cached(Nearest(), "onnxruntime", said.append)
    lr = torch.rand(1, 3, 9, 7)
    assert Path(network.path) == place and not said
    assert torch.equal(network(lr), repeated(lr))


def test_files_that_nobody_used_for_a_month_make_room(place, monkeypatch):
    """Each use counts, and what is not a folder of ours stays."""
    old = time.time() - 31 * 24 * 3600
    others = [place.parent.with_name(name) for name in ("0123456789abcdef01234567", "f" * 24, "mine")]
    for folder in others:
        folder.mkdir()
        (folder / "network.onnx").write_bytes(place.read_bytes())
    for folder in (place.parent, others[0], others[2]):
        os.utime(folder, (old, old))
    cache.cached(Nearest(), "onnxruntime")
    assert place.parent.stat().st_mtime > old and all(folder.exists() for folder in others)
    monkeypatch.setattr(cache, "export", lambda network, facts, file, **_: model(file))  # what takes seconds
    cache.cached(Nearest(0.5 + 0.5), "onnxruntime", lambda _: None, place.parent.with_name("a" * 24))
    assert [folder.exists() for folder in (place.parent, *others)] == [True, False, True, True]


@pytest.mark.medium
def test_openvino_takes_what_is_exported(place):
    """The ONNX file made by others, so nothing was traced."""
    pytest.importorskip("openvino")
    network = cache.cached(Nearest(), "openvino")
    lr = torch.rand(1, 3, 9, 7)
    assert Path(network.path) == place.with_suffix(".xml") and torch.equal(network(lr), repeated(lr))
    assert {file.name for file in place.parent.iterdir()} == {"network.onnx", "network.xml", "network.bin"}


def test_a_file_that_differs_is_not_used(place):
    """A cache can be damaged, and a hash cannot see all of a network."""
    assert cache._checked(Nearest(1.01), place) is None
    place.write_bytes(place.read_bytes()[:50])
    assert cache._checked(Nearest(), place) is None


def test_each_network_has_its_folder(monkeypatch, tmp_path):
    def folder(seed: int = 0, n_blocks: int = 1, change=None) -> Path:
        torch.manual_seed(seed)
        network = Compact(scale=2, n_feats=4, n_blocks=n_blocks).eval()
        if change:
            change(network)
        return cache.folder(network)

    def option(network: nn.Module) -> None:
        network.body[0].padding_mode = "reflect"  # which no tensor shows

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == folder() and folder().parent == tmp_path / "sr" / "exported"
    assert len({folder(), folder(1), folder(n_blocks=2), folder(change=option)}) == 4


def test_auto_measures_once_and_says_so(place, monkeypatch):
    monkeypatch.setattr(fastest, "FILES", {"onnxruntime": "network.onnx"})
    said, job = [], fastest.Job(16, 24)
    made = [fastest.fastest(Nearest(), job, "a machine", said.append) for _ in range(2)]
    times = json.loads((place.parent / "measured.json").read_text())["a machine, 24x16"]
    best = min(times, key=times.get)
    assert set(times) == {"torch", "onnxruntime"} and all(0 < seconds < 10 for seconds in times.values())
    assert said[0] == said[1] and said[0].startswith(f"backend=auto: {best}; milliseconds for 24x16 pixels")
    assert {isinstance(one, Nearest) for one in made} == {best == "torch"}
    (place.parent / "measured.json").write_text(json.dumps({"a machine, 24x16": {"torch": 2.0, "onnxruntime": 1.0}}))
    assert not isinstance(fastest.fastest(Nearest(), job, "a machine", said.append), Nearest)


def test_auto_exports_for_no_small_job(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said, network = [], Nearest()
    assert fastest.fastest(network, fastest.Job(16, 24, 3 * 16 * 24), "a machine", said.append) is network
    assert said == ["backend=auto: PyTorch, which takes about 0 s; exporting the network would take longer"]
    assert not list(tmp_path.iterdir())


def test_auto_remembers_what_fails(place, monkeypatch):
    monkeypatch.setattr(fastest, "cached", lambda *_: (_ for _ in ()).throw(InputError("Nearest cannot be traced")))
    monkeypatch.setattr(fastest, "WORTH", 0.0)
    said, network = [], Nearest()
    assert fastest.fastest(network, fastest.Job(16, 24), "a machine", said.append) is network
    monkeypatch.setattr(fastest, "_work", None)  # not called again
    assert fastest.fastest(network, fastest.Job(16, 24), "a machine", said.append) is network
    assert said == ["backend=auto: PyTorch; Nearest cannot be traced"] * 2


def test_auto_keeps_what_it_cannot_change(monkeypatch, capsys):
    network = Nearest()
    assert on_backend(compose("predict", "backend=auto", "device=cpu", "precision=bf16"), network) is network
    assert capsys.readouterr().out == "backend=auto: PyTorch; precision=bf16: remove one of them\n"
    assert on_backend(compose("predict", "backend=torch"), network) is on_backend(compose("test"), network) is network


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["backend=tensorrt"], "backend=tensorrt: choose one of auto, torch, onnxruntime, openvino, or null"),
        (["backend=1"], "backend=1: choose one of"),
        (["backend=openvino", "precision=16"], "computes in float32 on the CPU, but precision=16: remove one of them"),
    ],
)
def test_wrong_words(words, match):
    with pytest.raises(InputError, match=match):
        on_backend(compose("predict", "device=cpu", *words), Nearest())


def test_what_has_no_file_is_refused(place, monkeypatch):
    words = compose("predict", "backend=onnxruntime", "device=cpu")
    body = Compact(scale=None, n_feats=4, n_blocks=1)
    for network, match in (
        (LIIF(scale=2, backbone=body, hidden=[4]), "LIIF upscales to any size"),
        (RRN(scale=4, n_feats=4, n_blocks=1), "RRN is for clips: only networks for pictures"),
        (
            Quantised(network=Compact(scale=2, n_feats=4, n_blocks=2)),
            "Compact was trained in 8 bits: write a file by export.py",
        ),
    ):
        with pytest.raises(InputError, match=f"backend=onnxruntime: {match}.*; remove backend="):
            on_backend(words, network.eval())
    with pytest.raises(InputError, match="backend=onnxruntime: .*network.onnx is an exported file, which has its own"):
        on_backend(words, cache.cached(Nearest(), "onnxruntime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))  # a file
    with pytest.raises(StorageError, match="XDG_CACHE_HOME chooses another cache"):
        on_backend(words, Nearest())
    monkeypatch.setattr(cache, "find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(MissingError, match=r'backend=onnxruntime needs the package onnxruntime: pip install "\.\[export\]"'):
        on_backend(words, Nearest())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_protocol_gives_the_same_scores(backend, sr_data, tmp_path, monkeypatch):
    from sr.cli.test import score

    pytest.importorskip(backend)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = [f"ckpt={sr_data}/weights/IMDN_x4.pth", "benchmark=[set5]", f"data_dir={sr_data}", "metric=[psnr]"]
    words += ["trainer.accelerator=cpu"]
    first, second = (
        score(compose("test", *words, f"backend={name}", f"output_dir={tmp_path}/{name}"))["set5"]["psnr"]
        for name in ("torch", backend)
    )
    assert first == pytest.approx(second, abs=1e-3) and first > 32


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_predict_gives_the_same_picture(best, tmp_path, monkeypatch):
    """From one export: 16 bits, in tiles, as an ensemble. A twentieth of an 8-bit level is 13 of 16 bits."""
    from sr.cli.predict import predict

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pixels = (photograph(48)[0].permute(1, 2, 0).numpy() * 65535).round().astype(np.uint16)
    write(tmp_path / "in.png", Image(pixels))
    common = [f"ckpt={best}", f"input={tmp_path}/in.png", "device=cpu", "overwrite=true"]
    for number, words in enumerate(([], ["tile=24", "overlap=8", "batch=2"], ["ensemble=true"])):
        files = [tmp_path / f"{name}{number}.png" for name in ("torch", "onnxruntime")]
        for file in files:
            predict(compose("predict", *common, *words, f"output={file}", f"backend={file.stem[:-1]}"))
        ours, theirs = (read(file).pixels for file in files)
        assert ours.dtype == theirs.dtype == np.uint16 and ours.shape == theirs.shape == (96, 96, 3)
        assert np.abs(ours.astype(int) - theirs).max() <= 13
    assert len(list((tmp_path / "cache" / "sr" / "exported").iterdir())) == 1
