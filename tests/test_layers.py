"""Imports point one way: no file imports from a layer above its own, and none takes part in a cycle."""

import ast
from collections.abc import Container, Iterable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up; the longest prefix of a module's name counts.
LAYERS = (
    ("sr", "sr.errors", "sr.say", "sr.files", "sr.device.private"),
    ("sr.functional",),
    ("sr.image",),
    ("sr.cli", "sr.schema"),
    (
        "sr.network",
        "sr.degradation",
        "sr.degrader",
        "sr.augmentation",
        "sr.schedule",
        "sr.optimizer",
        "sr.discriminator",
        "sr.adversarial",
        "sr.device",
    ),
    ("sr.infer", "sr.backend"),
    ("sr.weights", "sr.device.count"),  # which runs a network to count its work
    ("sr.backbone", "sr.plugin"),
    ("sr.loss", "sr.metric", "sr.data"),
    ("sr.benchmark", "sr.view", "sr.logger"),
    ("sr.model",),
    (
        "sr.device.speed",
        "sr.device.capability",
        "sr.predict",
        "sr.export",
    ),  # the line that a training begins with knows who learns
    ("sr.run",),
    ("sr.sweep",),
    ("sr.callback",),
    ("sr.build",),
    ("sr.published", "sr.report"),
    ("sr.cli.train", "sr.cli.test", "sr.cli.predict", "sr.cli.report", "sr.cli.export"),  # the commands
    ("sr.api",),
    ("sr.new",),
)


def files() -> dict[str, Path]:
    """Module -> its file, of sr/ and of everything that imports it when a command starts."""
    paths = [*ROOT.glob("*.py"), *(ROOT / "sr").rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(nodes: Iterable[ast.AST], known: Container[str]) -> set[str]:
    """The modules that these statements import; of those that are not `known`, the whole names."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in whole if name in known} or {node.module}
    return found


@cache
def imports() -> dict[str, set[str]]:
    """Module of sr/ -> the modules of sr/ that it imports, anywhere in the file."""
    ours = {name: path for name, path in files().items() if name.split(".")[0] == "sr"}
    return {name: imported(ast.walk(ast.parse(path.read_text())), ours) & ours.keys() for name, path in ours.items()}


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


def test_commands_start_without_torch():
    """--help and a wrong word are answered in a second or two; importing torch takes longer than that."""
    known = files()
    waiting = [name for name in known if "." not in name or name.startswith("hydra_plugins.")]
    seen: dict[str, set[str]] = {}
    while waiting:
        name = waiting.pop()
        if name in known and name not in seen:
            seen[name] = imported(ast.parse(known[name].read_text()).body, known)
            waiting += [*seen[name], *(name.rsplit(".", at)[0] for at in range(1, name.count(".") + 1))]
    assert len(seen) > 20
    heavy = ("torch", "torchvision", "torchmetrics", "pytorch_lightning", "matplotlib", "kornia", "spandrel", "wandb")
    assert not [f"{a} -> {b}" for a, names in seen.items() for b in names if b.split(".")[0] in heavy]
