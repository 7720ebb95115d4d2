"""Files that are no checkpoints are named: real ones where a library here writes them, else the first bytes of their format."""

import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sr.network.compact import Compact
from sr.weights import checkpoint, foreign


def onnx_under_another_name(folder, sr_data):
    return shutil.copy(sr_data / "weights" / "super_resolution_espcn_x3_224.onnx", folder / "model.pth")


def matlab(folder, sr_data):
    return shutil.copy(sr_data / "weights" / "niqe_modelparameters_original.mat", folder / "weights.pth")


def image(folder, sr_data):
    return shutil.copy(sr_data / "weights" / "super_resolution_input.png", folder / "weights.pth")


def numpy_archive(folder, sr_data):
    np.savez(folder / "weights.npz", a=np.ones(3))
    return folder / "weights.npz"


def numpy_array(folder, sr_data):
    np.save(folder / "weights.npy", np.ones(3))
    return folder / "weights.npy"


def torchscript(folder, sr_data):
    torch.jit.trace(Compact(scale=2, n_feats=4, n_blocks=1), torch.rand(1, 3, 8, 8)).save(folder / "traced.pt")
    return folder / "traced.pt"


def safetensors(folder, sr_data):
    save_file({"a": torch.ones(2)}, folder / "weights.pth")
    return folder / "weights.pth"


def archive(folder, sr_data):
    (folder / "weights.pth").write_bytes(b"x")
    with zipfile.ZipFile(folder / "weights.zip", "w") as file:
        file.write(folder / "weights.pth", "weights.pth")
    return folder / "weights.zip"


def tar(folder, sr_data):
    (folder / "weights.pth").write_bytes(b"x")
    with tarfile.open(folder / "weights.tar", "w") as file:
        file.add(folder / "weights.pth", "weights.pth")
    return folder / "weights.tar"


def ncnn_weights(folder, sr_data):
    (folder / "model.param").write_text("7767517\n2 2\n")
    (folder / "model.bin").write_bytes(bytes(64))
    return folder / "model.bin"


def openvino_weights(folder, sr_data):
    (folder / "model.xml").write_text("<?xml version='1.0'?><net name='a' version='11'></net>")
    (folder / "model.bin").write_bytes(bytes(64))
    return folder / "model.bin"


def first_bytes(name, content):
    def make(folder, sr_data):
        (folder / name).write_bytes(content)
        return folder / name

    return make


FILES = [
    (onnx_under_another_name, "an ONNX model"),
    (matlab, "a MATLAB file"),
    (image, "an image"),
    (numpy_archive, "a NumPy archive"),
    (numpy_array, "a NumPy array"),
    (torchscript, "a TorchScript program"),
    (safetensors, "a safetensors file under another name: rename it"),
    (archive, "a ZIP archive: unpack it first"),
    (tar, "a tar archive: unpack it first"),
    (ncnn_weights, "the weights of an ncnn model"),
    (openvino_weights, "the weights of an OpenVINO model"),
    (first_bytes("model.param", b"7767517\n75 83\nInput data 0 1 data\n"), "an ncnn model"),
    (first_bytes("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)), "an HDF5 file, such as Keras writes"),
    (first_bytes("model.tflite", b"\x1c\0\0\0TFL3" + bytes(40)), "a TensorFlow Lite model"),
    (first_bytes("frozen.pb", b"\n\x1f\n\x05input\x12\x0bPlaceholder"), "a TensorFlow graph"),
    (first_bytes("model.ckpt.data-00000-of-00001", bytes(40)), "a part of a TensorFlow checkpoint"),
    (first_bytes("model.ckpt.index", bytes(40)), "a part of a TensorFlow checkpoint"),
    (first_bytes("weights.pth", b"\n<!DOCTYPE html>\n<html><head>"), "a web page"),
    (first_bytes("weights.pth", b"version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer"),
    (first_bytes("weights.pth", b""), "an empty file"),
]


@pytest.mark.parametrize(("make", "what"), FILES, ids=[f"{what}-{i}" for i, (_, what) in enumerate(FILES)])
def test_is_named(tmp_path, sr_data, make, what):
    file = make(tmp_path, sr_data)
    for read in (checkpoint.read, checkpoint.about):
        with pytest.raises(
            ValueError, match=f": this is {what}.*; weights are read from .ckpt, .pth, .pt and .safetensors$"
        ) as error:
            read(file)
        assert str(error.value).startswith(str(file)) and "\n" not in str(error.value)


def test_checkpoints_are_no_such_file(tmp_path, sr_data):
    """Nor is one that is truncated, which is said as before."""
    torch.save({"a": torch.ones(100)}, tmp_path / "new.pth")
    torch.save({"a": torch.ones(100)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "cut.pth").write_bytes((tmp_path / "new.pth").read_bytes()[:500])
    for file in (*tmp_path.glob("*.pth"), *(sr_data / "weights").glob("*.pth")):
        assert foreign.kind(file) is None, file
