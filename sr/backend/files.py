"""Which files are exported networks, and opening them."""

from pathlib import Path
from typing import Any

from sr.backend.exported import Exported
from sr.backend.facts import Facts

FORMATS = {".onnx": "onnx", ".xml": "openvino", ".pt2": "pt2"}  # of export.py, by the file's extension


def is_exported(path: Any) -> bool:
    """Whether the name is that of an exported file which can be run: FILE.onnx or FILE.xml."""
    return isinstance(path, str | Path) and Path(path).suffix.lower() in (".onnx", ".xml")


def opened(path: str | Path) -> Exported:
    """The network in an exported file, ready to run. Raises as its class does."""
    if Path(path).suffix.lower() == ".onnx":
        from sr.backend.onnx import OnnxNetwork

        return OnnxNetwork(path)
    from sr.backend.openvino import OpenVinoNetwork

    return OpenVinoNetwork(path)


def facts(path: str | Path) -> Facts | None:
    """What an exported file says about its network, without preparing it; None for files of other programs."""
    if Path(path).suffix.lower() == ".onnx":
        from sr.backend.onnx import facts as found
    else:
        from sr.backend.openvino import facts as found
    return found(path)
