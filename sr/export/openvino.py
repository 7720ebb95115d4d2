"""OpenVINO's files, made from an ONNX file."""

from dataclasses import replace
from pathlib import Path

from sr.backend.facts import KEY, Facts
from sr.backend.onnx import EXTRA
from sr.errors import MissingError
from sr.files import digest


def write(onnx: Path, path: Path, facts: Facts) -> None:
    """Convert an ONNX file to FILE.xml with FILE.bin; weights stay in their precision. MissingError: not installed."""
    try:
        import openvino
    except ImportError:
        raise MissingError(f"format=openvino needs the package openvino: {EXTRA}") from None
    model = openvino.convert_model(str(onnx))
    openvino.save_model(model, str(path), compress_to_fp16=False)
    model.set_rt_info(replace(facts, weights=digest(path.with_suffix(".bin"))).text(), [KEY])
    openvino.save_model(model, str(path), compress_to_fp16=False)
