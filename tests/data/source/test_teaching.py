"""Teaching sets, in files of torchvision's own formats that the tests write."""

import hashlib
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr.data.source.teaching import CIFAR10, MNIST, ImageNet
from sr.functional.resize import imresize
from tests.jobs import ROOT, compose


@pytest.fixture
def photos() -> np.ndarray:
    """(20, 32, 32, 3) uint8 from a photograph."""
    from sr.data.source.sample import Sample

    photo = np.asarray(Image.open(dict((file.stem, file) for file, _ in Sample().files())["chelsea"]).convert("RGB"))
    return np.stack([photo[8 * n : 8 * n + 32, 10 * n : 10 * n + 32] for n in range(20)])


@pytest.fixture
def mnist(tmp_path, photos) -> np.ndarray:
    """MNIST's idx files with 20 gray images; the images."""
    images = photos[:, 2:30, 2:30].mean(-1).astype(np.uint8)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 20, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + bytes(20))
    return images


@pytest.fixture
def cifar(tmp_path, photos, monkeypatch) -> Path:
    """CIFAR-10's batches of 4 images each; torchvision is told their checksums as it knows the official ones."""
    from torchvision.datasets import CIFAR10 as Official

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()

    def write(name: str, content: dict) -> list[str]:
        data = pickle.dumps(content, protocol=2)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    batches = []
    for n in range(5):
        flat = photos[4 * n : 4 * n + 4].transpose(0, 3, 1, 2).reshape(4, -1)
        batches.append(write(f"data_batch_{n + 1}", {"data": flat, "labels": [0] * 4}))
    monkeypatch.setattr(Official, "train_list", batches)
    monkeypatch.setattr(Official, "test_list", [write("test_batch", {"data": flat, "labels": [0] * 4})])
    name, md5 = write("batches.meta", {"label_names": ["a"]})
    monkeypatch.setattr(Official, "meta", {"filename": name, "key": "label_names", "md5": md5})
    return folder


def test_mnist_is_enlarged_as_matlab_does(mnist, tmp_path):
    source = MNIST(tmp_path)
    source.prepare()
    digits = source.arrays()
    assert len(digits) == 20 and digits[0].shape == (224, 224, 3)
    gray = torch.from_numpy(mnist).float()[:, None] / 255
    expected = (imresize(gray, 8, rounding=True)[:, 0] * 255).round().byte().numpy()
    different = [np.abs(digits[n][..., 1].astype(int) - expected[n]) for n in range(20)]
    assert np.max(different) <= 1 and np.mean(different) < 0.001


def test_mnists_lr_is_the_digit_again(mnist, tmp_path):
    hr = torch.from_numpy(MNIST(tmp_path).arrays()[3].copy()).permute(2, 0, 1)[None].float() / 255
    lr = (imresize(hr, 1 / 8, rounding=True)[0, 0] * 255).numpy()
    assert np.abs(lr - mnist[3]).mean() < 4


def test_cifar10(cifar, tmp_path, photos):
    source = CIFAR10(tmp_path)
    source.prepare()
    np.testing.assert_array_equal(source.arrays(), photos)


def test_a_pickle_of_other_bytes_is_never_opened(cifar, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    (cifar / "data_batch_3").write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(FileNotFoundError, match=r"CIFAR-10 is missing or damaged in .*cifar-10-batches-py: pass data.down"):
        CIFAR10(tmp_path).prepare()
    assert not (tmp_path / "evil").exists()


def test_imagenet_is_its_folder(tmp_path, photos):
    for n, photo in enumerate(photos[:4]):
        folder = tmp_path / "train" / f"n0{n % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(folder / f"{n}.JPEG")
    source = ImageNet(tmp_path)
    source.prepare()
    assert [file.name for file, _ in source.files()] == ["0.JPEG", "2.JPEG", "1.JPEG", "3.JPEG"]


@pytest.mark.parametrize(("source", "match"), [(MNIST, "MNIST/raw"), (CIFAR10, "cifar-10-batches-py"), (ImageNet, "/train")])
def test_missing_names_the_folder(tmp_path, source, match):
    with pytest.raises(FileNotFoundError, match=match) as error:
        source(tmp_path).prepare()
    assert "\n" not in str(error.value) and "data.download=true" in str(error.value)


def test_offline_names_the_folder(tmp_path, monkeypatch):
    from torchvision.datasets import MNIST as Official

    monkeypatch.setattr(Official, "mirrors", ["http://127.0.0.1:9/"])  # the discard port: nobody listens
    wanted = r"^cannot download MNIST \(Error downloading .*\): put its files into .*MNIST/raw"
    with pytest.raises(ConnectionError, match=wanted) as error:
        MNIST(tmp_path).prepare(download=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("words", "lr"), [(["data=mnist"], 28), (["data=cifar10", "scale=4"], 8)])
def test_trains(tmp_path, mnist, cifar, words, lr):
    """Two steps on whole images, whatever patch size the recipe asks for."""
    from sr import build

    cfg = compose("train", *words, f"data_dir={tmp_path}", "trainer.max_steps=2", "data.n_workers=0")
    data = build.data(cfg)
    assert {phase.patch_size for phase in data.phases} == {lr}
    data.prepare_data()
    data.setup("fit")
    assert data.hr[0].shape == (lr * cfg.scale, lr * cfg.scale, 3)


@pytest.mark.slow
def test_the_command(tmp_path, mnist):
    words = ["data=mnist", f"data_dir={tmp_path}", "trainer.max_steps=2", "logger=none", f"output_dir={tmp_path / 'run'}"]
    subprocess.run([sys.executable, "train.py", *words, "network.n_feats=8"], cwd=ROOT, check=True, timeout=200)
    assert (tmp_path / "run" / "metrics.json").is_file()
