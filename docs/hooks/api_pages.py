"""Pages of the Python API: which modules each shows. mkdocstrings fills them from the source; nothing is imported."""

import ast
from functools import cache
from pathlib import Path

# Folder of sr/ -> what is in it. The pages show the public classes and functions of all its modules.
FOLDERS = {
    "network": "Networks",
    "loss": "Losses",
    "metric": "Metrics",
    "degradation": "Degradations",
    "augmentation": "Augmentations",
    "discriminator": "Discriminators",
    "degrader": "Degraders: learnt degradations",
    "adversarial": "Adversarial criteria",
    "model": "LightningModules",
    "optimizer": "Optimizers",
    "schedule": "Schedules",
    "data": "Data",
    "benchmark": "Evaluation sets",
    "callback": "Callbacks",
    "logger": "Loggers",
    "image": "Image files and pixel formats",
    "functional": "Functions of tensors",
    "infer": "Large images through a network",
    "weights": "Checkpoints and released weights",
    "export": "Exported files",
}
INDEX = """# Python API

`import sr` takes a moment; torch is imported by what needs it. Examples: [How to, from Python](../howto/python.md).

::: sr.weights.load.load
    options: {heading: "sr.load", toc_label: "load"}

::: sr.api
    options: {show_root_heading: false, show_root_toc_entry: false}
"""


@cache
def made(root: Path) -> dict[str, str]:
    """Page -> its Markdown."""
    pages = {"api/index.md": INDEX}
    for folder, title in FOLDERS.items():
        modules = [path for path in sorted((root / "sr" / folder).rglob("*.py")) if _has_public(path)]
        names = [".".join(path.relative_to(root).with_suffix("").parts) for path in modules if path.stem != "__init__"]
        shown = "\n".join(f"::: {name}\n    options: {{show_root_toc_entry: true}}\n" for name in names)
        pages[f"api/{folder}.md"] = f"# {title}\n\n{shown}"
    return pages


def _has_public(path: Path) -> bool:
    kinds = (ast.ClassDef, ast.FunctionDef)
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in ast.parse(path.read_text()).body)
