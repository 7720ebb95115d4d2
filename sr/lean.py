"""torchmetrics without what nobody asked of it: two seconds less before the first step.

Lightning wants two classes of torchmetrics, whose `__init__` imports all of its metrics, and with them torchvision, SciPy,
matplotlib and torch's compiler. Here the package is an empty one until more than these two is asked of it; its own modules
(`torchmetrics.image.lpip`) are imported as ever.
"""

import importlib
import logging
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

_OWN_MODULE = {"Metric": "torchmetrics.metric", "MetricCollection": "torchmetrics.collections"}


def install() -> None:
    """Call before anything imports Lightning; afterwards it changes nothing."""
    if "torchmetrics" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Package(ModuleType):
    """torchmetrics, whose `__init__` runs when it is needed."""

    def __getattr__(self, name: str) -> Any:
        if name in _OWN_MODULE:
            return getattr(importlib.import_module(_OWN_MODULE[name]), name)
        if name == "__version__":
            return importlib.import_module("torchmetrics.__about__").__version__
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = ModuleType
        self.__spec__.loader.real.exec_module(self)
        return getattr(self, name)


class _Loader(Loader):
    def __init__(self, real: Any) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module._logger = logging.getLogger("torchmetrics")
        flags = PathFinder.find_spec("torchmetrics.utilities.imports", [f"{module.__path__[0]}/utilities"])
        sys.modules[flags.name] = imported = module_from_spec(flags)
        flags.loader.exec_module(imported)
        imported._MATPLOTLIB_AVAILABLE = False  # its plots alone need it
        importlib.import_module("torchmetrics.utilities")  # before torchmetrics.metric: they import each other


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "torchmetrics" else None
        if spec is not None:
            spec.loader = _Loader(spec.loader)
        return spec
