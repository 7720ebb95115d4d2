"""Upscales bursts: a folder of frames becomes one picture, on the grid of its first frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from sr.errors import InputError, NotFiniteError
from sr.functional.registration import FOUND, registered
from sr.image import burst, video
from sr.image.formats import extension
from sr.image.kind import PHOTO, Kind
from sr.image.writer import EXTENSIONS, Writer
from sr.infer.strips import NOT_FINITE
from sr.infer.upscaler import Upscaler
from sr.predict.each import predict_each
from sr.predict.files import upscaler
from sr.predict.plan import no_video
from sr.predict.result import Result


def plan_bursts(
    source: str | Path | Sequence[str | Path], target: str | Path, *, format: str | None = None, suffix: str = ""
) -> list[tuple[Path, Path]]:
    """Pairs (folder of frames, output file): a folder of frames is one burst, a folder of folders many; or a list of these.

    A single file is a burst of one frame.

    Args:
        target: a folder, in which results are named as their folders; for a single burst also a file name.
        format: of results in a folder: png by default.
        suffix: appended to their names, such as _x4.

    Raises:
        MissingError: no frames. InputError: results that would replace each other or lie in the input, a format that cannot
            be written.
    """
    target, ending = Path(target), f".{format or 'png'}"
    entries = [Path(one).expanduser() for one in ([source] if isinstance(source, str | Path) else source)]
    if videos := [one for one in entries if extension(one) in video.EXTENSIONS]:
        raise InputError(f"{videos[0]} is a video, but the network is for bursts: pass a folder of frames of one scene")
    no_video(target)
    pairs = [(base, one) for base in entries for one in ([base] if base.is_file() else burst.found(base))]
    named = target.suffix.lower() in EXTENSIONS and not target.is_dir()
    if (ending if not named else target.suffix.lower()) not in EXTENSIONS:
        raise InputError(f"format={format}: choose one of {', '.join(one[1:] for one in EXTENSIONS)}")
    if len(pairs) == 1 and named:
        return [(pairs[0][1], target)]
    if named:
        raise InputError(f"output={target} is a file, but there are {len(pairs)} bursts: pass a folder")
    found = []
    for base, one in pairs:
        inside = Path(one.stem) if one.is_file() else Path(base.name) if one == base else one.relative_to(base)
        found.append((one, target / inside.with_name(f"{inside.name}{suffix}{ending}")))
    results = [result for _, result in found]
    if twice := next((result for result in results if results.count(result) > 1), None):
        raise InputError(f"several bursts would become {twice}: choose another input")
    if inside := next((base for base in entries if base.is_dir() and target.resolve().is_relative_to(base.resolve())), None):
        raise InputError(f"output={target} lies in the input {inside}, whose folders are bursts: choose another one")
    return found


def predict_bursts(
    network: nn.Module,
    bursts: Sequence[tuple[Path, Path]],
    *,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    batch: int | Literal["auto"] = "auto",
    precision: str | int = "32",
    ensemble: bool = False,
    overwrite: bool = False,
    kind: Kind = PHOTO,
) -> Result:
    """Upscale each burst to its output file. A failed burst costs one line on stderr, not the job.

    Says of each how many frames there are, by how much they have moved, and which cannot be registered with the first one.
    Results have the type of the kind, without colour profile and EXIF.

    Args:
        tile, overlap, batch, precision, ensemble: as in `sr.predict.files.predict_files`; tile="auto" is the whole picture for
            classical fusion, which registers it as a whole.
        overwrite: write existing results again; otherwise they are skipped.
    """
    classical = tile == "auto" and next(network.parameters(), None) is None
    options = {"overlap": overlap, "batch": batch, "precision": precision, "ensemble": ensemble}
    made = upscaler(network, tile=None if classical else tile, **options)
    return predict_each(
        bursts,
        lambda source, target: _one(made, source, target, kind),
        overwrite,
        "fusing bursts",
        "burst",
        lambda: f"tiles of {made.tile} pixels",
    )


def _one(made: Upscaler, source: Path, target: Path, kind: Kind) -> str:
    """Fuse one burst; returns what was found, in words."""
    files = [source] if source.is_file() else burst.frame_files(source)
    pixels = kind.read(source)[None] if source.is_file() else burst.read(source, kind)
    lr = kind.to_float(torch.from_numpy(pixels))[None]
    sr = made(lr)[0]
    if not torch.isfinite(sr.sum()):
        raise NotFiniteError(f"{source}: {NOT_FINITE}")
    stored = kind.to_stored(sr).permute(1, 2, 0).contiguous().numpy()
    with Writer(target, stored.shape, stored.dtype) as writer:
        writer.write(stored)
    return f"{source}: {_said(lr, files)}"


def _said(lr: torch.Tensor, files: list[Path]) -> str:
    if len(files) == 1:
        return "one frame: single-frame SR"
    shift, correlation = (one[0] for one in registered(lr))
    lost = [file.name for file, much in zip(files, correlation.tolist(), strict=True) if much < FOUND]
    line = f"{len(files)} frames, shifts of up to {shift.abs().max():.2f} pixels"
    return f"{line}; cannot be registered with {files[0].name}: {', '.join(lost)}" if lost else line


def settled() -> dict[str, Any]:
    """The settings of predict.py that bursts do not have, with the only value they take."""
    return {"outscale": None, "size": None, "alpha_upscale": "bicubic", "reference": None, "degrade": False, "bandwise": False}
