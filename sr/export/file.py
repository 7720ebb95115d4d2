"""Writes a network to an exported file: traced, written to a temporary name, checked, and then renamed."""

import copy
import errno
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from sr.backend.facts import Facts
from sr.backend.files import FORMATS, opened
from sr.errors import ExistsError, InputError, StorageError
from sr.export import verify
from sr.export.int8 import Int8Job
from sr.export.learned import Learned
from sr.export.traced import PRECISIONS, traced
from sr.export.weights import Weights
from sr.files import make_folder


def format_of(path: Path, format: str | None) -> str:
    """The format of a file: as passed, else by its extension.

    Raises:
        InputError: an unknown format, or one that does not fit the extension.
    """
    known = FORMATS.get(path.suffix.lower())
    if format is not None and format not in FORMATS.values():
        raise InputError(f"format={format}: choose one of {', '.join(FORMATS.values())}")
    if known is None or format not in (None, known):
        endings = ", ".join(f"{suffix} ({name})" for suffix, name in FORMATS.items())
        raise InputError(f"output={path}: the name must end in one of {endings}" + (f"; format={format}" if format else ""))
    return known


def check_place(output: Path) -> None:
    """StorageError: nothing can be written there; said before the work, and nothing is made."""
    place = next(folder for folder in output.absolute().parents if folder.exists())
    code = errno.ENOTDIR if not place.is_dir() else None if os.access(place, os.W_OK | os.X_OK) else errno.EACCES
    if code:
        raise StorageError(code, f"nothing can be written to {place} ({os.strerror(code)}): choose another output", str(output))


def export(
    network: nn.Module,
    facts: Facts,
    output: str | Path,
    *,
    format: str | None = None,
    precision: str | int = "32",
    opset: int = 18,
    overwrite: bool = False,
    int8: Int8Job | Learned | Weights | None = None,
    say: Callable[[object], None] = print,
) -> Path:
    """Write the network to `output`; the file appears only after it gave the network's images at five sizes.

    Args:
        format: onnx, openvino or pt2; None: by the extension.
        precision: 32, 16 or bf16, of weights and features.
        opset: version of ONNX's operators.
        int8: what quantises: after training, as the network was trained, or its weights alone; None: nothing.
        say: called with one line after each size, and with each line of the quantisation.

    Raises:
        ExistsError: the file exists, without overwrite.
        InputError: the network cannot be traced or written; the file differs from it, or loses too much in 8 bits.
    """
    output, precision = Path(output), str(precision)
    format = format_of(output, format)
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision}: choose one of {', '.join(PRECISIONS)}")
    pair = files_of(output, format)
    if not overwrite and (there := next((file for file in pair if file.exists()), None)):
        raise ExistsError(f"{there} exists: choose another output, or pass overwrite=true")
    network = int8.in_float(network) if int8 else network
    program = traced(network if precision == "32" else copy.deepcopy(network), precision)

    def write(made: Path) -> Callable[[Tensor], Tensor]:
        return _written(program, made, facts, "onnx" if int8 else format, opset)

    def quantise(first: Path, made: Path) -> None:
        int8.write(first, made, facts, format, str(output), say)

    return _kept(network, pair, precision, write, say, quantise if int8 else None)


def convert(network: nn.Module, source: Path, facts: Facts, output: Path) -> Path:
    """Write `output`, FILE.xml of OpenVINO, from the network's ONNX file, without tracing the network again.

    Raises as `export` does.
    """
    from sr.export import openvino

    def write(made: Path) -> Callable[[Tensor], Tensor]:
        openvino.write(source, made, facts)
        return opened(made)

    return _kept(network, [output, output.with_suffix(".bin")], "32", write, lambda _: None)


def files_of(output: Path, format: str) -> list[Path]:
    """The files of one export: OpenVINO's FILE.xml comes with FILE.bin."""
    return [output, output.with_suffix(".bin")] if format == "openvino" else [output]


def _kept(
    network: nn.Module,
    pair: list[Path],
    precision: str,
    write: Callable[[Path], Callable[[Tensor], Tensor]],
    say: Callable[[object], None],
    then: Callable[[Path, Path], None] | None = None,
) -> Path:
    """Write the files under temporary names by `write`, which gives what they compute, check that, and rename them.

    With `then`, what is checked is an ONNX file in float32, of which `then` writes the files.
    """
    output = pair[0]
    make_folder(output.parent)
    with TemporaryDirectory(prefix=".export", dir=output.parent) as folder:
        made = Path(folder, output.name).with_suffix(output.suffix.lower())
        first = Path(folder, "float32.onnx") if then else made
        try:
            run = write(first)
            for found in verify.differences(network, run):
                verify.check(found, precision, str(output))
                say(found)
            del run
            if then:
                then(first, made)
        except InputError as error:  # of a file that is gone when it is read
            raise InputError(str(error).replace(str(first), str(output)).replace(str(made), str(output))) from error
        for file in reversed(pair):  # FILE.bin before FILE.xml, which needs it
            os.replace(made.with_suffix(file.suffix.lower()), file)
    return output


def _written(
    program: torch.export.ExportedProgram, path: Path, facts: Facts, format: str, opset: int
) -> Callable[[Tensor], Tensor]:
    """Write the file; what it computes."""
    if format == "pt2":
        from sr.export import pt2

        return pt2.write(program, path, facts)
    from sr.export import onnx, openvino

    onnx.write(program, path.with_suffix(".onnx"), facts, opset)
    if format == "openvino":
        openvino.write(path.with_suffix(".onnx"), path, facts)
    return opened(path)
