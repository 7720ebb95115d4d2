"""Upscales volume files: the affine is scaled with the voxels, type and scaling of values are kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sr.data.volume_store import check_cubes, wants_cubes
from sr.errors import InputError, NotFiniteError
from sr.files import matching
from sr.functional.axes import layout, text
from sr.image.kind import Kind
from sr.image.volume import EXTENSIONS, Volume, extension, found, read_volume, stem, write_volume
from sr.image.volume_kind import from_unit, to_kind
from sr.image.writer import EXTENSIONS as PICTURES
from sr.infer.upscaler import PRECISIONS
from sr.infer.volume import OVERLAP, TILE, VolumeUpscaler
from sr.predict.each import predict_each
from sr.predict.plan import checked
from sr.predict.result import Result


def plan_volumes(source: str | Path | Sequence[str | Path], target: str | Path, *, suffix: str = "") -> list[tuple[Path, Path]]:
    """Pairs (input file, output file) for a file, a folder (its sub-folders are kept), a glob pattern, or a list of these.

    Args:
        target: a folder; for a single file also a file name, of the input's format.
        suffix: appended to the names, such as _x2.

    Raises:
        MissingError: nothing to upscale. InputError: results that would replace an input or each other, another format.
    """
    target, entries = Path(target), [Path(one) for one in ([source] if isinstance(source, str | Path) else source)]
    files = found(entries, "input")
    if not target.is_dir() and (ending := extension(target)) in PICTURES:
        raise InputError(f"output={target}: a volume cannot be written as {ending}: pass a folder or {extension(files[0])}")
    if len(files) == 1 and files == entries and extension(target) in EXTENSIONS and not target.is_dir():
        if extension(target) != extension(files[0]):
            raise InputError(
                f"output={target}: the geometry of {files[0].name} is kept in its own format: pass {extension(files[0])}"
            )
        pairs = [(files[0], target)]
    else:
        if any(entry.is_dir() and entry.resolve() == target.resolve() for entry in entries):
            raise InputError(f"output={target} is the input folder: choose another one")
        pairs = []
        for entry in entries:
            pattern = None if entry.exists() else matching(entry)
            base, inside = (entry, target.resolve()) if entry.is_dir() else (pattern[0] if pattern else entry.parent, None)
            for file in found(entry, "input"):
                if inside is None or not file.resolve().is_relative_to(inside):  # results of an earlier call
                    name = f"{stem(file)}{suffix}{extension(file)}"
                    pairs.append((file, target / file.relative_to(base).with_name(name)))
    return checked(pairs, "choose another input")


def predict_volumes(
    network: nn.Module,
    files: Sequence[tuple[Path, Path]],
    kind: Kind,
    *,
    tile: int | str | None = "auto",
    overlap: int = OVERLAP,
    precision: str | int = "32",
    ensemble: bool = False,
    overwrite: bool = False,
    anisotropic: bool = False,
) -> Result:
    """Upscale each volume file to its output file. A failed file costs one line on stderr, not the job.

    Args:
        kind: the pixel format of the training: values are mapped as there (`sr.image.volume_kind`), and back.
        tile, overlap, precision, ensemble: as in `sr.infer.volume.upscale_volume`; tile="auto" is 96.
        overwrite: write existing results again; otherwise they are skipped.
        anisotropic: enlarge volumes whose voxels are not cubes by a network for axes=isotropic.
    """
    if str(precision) not in PRECISIONS:
        raise InputError(f"precision={precision}: choose one of {', '.join(PRECISIONS)}")
    if tile is not None and tile != "auto" and not (isinstance(tile, int) and tile > 0):
        raise InputError(f"tile={tile}: choose auto, null (the whole volume at once) or a number of LR voxels")
    network.to(memory_format=layout(network))
    side = TILE if tile == "auto" else tile
    upscaler = VolumeUpscaler(
        network, tile=side, overlap=overlap, ensemble=ensemble, precision=str(precision), halve=tile == "auto"
    )
    return predict_each(
        files,
        lambda source, target: _one(upscaler, source, target, kind, anisotropic),
        overwrite,
        "upscaling volumes",
        "file",
        lambda: f"windows of {upscaler.tile} voxels",
    )


def _one(upscaler: VolumeUpscaler, source: Path, target: Path, kind: Kind, anisotropic: bool) -> str:
    """Upscale one file; returns what was done, in words."""
    volume, factors = read_volume(source), upscaler.network.factors
    if wants_cubes(factors, anisotropic):
        check_cubes(volume, "anisotropic")
    voxels, limits = to_kind(volume, kind, clip=False)
    made = np.empty(upscaler.size(voxels.shape[:3]), np.float32)

    def part(*window: slice) -> torch.Tensor:
        return kind.scaled(torch.from_numpy(np.ascontiguousarray(voxels[window]))[None].movedim(-1, 1))

    for first, slab in upscaler.slabs(part, voxels.shape[:3]):
        if not torch.isfinite(slab.sum()):
            raise NotFiniteError(f"{source}: the network's output is NaN or infinite: its weights are broken")
        made[first : first + slab.shape[2]] = from_unit(slab[0, 0].cpu().numpy(), limits)
    write_volume(target, made, volume, factors)
    return f"{source}: {_said(volume, factors)}"


def _said(volume: Volume, factors: tuple[int, int, int]) -> str:
    sizes = [size * f for size, f in zip(volume.voxels.shape, factors, strict=True)]
    if volume.spacing is None:
        return f"{text(volume.voxels.shape)} -> {text(sizes)} voxels (D, H, W), by {text(factors)}; the file has no voxel size"
    before, after = volume.spacing, [mm / f for mm, f in zip(volume.spacing, factors, strict=True)]
    axes = f"D is the file's axis {volume.axes[0]}"
    spacing = f"{text([round(mm, 3) for mm in before])} -> {text([round(mm, 3) for mm in after])} mm"
    return f"{text(volume.voxels.shape)} -> {text(sizes)} voxels (D, H, W), {spacing}; {axes}"
