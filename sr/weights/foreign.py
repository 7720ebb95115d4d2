"""What a file is if it is not a checkpoint, from its first bytes and its name, for error messages."""

import re
from pathlib import Path

WEIGHTS = "weights are read from .ckpt, .pth, .pt and .safetensors"
_MAGIC = [  # offset, bytes, description
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as Keras writes"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"7767517", "an ncnn model (its layers; the weights are in the .bin file)"),
    (0, b"Gk0\x01", "the weights of an ncnn model"),
    (0, b"GGUF", "a GGUF model"),
    (0, b"ftrt", "a TensorRT engine"),
    (0, b"ptrt", "a TensorRT engine"),
    (0, b"MATLAB 5.0", "a MATLAB file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"version https://git-lfs", "a Git LFS pointer without its content (run git lfs pull)"),
    (0, b"\x1f\x8b", "a gzip archive: unpack it first"),
    (0, b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (0, b"Rar!", "a RAR archive: unpack it first"),
    (257, b"ustar", "a tar archive: unpack it first"),
    (0, b"\x89PNG", "an image"),
    (0, b"\xff\xd8\xff", "an image"),
    (0, b"%PDF", "a PDF document"),
]
_NAMES = {  # formats without known first bytes
    ".onnx": "an ONNX model",
    ".pb": "a TensorFlow graph",
    ".index": "a part of a TensorFlow checkpoint",
    ".meta": "a part of a TensorFlow checkpoint",
    ".param": "an ncnn model",
    ".mlmodel": "a Core ML model",
    ".engine": "a TensorRT engine",
    ".plan": "a TensorRT engine",
    ".pdparams": "a PaddlePaddle model",
}
_ZIPPED = {  # a member of the archive -> description
    "model.json": "a zipped web model",
    "metadata.json": "a Keras model",
    "[Content_Types].xml": "an office document",
}


def kind(path: str | Path) -> str | None:
    """A description with an article; None if the file looks like none of them."""
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    for offset, magic, what in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return what
    if head.lstrip()[:1] == b"<":
        return _markup(head)
    if head[8:10] == b'{"' and path.suffix.lower() != ".safetensors":
        return "a safetensors file under another name: rename it"
    if head[:2] == b"PK":
        return _zipped(path)
    if path.suffix.lower() == ".bin" and (model := _beside(path)):
        return model
    if ".data-0" in path.name:
        return "a part of a TensorFlow checkpoint"
    # ONNX is a protocol buffer without magic bytes: field 1, its format version, then field 2, the producer's name.
    if path.suffix.lower() not in _NAMES and re.match(rb"\x08[\x01-\x20]\x12[\x01-\x40][\x20-\x7e]", head):
        return "an ONNX model"
    return _NAMES.get(path.suffix.lower())


def _markup(head: bytes) -> str | None:
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page instead of the file: the download failed"
    return "an OpenVINO model (its layers; the weights are in the .bin file)" if b"<net" in start else "an XML file"


def _zipped(path: Path) -> str | None:
    """The same for an archive that torch does not read."""
    from zipfile import BadZipFile, ZipFile

    try:
        names = ZipFile(path).namelist()
    except (BadZipFile, OSError):
        return None  # torch's own files are such archives: this one is truncated
    if any(name.endswith("data.pkl") for name in names):
        return "a TorchScript program" if any("/code/" in name for name in names) else None
    if any(name.endswith("archive_format") for name in names):
        return "a program of torch.export, whose text PyTorch would run as code: export to .onnx or .xml instead"
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive"
    return next((what for member, what in _ZIPPED.items() if member in names), "a ZIP archive: unpack it first")


def _beside(path: Path) -> str | None:
    """A .bin file has the weights of an ncnn or OpenVINO model if the model's other file is next to it."""
    for suffix, what in ((".param", "an ncnn model"), (".xml", "an OpenVINO model")):
        if path.with_suffix(suffix).is_file():
            return f"the weights of {what}"
    return None
