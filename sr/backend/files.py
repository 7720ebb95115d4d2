"""Which files are exported networks, and opening them."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from sr.backend.facts import Facts
from sr.backend.fixed import AnySize
from sr.backend.luma import Luma

FORMATS = {".onnx": "onnx", ".xml": "openvino", ".pt2": "pt2"}  # of export.py, by the file's extension


def is_exported(path: Any) -> bool:
    """Whether the name is that of an exported file which can be run: FILE.onnx or FILE.xml."""
    return isinstance(path, str | Path) and Path(path).suffix.lower() in (".onnx", ".xml")


def opened(path: str | Path) -> nn.Module:
    """The network in an exported file, ready to run on images of any size.

    A graph of others with one channel is taken as one for luma: RGB images get their colour by bicubic interpolation.

    Raises as the class of the format does.
    """
    if Path(path).suffix.lower() == ".onnx":
        from sr.backend.onnx import OnnxNetwork as Network
    else:
        from sr.backend.openvino import OpenVinoNetwork as Network
    network = whole = Network(path)
    if network.sides is not None:
        whole = AnySize(network)
    return Luma(whole).eval() if network.facts is None and network.channels == 1 else whole.eval()


def facts(path: str | Path) -> Facts | None:
    """What an exported file says about its network, without preparing it; None for files of other programs.

    A file is read once, as long as it stays as it is: a command asks several times.
    """
    path = Path(path)
    there = path.stat() if path.is_file() else None  # errors are not kept
    return _facts(path, there and (there.st_mtime_ns, there.st_size))


@lru_cache(maxsize=16)
def _facts(path: Path, _: tuple[int, int] | None) -> Facts | None:
    if path.suffix.lower() == ".onnx":
        from sr.backend.onnx import facts as found
    else:
        from sr.backend.openvino import facts as found
    return found(path)
