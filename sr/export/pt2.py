"""Exported programs of PyTorch (FILE.pt2), for other programs that use PyTorch.

They are written, and checked, but not read from outside: PyTorch evaluates text of such a file as Python code when it opens it.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from sr.backend.facts import KEY, Facts


def write(program: torch.export.ExportedProgram, path: Path, facts: Facts) -> Callable[[Tensor], Tensor]:
    """Write the graph with its weights, and the facts as extra file `sr`; what the file just written computes."""
    torch.export.save(program, str(path), extra_files={KEY: facts.text()})
    return torch.export.load(str(path)).module()
