"""ONNX files by torch.onnx's exporter of traced graphs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sr.backend.facts import KEY, Facts
from sr.backend.onnx import EXTRA, weights_of
from sr.errors import InputError, MissingError, first_line
from sr.export.traced import quiet

OPSETS = (18, 23)  # the oldest that torch's exporter writes, and the newest that ONNX Runtime 1.32 runs


def write(program: torch.export.ExportedProgram, path: Path, facts: Facts, opset: int = 18) -> None:
    """Write the graph with its weights and facts to one file, below the 2 GB of protocol buffers.

    Raises:
        MissingError: ONNX is not installed. InputError: an operator that the exporter does not know; an unknown opset.
    """
    if type(opset) is not int or not OPSETS[0] <= opset <= OPSETS[1]:
        raise InputError(f"opset={opset}: choose a whole number from {OPSETS[0]} to {OPSETS[1]}")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401, torch's exporter needs it
    except ImportError as error:
        raise MissingError(f"exporting ONNX needs the package {error.name}: {EXTRA}") from None
    with quiet():
        try:
            made = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=opset,
                input_names=["lr"],
                output_names=["sr"],
                external_data=False,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = first_line(error.__cause__ or error, 200)
            raise InputError(f"{facts.network} cannot be written as ONNX: {reason}") from error
    save(made.model_proto, path, facts)


def save(model: Any, path: Path, facts: Facts) -> None:
    """Check an `onnx.ModelProto` and write it with its facts, among them the hash of its weights."""
    import onnx

    onnx.helper.set_model_props(model, {KEY: replace(facts, weights=weights_of(model)).text()})
    model.producer_name = "sr"
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
