"""Keeps paths and names on the command line as strings, even if they look like numbers.

Hydra reads `2024_01_15` as the number 20240115, `2023` as a number, `1e5` as 100000.0 and `Null` as null. So values of keys
that take paths or names are quoted before Hydra sees them. The rest of Hydra's grammar is kept: `null`, lists, sweeps (a,b
and choice(a,b)), interpolations and quotes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sr.cli import groups
from sr.errors import InputError

# Keys that take paths: a leading ~ is the home folder, also in quotes, lists, YAML and environment variables.
PATHS = ("output_dir", "data_dir", "resume", "init_from", "reproduce", "ckpt", "input", "output", "reference", "runs", "votes")
PATHS += (
    "results",
    "model.teacher",
    "data.train",
    "data.train.path",
    "data.train.folder",
    "data.train.lr",
    "data.lr",
    "data.train.own_validation",
    "data.cache_dir",
    "sources.*.folder",
    "sources.*.own_validation",
)
PATHS += ("benchmark.*.hr", "benchmark.*.lr", "validation.*.hr", "validation.*.lr", "vgg", "*.source")
PATHS += ("benchmark.*.hr.path", "benchmark.*.cache_dir", "benchmark.*.stored", "validation.*.cache_dir", "validation.*.stored")
PATHS += ("loss.*.weights", "metric.*.weights", "logger.*.file", "logger.*.folder", "logger.*.save_dir", "callback.*.folder")
PATHS += ("init_parts.*", "callback.*.init_from", "callback.*.storage", "hydra.run.dir", "hydra.sweep.dir")
# Keys that take names and other text.
NAMES = ("study", "variant", "format", "suffix", "baseline", "title", "question", "benchmark.*.name", "benchmark.*.url")
NAMES += ("validation.*.name", "validation.*.url", "data.lr_pattern", "*.lr_pattern", "results_pattern")
NAMES += ("logger.*.name", "logger.*.project", "logger.*.group", "logger.*.tags", "logger.*.run_id", "logger.*.version")
NAMES += ("logger.*.entity", "callback.*.name", "callback.*.monitor", "hydra.sweep.subdir", "hydra.job.name")
NAMES += tuple(f"hydra.launcher.parameters.{name}" for name in ("name", "partition", "account", "qos", "constraint", "exclude"))
# Text options of a source, data.train={path: /a, weight: 2}.
_SOURCE_TEXT = ("path", "folder", "lr")
_LIKE_ANOTHER = re.compile(r"[-+.\d]|(inf|nan|true|false|null)$|~", re.IGNORECASE)
_QUOTES = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_PIECE = re.compile(_QUOTES + r"""|\$\{(?:[^{}]|\{[^{}]*\})*\}|[,\[\]{}():]|(?:[^,\[\]{}():'"$]|\$(?!\{))+""")


def key_of(word: str) -> str:
    """The key of an override: logger.wandb.name for `++logger.wandb.name=x`, optimizer for `optimizer@other=adam`."""
    return word.split("=")[0].lstrip("+~").split("@")[0]


def is_path(key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in PATHS)  # * also matches dots


def is_text(key: str) -> bool:
    """Whether a key takes paths, names, or the choice of a config group."""
    return is_path(key) or any(fnmatchcase(key, name) for name in NAMES) or is_group(key)


def is_group(key: str) -> bool:
    """Whether a key chooses a config: model, hydra/launcher."""
    return key != "" and (groups.CONF / key).is_dir()


def quoted(text: str) -> str:
    """A text in quotes that Hydra reads back unchanged, whatever characters it has."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + found[2].replace("'", "\\'"), text)  # Hydra's rule
    return f"'{escaped}'"


def of_checkpoint(words: list[str]) -> list[str]:
    """The same overrides, with options of the network in a checkpoint (network.steps=4, without network=NAME) under the key
    `network_options`."""
    if any(key_of(word) == "network" for word in words):
        return words
    return [re.sub(r"^[+]*network\.(?=\w+=)", "++network_options.", word) for word in words]


def typed(words: list[str]) -> list[str]:
    """The same overrides, with values of text keys in quotes where Hydra would read something else."""
    return [_typed(word) if "=" in word and word[0] not in "~-" and is_text(key_of(word)) else word for word in words]


def _typed(word: str) -> str:
    name, _, value = word.partition("=")
    path = is_path(key_of(word))
    fitted = f"{name}={''.join(_pieces(value, path))}"
    if _parsed(fitted) is not None:
        return fitted
    if "," in value or value.lstrip()[:1] in ("[", "{", "'", '"'):
        return word  # a broken list or unclosed quotes: Hydra reports what is wrong
    return f"{name}={quoted(_home(value) if path else value)}"


def _pieces(value: str, path: bool) -> Iterator[str]:
    """The value split at commas, brackets and quotes, with quotes around each piece that needs them."""
    found = _PIECE.findall(value)
    if "".join(found) != value:  # unclosed quotes
        yield value
        return
    within: list[str] = []  # the open brackets and functions around a piece
    key = ""  # of the current dictionary entry
    for before, piece, after in zip(["", *found], found, [*found[1:], ""], strict=False):
        in_dict = bool(within) and within[-1] == "{"
        if in_dict and after == ":":
            key = piece.strip()
        text = set(within) <= {"[", "{", "choice", "shuffle"} and (not in_dict or (key in _SOURCE_TEXT and after != ":"))
        alone = before in ("", *"[{(,", *(":" if in_dict else "")) and after in ("", *"]}),")
        if piece in ("[", "{", "("):
            within.append(before.strip() if piece == "(" else piece)
        elif piece in ("]", "}", ")") and within:
            within.pop()
        if piece in (*",[]{}():",) or not alone or not text:
            yield piece
        elif piece[0] in "'\"":
            yield piece[0] + _home(piece[1:-1]) + piece[-1] if path else piece
        else:
            yield _quoted_where_needed(piece, path)


def _quoted_where_needed(piece: str, path: bool) -> str:
    bare = piece.strip()
    if not bare or bare == "null" or not _LIKE_ANOTHER.match(bare):
        return piece
    home, read = _home(bare) if path else bare, _parsed(f"x={bare}")
    changed = home != bare or (read is not None and not isinstance(read.value(), str))
    return piece.replace(bare, quoted(home)) if changed else piece


def _home(text: str) -> str:
    return os.path.expanduser(text) if text.startswith("~") else text


def _parsed(word: str) -> Override | None:
    """The override as Hydra reads it; None if it cannot."""
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def settle(cfg: DictConfig) -> None:
    """Expand ~ in the paths of a composed config, and refuse numbers where text is expected.

    Raises:
        InputError: a YAML has a number under such a key; YAML does not keep its spelling.
    """
    keys = [*_leaves(OmegaConf.to_container(cfg, resolve=False))]
    for key in sorted(keys, key=lambda key: key not in ("data_dir", "output_dir")):  # other paths interpolate these
        of = re.sub(r"\.\d+(?=\.|$)", "", key)  # data.train.0.path -> data.train.path
        if not is_text(of) or OmegaConf.is_missing(cfg, key):
            continue
        with suppress(OmegaConfBaseException):  # an unresolvable interpolation fails where it is used
            value = OmegaConf.select(cfg, key)
            if isinstance(value, bool | int | float):
                raise InputError(f"{key} is the number {value} in a YAML, but must be text: put it in quotes")
            if isinstance(value, str) and value.startswith("~") and is_path(of):
                OmegaConf.update(cfg, key, _home(value), force_add=True)


def _leaves(node: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of all values that are neither a mapping nor a list."""
    if not isinstance(node, dict | list):
        yield prefix
        return
    for name, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield from _leaves(child, f"{prefix}.{name}" if prefix else str(name))
