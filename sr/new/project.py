"""Makes the folder of a project: a copy of `template` in which `my_project` has the project's name."""

import importlib.util
import keyword
import os
import re
import shutil
from pathlib import Path

from sr.errors import ExistsError, InputError
from sr.files import make_folder

TEMPLATE = Path(__file__).resolve().parent / "template"
NAME = "my_project"  # of the package in the template
_FOLDERS = ("conf", "tests")  # beside the package


def make(place: str | Path) -> Path:
    """Make the folder of a new project, whose last part is the name of its package; returns the folder.

    Raises:
        ExistsError: something of that name exists.
        InputError: the name cannot be that of a package, or is that of an installed one.
        StorageError: the folder cannot be written; nothing is left of it then.
    """
    folder = Path(place).expanduser()
    name = folder.name
    if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?", name) or keyword.iskeyword(name):
        raise InputError(f"{name!r} is not a name of a package: choose one of letters (a to z), digits and _, such as {NAME}")
    if os.path.lexists(folder):
        raise ExistsError(f"{folder} exists already: choose another name, or remove it")
    if name in _FOLDERS or importlib.util.find_spec(name) is not None:
        raise InputError(f"{name} is the name of a package that Python has already: choose another one")
    make_folder(folder.parent)
    unfinished = folder.with_name(f".{name}.unfinished")
    try:
        _copy(unfinished, name)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # there only after an error
    return folder


def files() -> list[Path]:
    """The files of the template, as paths in it; without what Python and other programs leave there."""
    found = (file.relative_to(TEMPLATE) for file in sorted(TEMPLATE.rglob("*")) if file.is_file())
    return [file for file in found if not any(part.startswith((".", "__pycache__")) for part in file.parts)]


def _copy(folder: Path, name: str) -> None:
    for file in files():
        target = folder / str(file).replace(NAME, name)
        make_folder(target.parent)
        target.write_text((TEMPLATE / file).read_text().replace(NAME, name))
    (folder / ".gitignore").write_text("__pycache__/\n/data/\n/outputs/\n")
