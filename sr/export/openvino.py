"""OpenVINO's files, made from an ONNX file."""

from pathlib import Path

from sr.backend.facts import KEY, Facts
from sr.backend.onnx import EXTRA
from sr.errors import MissingError


def write(onnx: Path, path: Path, facts: Facts) -> None:
    """Convert an ONNX file to FILE.xml with FILE.bin; weights stay in their precision. MissingError: not installed."""
    try:
        import openvino
    except ImportError:
        raise MissingError(f"format=openvino needs the package openvino: {EXTRA}") from None
    model = openvino.convert_model(str(onnx))
    model.set_rt_info(facts.text(), [KEY])
    openvino.save_model(model, str(path), compress_to_fp16=False)
