"""Checkpoint files: tensors and plain Python values, so that `torch.load(weights_only=True)` opens them.

Our checkpoints contain, under "sr", the complete config of their run. Only a network is ever built from it: files are
untrusted input. Weight files of others (.pth, .safetensors) contain only tensors.
"""

import os
import pickle
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import is_zipfile

import torch
from torch import Tensor

from sr.backend.files import facts as exported_facts
from sr.backend.files import is_exported
from sr.cli.aliases import renamed
from sr.errors import InputError, MissingError, StorageError, first_line
from sr.files import whole
from sr.weights import foreign

# Keys under which releases store their weights.
_WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net", "sd", "generator")
_PREFIXES = ("module.", "_orig_mod.", "generator_ema.", "generator.", "netG.", "network.")
_WRAPPED = (
    "module.",
    "_orig_mod.",
)  # prefixes added by torch's DDP, AveragedModel and compile; other keys are not part of the network


Source = str | Path | Sequence[str | Path]  # a file, or two to interpolate


def first(source: Source) -> str | Path:
    """The file whose config is used."""
    return source if isinstance(source, str | Path) else source[0]


def stored_weights(source: Source | None, alpha: float | None = None) -> dict[str, Tensor]:
    """The network's tensors in a file, or the interpolation of two files.

    Raises:
        InputError: two files without alpha, one file with alpha, or another number of files.
    """
    if source is None or isinstance(source, str | Path):
        if alpha is not None:
            raise InputError(f"alpha={alpha} needs two checkpoints: pass ckpt=[psnr.ckpt,gan.ckpt]")
        return _weights_of(source)
    if len(source) != 2 or type(alpha) not in (int, float) or not 0 <= alpha <= 1:
        raise InputError(f"ckpt has {len(source)} files and alpha is {alpha}: pass two files and an alpha between 0 and 1")
    ours, theirs = (_weights_of(path) for path in source)
    if {key: value.shape for key, value in ours.items()} != {key: value.shape for key, value in theirs.items()}:
        raise InputError(f"{source[0]} and {source[1]} contain different networks, which cannot be interpolated")
    return interpolate(ours, theirs, alpha)


def _weights_of(path: str | Path | None) -> dict[str, Tensor]:
    content = read(path)
    tensors = weights(content)
    if not tensors and not _is_ours(content):
        others = ", ".join(str(key) for key in list(content)[:3]) or "nothing"
        raise InputError(f"{path}: no weights under known keys; found {others}")
    return tensors


def interpolate(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """(1 - alpha) * ours + alpha * theirs, tensor by tensor; integers (counters) are theirs, and equal tensors are
    unchanged, so that infinite values in a mask do not become NaN.

    Network interpolation between the PSNR and the GAN network: ESRGAN, Wang et al. 2018, arXiv:1809.00219, section 3.4.
    """
    return {
        key: value + alpha * (theirs[key] - value)
        if value.is_floating_point() and not torch.equal(value, theirs[key])
        else theirs[key]
        for key, value in ours.items()
    }


def about(path: str | Path | None) -> dict[str, Any]:
    """The record of a checkpoint of ours without loading its tensors: its run (`sr`) and its `global_step`.

    Of an exported file, what its metadata keeps of that. Empty for files of others. Raises as `read` does.
    """
    if is_exported(path):
        found = exported_facts(path)
        return {"sr": renamed(found.run | {"called": found.name})} if found else {}
    try:
        content = read(path, mapped=True)
    except ValueError:  # torch cannot memory-map every file that it can read
        content = read(path)
    return {key: renamed(content[key]) for key in ("sr", "global_step") if key in content} if _is_ours(content) else {}


def read(path: str | Path | None, *, mapped: bool = False) -> dict[str, Any]:
    """The content of a file, on the CPU; never unpickles code.

    Args:
        mapped: read tensors from disk when they are used, if the format allows it.

    Raises:
        MissingError, InputError: one line that names the file, or says what to pass if there is none (ckpt=null).
    """
    if path is None:
        raise InputError("missing option: pass ckpt=FILE")
    path = Path(path)
    if not path.is_file():
        beside = sorted(file.name for file in path.parent.glob("*.ckpt"))[:3]  # a kill may leave only the first best.ckpt
        raise MissingError(f"{path}: no such checkpoint" + (f"; there is {', '.join(beside)}" if beside else ""))
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        with warnings.catch_warnings(
            action="ignore"
        ):  # torch prints a long text about pickle protocols before it refuses the file
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and is_zipfile(path))
    except pickle.UnpicklingError as error:
        if "Weights only load failed" in str(error) and "GLOBAL" in str(error):
            raise InputError(
                f"{path}: contains pickled code, which is never run; only tensors and plain values are loaded"
            ) from None
        raise _not_read(path, "not a checkpoint, or truncated") from None
    except (RuntimeError, EOFError, ValueError, OSError, KeyError, AttributeError, IndexError) as error:
        raise _not_read(path, f"not a checkpoint, or truncated ({first_line(error)})") from None
    except Exception as error:
        if type(error).__name__ != "SafetensorError":
            raise
        raise _not_read(path, f"not a safetensors file, or truncated ({first_line(error)})") from None
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: contains a {type(content).__name__}, not the weights of a network")
    return dict(content)


def _not_read(path: Path, otherwise: str) -> InputError:
    """What the file is instead, if its first bytes or its name tell."""
    what = foreign.kind(path)
    return InputError(f"{path}: this is {what}; {foreign.WEIGHTS}" if what else f"{path}: {otherwise}")


def write(content: Mapping[str, Any], path: str | Path) -> None:
    """torch.save to a temporary name, then rename: readers see the old or the new file, never a part.

    Raises:
        StorageError: the disk is full or not writable (one line that names the file; the old file is unchanged).
    """
    with _written(path) as file:
        torch.save(dict(content), file)


def copy(source: str | Path, path: str | Path) -> None:
    """Copy the file to another name, atomically like `write`."""
    with _written(path) as file, open(source, "rb") as original:
        shutil.copyfileobj(original, file, 1 << 20)


@contextmanager
def _written(path: str | Path) -> Iterator[BinaryIO]:
    try:
        with whole(path) as temporary, open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # torch hides a full disk behind a RuntimeError
        raise StorageError(f"{path}: cannot be written ({getattr(cause, 'strerror', None) or first_line(error)})") from error


def weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The network's tensors in the result of `read`: of our checkpoints the averaged or plain network, of others all."""
    if _is_ours(checkpoint):
        state = checkpoint["state_dict"]
        prefix = "average.module." if any(key.startswith("average.module.") for key in state) else "network."
        return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    for wrapper in _WRAPPERS:
        if isinstance(checkpoint.get(wrapper), Mapping):
            return weights(checkpoint[wrapper])
    tensors = {key: value for key, value in checkpoint.items() if isinstance(key, str) and isinstance(value, Tensor)}
    for prefix in _PREFIXES:
        if prefix in ("generator_ema.", "generator."):  # a GAN's file may also contain its discriminator, and an average
            generator = {key: value for key, value in tensors.items() if key.startswith(prefix)}
            tensors = generator or tensors
        wrapped = sum(key.startswith(prefix) for key in tensors)
        if wrapped and (wrapped == len(tensors) or prefix in _WRAPPED and 2 * wrapped > len(tensors)):
            return weights({key.removeprefix(prefix): value for key, value in tensors.items()})
    return tensors


def _is_ours(content: Mapping[str, Any]) -> bool:
    return isinstance(content.get("sr"), Mapping) and isinstance(content.get("state_dict"), Mapping)
