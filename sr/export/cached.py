"""Exported files of networks in the user's cache: made once, compared with the network each time, and used again.

Files that no command used for a month are removed when others are made: a change of code or versions makes all of them useless.
"""

import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from sr.backend.facts import Facts
from sr.backend.files import opened
from sr.backend.onnx import EXTRA
from sr.errors import InputError, MissingError, StorageError, UserError
from sr.export import verify
from sr.export.file import convert, export
from sr.export.traced import check_exportable
from sr.files import make_folder
from sr.network.inputs import takes_size
from sr.network.quantised import Quantised

FILES = {"onnxruntime": "network.onnx", "openvino": "network.xml"}  # back end -> name of its file
_WRITERS = ("onnx", "onnxscript")  # packages that write both
_NAME = "[0-9a-f]{24}"  # of a folder, as `folder` gives it
_MONTH = 30 * 24 * 3600.0  # seconds
_CODE = Path(__file__).resolve().parent.parent


def cached(network: nn.Module, backend: str, say: Callable[[str], None] = print, place: Path | None = None) -> nn.Module:
    """The network as run by a back end, "onnxruntime" or "openvino", from its file in the cache, made if there is none.

    Args:
        place: its `folder`, where it is known: some networks keep what they compute, which changes the hash.

    Raises:
        MissingError: a package that is not installed. InputError: the network cannot be exported.
        StorageError: nothing can be written to the cache.
    """
    check_installed(backend)
    check(network)
    file = (place or folder(network)) / FILES[backend]
    if (found := _checked(network, file)) is not None:
        with suppress(OSError):  # a cache that others own
            os.utime(file.parent)
    else:
        say(f"backend={backend}: exporting the network to {file}, which is done once")
        facts = Facts.of(network)
        try:
            make_folder(file.parent)  # tried first: exporting takes long
            _clean(file.parent)
            source = file.with_name(FILES["onnxruntime"])
            if backend == "openvino" and _checked(network, source):
                convert(network, source, facts, file)
            else:
                export(network, facts, file, overwrite=True, say=lambda _: None)
        except UserError:
            raise
        except OSError as error:
            raise StorageError(error.errno, f"{error.strerror}; XDG_CACHE_HOME chooses another cache", str(file)) from None
        found = opened(file)
    return found


def _clean(used: Path) -> None:
    """Remove the other folders of the cache that were last used more than a month ago."""
    for other in used.parent.iterdir():
        if other != used and re.fullmatch(_NAME, other.name):
            with suppress(OSError):  # of others, or being removed by another process
                if time.time() - other.stat().st_mtime > _MONTH:
                    shutil.rmtree(other)


def _checked(network: nn.Module, file: Path) -> nn.Module | None:
    """The network in a file of the cache, if it gives the images of the one that is asked for: files can be damaged."""
    if not file.is_file():
        return None
    with suppress(InputError, MissingError):
        found = opened(file)
        verify.check(next(verify.differences(network, found)), "32", str(file))
        return found
    return None


def installed(backend: str) -> bool:
    """Whether all packages are there that a back end needs."""
    return all(find_spec(name) for name in (backend, *_WRITERS))


def check_installed(backend: str) -> None:
    """MissingError: a package that a back end needs is not installed."""
    if missing := next((name for name in (backend, *_WRITERS) if find_spec(name) is None), None):
        raise MissingError(f"backend={backend} needs the package {missing}: {EXTRA}")


def check(network: nn.Module) -> None:
    """Refuse networks that have no file in float32.

    Raises:
        InputError: as `check_exportable`; the network upscales to any size, or was trained in 8 bits.
    """
    check_exportable(network)
    if isinstance(network, Quantised):
        raise InputError(f"{type(network.network).__name__} was trained in 8 bits: write a file by export.py quantise=int8")
    if takes_size(network):
        raise InputError(f"{type(network).__name__} upscales to any size, but an exported file by one scale alone")


def folder(network: nn.Module) -> Path:
    """The folder of a network's files in the cache. Its name is a hash of weights, options, code and versions.

    The cache is `sr/exported` in XDG_CACHE_HOME, by default in ~/.cache, and can be removed at any time. `_clean` knows
    the form of the name.
    """
    found = hashlib.sha256()
    for text in (*_structure(network), *_versions(), *_sources(network)):
        found.update(text.encode() + b"\n")
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "sr" / "exported" / found.hexdigest()[:24]


def _structure(network: nn.Module) -> Iterator[str]:
    """Classes and plain options of all modules, such as a factor of residuals, which no tensor shows."""
    for name, module in network.named_modules():
        options = {key: value for key, value in sorted(vars(module).items()) if _is_plain(value) and key != "training"}
        yield f"{name} {type(module).__module__}.{type(module).__qualname__} {options}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _versions() -> Iterator[str]:
    for name in ("torch", *_WRITERS, *FILES):
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


def _sources(network: nn.Module) -> Iterator[str]:
    """The code by which a file is made: of the network's modules, but PyTorch's, and what they share and are exported by."""
    modules = {type(one).__module__ for one in network.modules()}
    files = {getattr(sys.modules.get(name), "__file__", None) for name in modules if not name.startswith("torch.")}
    files |= {str(file) for part in ("network", "functional", "export", "backend") for file in (_CODE / part).glob("*.py")}
    for file in sorted(filter(None, files)):
        yield Path(file).read_text(encoding="utf-8")
