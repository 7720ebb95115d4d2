"""OpenVINO's files (FILE.xml with FILE.bin beside it), run by OpenVINO on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sr.backend.exported import Exported
from sr.backend.facts import KEY, Facts, parsed
from sr.backend.onnx import EXTRA
from sr.errors import InputError, MissingError, first_line


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
        said = _facts(model, path)
        options = {
            "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
            # Otherwise CPUs with bfloat16 compute in it, and results differ by several levels.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            self._compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise InputError(f"{path}: OpenVINO cannot compile it ({first_line(error)})") from None
        fixed = tuple(int(shape[at].get_length()) for at in (2, 3)) if shape[2].is_static and shape[3].is_static else None
        super().__init__(path, said, int(shape[1].get_length()), fixed, one=shape[0].is_static)

    def run(self, lr: np.ndarray) -> np.ndarray:
        return self._compiled(lr)[0]


def facts(path: str | Path) -> Facts | None:
    """What the metadata of the file says; None for files of other programs."""
    return _facts(_read(path)[1], path)


def _facts(model: Any, path: str | Path) -> Facts | None:
    return parsed(model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None, path)


def _read(path: str | Path) -> tuple[Any, Any]:
    path = Path(path)
    for file in (path, path.with_suffix(".bin")):
        if not file.is_file():
            raise MissingError(f"{file}: no such file; OpenVINO's format is FILE.xml and FILE.bin")
    try:
        import openvino
    except ImportError:
        raise MissingError(f"{path}: running OpenVINO's files needs the package openvino: {EXTRA}") from None
    core = openvino.Core()
    try:
        return core, core.read_model(str(path), str(path.with_suffix(".bin")))
    except RuntimeError as error:
        raise InputError(f"{path}: OpenVINO cannot read it ({first_line(error)})") from None
