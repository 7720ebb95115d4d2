"""ONNX files, run by ONNX Runtime. Nothing is executed but the operators of the graph."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import torch

from sr.backend.exported import Exported
from sr.backend.facts import KEY, Facts, parsed
from sr.errors import InputError, MissingError, first_line
from sr.say import warn

EXTRA = 'pip install ".[export]"'
CPU, CUDA = torch.device("cpu"), "CUDAExecutionProvider"
_DOMAINS = ("", "ai.onnx", "com.microsoft")  # of operators; the last has ONNX Runtime's own


class OnnxNetwork(Exported):
    """A network in an ONNX file with one image as input and one as output.

    Args:
        path: FILE.onnx.
        threads: of the CPU; None: as many as PyTorch uses.

    It runs on the CPU, and after `.to("cuda")` on that GPU, if ONNX Runtime is the build for it.

    Raises:
        MissingError: ONNX Runtime is not installed. InputError: one line that names the file and what is wrong.
    """

    program = "ONNX Runtime"

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        _runtime()
        model = checked(path)
        self._threads, self._on = threads, CPU
        try:
            self._session = session(str(path), threads)
        except Exception as error:  # of its own classes
            raise InputError(f"{path}: ONNX Runtime cannot open it ({first_line(error)})") from None
        images = self._session.get_inputs(), self._session.get_outputs()
        if any(len(one) != 1 or len(one[0].shape or ()) != 4 for one in images):
            names = ", ".join(f"{one.name} {one.shape}" for one in images[0])
            raise InputError(f"{path}: has the inputs {names}; expected one image (N, C, H, W), and one as output")
        self._name, shape = images[0][0].name, images[0][0].shape
        if images[0][0].type != "tensor(float)":
            raise InputError(f"{path}: takes {images[0][0].type}, expected float32 in [0, 1]")
        if not isinstance(shape[1], int):
            raise InputError(f"{path}: the number of channels of its input is not fixed ({shape[1]})")
        fixed = tuple(shape[2:]) if all(isinstance(side, int) for side in shape[2:]) else None
        data = [Path(path).parent / place for place in sorted(_external(model))]
        super().__init__([path, *data], facts(path, model), shape[1], fixed, one=shape[0] == 1)

    def run(self, lr: np.ndarray) -> np.ndarray:
        if self.place.device != self._on:
            self._on = self.place.device
            self._session = session(str(self.path), self._threads, self._on)
            if self._on.type == "cuda" and CUDA not in self._session.get_providers():
                warn(
                    f"{self.path}: runs on the CPU: the installed ONNX Runtime cannot use the GPU (pip install onnxruntime-gpu)"
                )
        return self._session.run(None, {self._name: lr})[0]


def facts(path: str | Path, model: Any = None) -> Facts | None:
    """What the metadata of the file says; None for files of other programs. Raises as `checked` and `parsed` do."""
    model = checked(path) if model is None else model
    return parsed({entry.key: entry.value for entry in model.metadata_props}.get(KEY), path, lambda: weights_of(model))


def checked(path: str | Path) -> Any:
    """The `onnx.ModelProto` of the file, without the content of its data files.

    Raises:
        MissingError: no such file, or ONNX is not installed.
        InputError: it is not ONNX; has operators that are not ONNX's; a data file outside its folder.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"{path}: no such file")
    try:
        import onnx
    except ImportError:
        raise MissingError(f"{path}: reading ONNX files needs the package onnx: {EXTRA}") from None
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's
        raise InputError(f"{path}: not an ONNX file, or truncated ({first_line(error)})") from None
    if not model.graph.node:
        raise InputError(f"{path}: not an ONNX file, or one without operators")
    own = {(one.domain, one.name) for one in model.functions}
    for node in _nodes(model):
        if node.domain not in _DOMAINS and (node.domain, node.op_type) not in own:
            raise InputError(
                f"{path}: has the operator {node.domain}.{node.op_type}, which is not one of ONNX; nothing was run"
            )
    folder = path.resolve().parent
    for place in sorted(_external(model)):
        whole = PurePosixPath(place).is_absolute() or PureWindowsPath(place).is_absolute()
        if whole or not (folder / place).resolve().is_relative_to(folder):
            raise InputError(f"{path}: its data file {place} is outside its folder; nothing was read")
        if not (folder / place).is_file():
            raise MissingError(f"{path}: its data file {place} is not beside it")
    return model


def weights_of(model: Any) -> str:
    """Hash of the tensors in a graph."""
    inside = (attribute.t for node in model.graph.node for attribute in node.attribute)
    found = sha256()
    for tensor in (*model.graph.initializer, *inside):
        found.update(tensor.SerializeToString(deterministic=True))
    return found.hexdigest()


def _nodes(model: Any) -> Iterator[Any]:
    """All nodes, those of functions and of graphs inside nodes too."""
    waiting = [*model.graph.node, *(node for one in model.functions for node in one.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting += graph.node


def _external(model: Any) -> set[str]:
    """The data files that tensors of the model name."""
    graphs, tensors = [model.graph], []
    for node in _nodes(model):
        for attribute in node.attribute:
            graphs += [attribute.g, *attribute.graphs]
            tensors += [attribute.t, *attribute.tensors]
            tensors += [
                part for one in (attribute.sparse_tensor, *attribute.sparse_tensors) for part in (one.values, one.indices)
            ]
    for graph in graphs:
        tensors += graph.initializer
        tensors += [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
    return {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}


def session(file: str | bytes, threads: int | None = None, device: torch.device = CPU) -> Any:
    """ONNX Runtime's session of a file, or of its content, on a device. Errors are of its own classes."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 4
    # Of weights in few bits (sr/export/weights.py): 1 is products in float32; by default features are rounded to 8 bits too.
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
    return runtime.InferenceSession(file, options, providers=providers(device, runtime.get_available_providers()))


def providers(device: torch.device, offered: Sequence[str]) -> list[str | tuple[str, dict[str, int]]]:
    """ONNX Runtime's programs for a device, best first. Its build for GPUs would take one for the CPU's work too."""
    on_gpu = device.type == "cuda" and CUDA in offered
    return [*([(CUDA, {"device_id": device.index or 0})] if on_gpu else []), "CPUExecutionProvider"]


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingError(f"running ONNX files needs the package onnxruntime: {EXTRA}") from None
    return onnxruntime
