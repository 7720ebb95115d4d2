"""Exported programs of PyTorch (FILE.pt2), for other programs that use PyTorch.

They are written, and checked, but not read from outside: PyTorch evaluates text of such a file as Python code when it opens it.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from sr.backend.facts import KEY, Facts


def write(program: torch.export.ExportedProgram, path: Path, facts: Facts) -> Callable[[Tensor], Tensor]:
    """Write the graph with its weights, and the facts as extra file `sr`; what the file just written computes."""
    made = BytesIO()  # on a full disk PyTorch's own writer ends with the traceback of a RuntimeError
    torch.export.save(program, made, extra_files={KEY: facts.text()})
    path.write_bytes(made.getbuffer())
    module = torch.export.load(str(path)).module()
    (lr,) = (node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs)
    if lr.meta["val"].shape[0] != 1:
        return module
    return lambda images: torch.cat([module(image) for image in images.split(1)])
