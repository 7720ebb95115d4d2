"""Imports point one way: no file imports from a layer above its own, and none takes part in a cycle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up; the longest prefix of a module's name counts.
LAYERS = (
    ("sr", "sr.errors", "sr.say", "sr.files", "sr.device.private"),
    ("sr.functional",),
    ("sr.image",),
    ("sr.cli",),
    ("sr.network", "sr.degradation", "sr.augmentation", "sr.schedule", "sr.discriminator", "sr.adversarial", "sr.device"),
    ("sr.infer",),
    ("sr.weights", "sr.device.count"),  # which runs a network to count its work
    ("sr.backbone", "sr.plugin"),
    ("sr.loss", "sr.metric", "sr.data"),
    ("sr.benchmark", "sr.view", "sr.logger"),
    ("sr.model",),
    ("sr.device.speed", "sr.device.capability", "sr.predict"),  # the line that a training begins with knows who learns
    ("sr.run",),
    ("sr.sweep",),
    ("sr.callback",),
    ("sr.build",),
    ("sr.published", "sr.report"),
)


def imports() -> dict[str, set[str]]:
    """Module of sr/ -> the modules of sr/ that it imports, anywhere in the file."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "sr").rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names} & files.keys()
            elif isinstance(node, ast.ImportFrom) and node.module in files:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                found[name] |= whole & files.keys() or {node.module}
    return found


def layer(module: str) -> int:
    dotted = f"{module}."
    fitting = [(len(name), at) for at, names in enumerate(LAYERS) for name in names if dotted.startswith(f"{name}.")]
    return max(fitting)[1]


def test_no_import_points_upwards():
    lazy = ("sr",)  # sr.load imports when it is called
    upwards = [f"{a} -> {b}" for a, seen in imports().items() for b in seen if layer(b) > layer(a) and a not in lazy]
    assert not upwards


def test_every_folder_has_a_layer():
    folders = {f"sr.{path.name}" for path in (ROOT / "sr").iterdir() if (path / "__init__.py").is_file()}
    assert folders <= {name for names in LAYERS for name in names}
    assert len(list((ROOT / "sr").glob("*.py"))) <= 6


def test_there_is_no_cycle():
    TopologicalSorter({name: seen - {name, "sr"} for name, seen in imports().items() if name != "sr"}).prepare()
