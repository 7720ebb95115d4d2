"""OpenVINO's files (FILE.xml with FILE.bin beside it), run by OpenVINO on the CPU."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sr.backend.exported import Exported
from sr.backend.facts import KEY, Facts, parsed
from sr.backend.onnx import EXTRA
from sr.errors import InputError, MissingError, first_line
from sr.files import digest

# How a file of the format begins. OpenVINO reads other formats too, whatever the name: ONNX, with data files anywhere.
_BEGIN = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>\s*)?<net\s")
_PLACES = ("Exception from", "Check '")  # how lines of errors begin that say where it is


class OpenVinoNetwork(Exported):
    """A network in OpenVINO's files with one image as input and one as output.

    Args:
        path: FILE.xml.
        threads: of the CPU; None: as many as PyTorch uses.

    Raises:
        MissingError: OpenVINO is not installed. InputError: one line that names the file and what is wrong.
    """

    program = "OpenVINO"

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        core, model = _read(path)
        if len(model.inputs) != 1 or len(model.outputs) != 1 or model.input(0).get_partial_shape().rank.to_string() != "4":
            raise InputError(f"{path}: has {len(model.inputs)} inputs; expected one image (N, C, H, W), and one as output")
        shape = model.input(0).get_partial_shape()
        if not shape[1].is_static:
            raise InputError(f"{path}: the number of channels of its input is not fixed")
        for one in (model.input(0), model.output(0)):
            if (kind := one.get_element_type().get_type_name()) not in ("f32", "f16"):
                raise InputError(f"{path}: takes or gives {kind}, expected float32 in [0, 1]")
        said = _facts(model, path)
        options = {
            "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
            # Otherwise CPUs with bfloat16 compute in it, and results differ by several levels.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            self._compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise InputError(f"{path}: OpenVINO cannot compile it ({_reason(error)})") from None
        fixed = tuple(int(shape[at].get_length()) for at in (2, 3)) if shape[2].is_static and shape[3].is_static else None
        super().__init__([path, _data(path)], said, int(shape[1].get_length()), fixed, one=shape[0].is_static)

    def run(self, lr: np.ndarray) -> np.ndarray:
        return self._compiled(lr)[0]

    def reason(self, error: Exception) -> str:
        return _reason(error)


def facts(path: str | Path) -> Facts | None:
    """What the metadata of the file says; None for files of other programs."""
    return _facts(_read(path)[1], path)


def _facts(model: Any, path: str | Path) -> Facts | None:
    text = model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None
    return parsed(text, path, lambda: digest(_data(path)))


def _data(path: str | Path) -> Path:
    """The file with the weights."""
    return Path(path).with_suffix(".bin")


def _read(path: str | Path) -> tuple[Any, Any]:
    path = Path(path)
    for file in (path, _data(path)):
        if not file.is_file():
            raise MissingError(f"{file}: no such file; OpenVINO's format is FILE.xml and FILE.bin")
    with path.open("rb") as file:
        if not _BEGIN.match(file.read(4096)):
            raise InputError(f"{path}: not a file of OpenVINO's, or damaged; nothing was run")
    try:
        import openvino
    except ImportError:
        raise MissingError(f"{path}: running OpenVINO's files needs the package openvino: {EXTRA}") from None
    core = openvino.Core()
    try:
        return core, core.read_model(str(path), str(_data(path)))
    except RuntimeError as error:
        raise InputError(f"{path}: OpenVINO cannot read it ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """The first line of OpenVINO's text that says what is wrong."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(_PLACES)]
    return first_line(Exception(lines[0]) if lines else error)
