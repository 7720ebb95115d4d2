"""LR, bicubic, the results of networks and HR side by side in one HTML page (sr/view/page.py)."""

import math
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sr.data.notes import say_not_used
from sr.data.source.folder import check_pairs, images, pair
from sr.device.count import parameters
from sr.errors import InputError, MissingError, NotFiniteError
from sr.files import whole
from sr.image import file as image
from sr.image.kind import PHOTO, Kind
from sr.image.writer import EXTENSIONS
from sr.infer.factor import factor
from sr.infer.strips import check_bands
from sr.infer.upscaler import Upscaler, channels
from sr.network.inputs import takes_size
from sr.predict.files import naming, upscaler
from sr.predict.pair import Pair, check_scaling, not_used, notes
from sr.predict.plan import find, sources
from sr.say import warn
from sr.view.page import Column, data_uri, means_of, metrics_of, render, score_text
from sr.view.table import markdown

RESERVED = ("LR", "bicubic", "HR")  # columns that are not networks
LARGE, TOO_LARGE = 50e6, 1e9  # page sizes in bytes: browsers become slow, or give up
_BYTES = 1.8  # bytes of the page per pixel of a photo: lossless WebP in base64


def compare_files(
    networks: Sequence[tuple[str, nn.Module]],
    source: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    reference: str | Path | None = None,
    degrade: bool = False,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    ensemble: bool = False,
    overwrite: bool = False,
    outscale: float | None = None,
    kind: Kind = PHOTO,
) -> int:
    """Upscale each input with each network and write the page; returns the number of failed files (one line on stderr each).

    Args:
        networks: (file or name, network in eval mode) each; all with one scale, or of any scale.
        source: LR file, folder or pattern; with `degrade` HR, from which LR is made by MATLAB's imresize.
        output: the page (FILE.html), or a folder for compare.html.
        reference: HR file, or a folder with an HR file for each input.
        tile, overlap, ensemble: as in sr.predict.files.predict_files; float32 always.
        outscale: the scale at which networks of any scale are compared; None: their own.
        kind: of the images: how files are read, shown and scored.

    Raises:
        InputError, MissingError: one line; nothing was written.
    """
    if not networks:
        raise InputError("no network to compare: pass ckpt=[a.ckpt,b.pth]")
    page, scale = page_path(output, overwrite), common_scale(networks, outscale)
    upscalers = [upscaler(network, tile=tile, overlap=overlap, ensemble=ensemble) for _, network in networks]
    if degrade and reference is not None:
        raise InputError(f"with degrade=true the input is the reference: remove reference={reference}")
    check_scaling(kind, reference)
    files = find_pairs(source, reference, scale)
    columns = 1 + len(networks) + (degrade or reference is not None)  # LR is small
    sr_pixels = sum(height * width for height, width in map(image.size, _readable(files))) * (1 if degrade else scale**2)
    expected = sr_pixels * columns * _BYTES
    if expected > TOO_LARGE:
        raise InputError(
            f"{len(files)} files with {columns} pictures each need a page of about {expected / 1e9:.1f} GB, which browsers "
            "cannot open: pass fewer or smaller files, or fewer networks"
        )
    shown = [file for file in {*files, *files.values()} if file is not None]
    say_not_used(source, [(file, not_used(file, kind)) for file in sorted(_readable(shown))])
    sources = [source for source, _ in networks]
    named = list(zip(column_names(sources), sources, upscalers, strict=True))
    rows, failed = {}, 0
    progress = tqdm(files.items(), unit="image", disable=len(files) == 1)
    for file, hr_file in progress:
        try:
            rows[file] = _columns(named, file, hr_file, degrade, kind)
        except (InputError, MissingError, NotFiniteError) as error:
            if len(files) == 1:
                raise
            failed += 1
            tqdm.write(str(error), file=sys.stderr)
    progress.close()
    if not rows:
        raise InputError(f"{source}: none of its {len(files)} files could be compared")
    with whole(page) as temporary, open(temporary, "w", encoding="utf-8", errors="replace", newline="\n") as html:
        html.writelines(
            render(rows, [name for name, _, _ in named], scale, notes(kind, scale, "HR" in next(iter(rows.values()))))
        )
    size = page.stat().st_size
    if size > LARGE:
        warn(f"{page} has {size / 1e6:.0f} MB, which is slow to open: compare fewer or smaller files, or fewer networks")
    means = means_of(rows)
    if means:
        metrics = metrics_of(rows)
        print(markdown([["", *metrics], *([name, *(score_text(m, s[m]) for m in metrics)] for name, s in means.items())]))
    print(f"{page} ({len(rows)} {'image' if len(rows) == 1 else 'images'}, {size / 1e6:.1f} MB)")
    return failed


def page_path(output: str | Path, overwrite: bool = False) -> Path:
    """The page's file: `output` itself if it ends in .html, otherwise compare.html in that folder. Raises InputError."""
    output = Path(output)
    is_page = output.suffix.lower() in (".html", ".htm") and not output.is_dir()
    if not is_page and not output.is_dir() and (output.exists() or output.suffix.lower() in EXTENSIONS):
        raise InputError(f"output={output} is a file other than .html: pass a folder or a FILE.html")
    page = output if is_page else output / "compare.html"
    if page.exists() and not overwrite:
        raise InputError(f"{page} already exists: pass overwrite=true or another output")
    return page


def common_scale(networks: Sequence[tuple[str, nn.Module]], outscale: float | None = None) -> float:
    """The scale of all networks; those of any scale are set to `outscale`. InputError names two that differ."""
    for _, network in networks:
        if outscale is not None and takes_size(network):
            if not 1 <= outscale < math.inf:
                raise InputError(f"outscale={outscale}: choose a factor of at least 1, such as 3.7")
            factor(network, outscale)  # which checks it
            network.scale = outscale
    first, network = networks[0]
    for other, its in networks[1:]:
        if its.scale != network.scale:
            raise InputError(
                f"{first} is for scale {network.scale} and {other} for scale {its.scale}: compare networks of one scale"
            )
    if outscale not in (None, network.scale):
        raise InputError(f"outscale={outscale}: {first} is for scale {network.scale}: remove outscale, or compare others")
    return network.scale


def column_names(sources: Sequence[str | Path]) -> list[str]:
    """Short unique names: the run's folder or the file's stem, with the folder or the file if two are equal."""
    choices = [_names(str(source)) for source in sources]
    level = [0] * len(choices)
    for _ in range(2):
        names = [names[i] for names, i in zip(choices, level, strict=True)]
        level = [i + (name in RESERVED or names.count(name) > 1) for i, name in zip(level, names, strict=True)]
    names = []
    for found in (names[min(i, 2)] for names, i in zip(choices, level, strict=True)):
        taken, number = {*RESERVED, *names}, 2
        while (name := found if number == 2 and found not in taken else f"{found} ({number})") in taken:
            number += 1
        names.append(name)
    return names


def _names(source: str) -> tuple[str, str, str]:
    path = Path(source).resolve()
    if path.parent.name == "checkpoints":
        run = path.parent.parent.name
        return run, f"{run}/{path.stem}", source
    return path.stem, f"{path.parent.name}/{path.stem}", source


def find_pairs(
    source: str | Path | Sequence[str | Path], reference: str | Path | None, scale: float
) -> dict[Path, Path | None]:
    """Input file -> its HR file or None.

    Raises:
        MissingError: no input; InputError: an input without HR, or an HR file of a wrong size.
    """
    found = [find(one) for one in sources(source)]
    files = list(dict.fromkeys(file for _, those in found for file in those))
    if reference is None:
        return dict.fromkeys(files)
    reference, partners = Path(reference), {}
    if reference.is_dir():
        for base, those in found:
            partners |= {lr: hr for hr, lr in pair(images(reference), reference, those, base) if lr is not None}
    elif len(files) > 1:
        raise InputError(f"reference={reference} is one file, but input={source} has {len(files)}: pass a folder of HR files")
    else:
        partners = {files[0]: reference}
    if missing := [file for file in files if file not in partners]:
        raise InputError(
            f"reference={reference} has no HR file for {missing[0]}: looked for its name, with or without x{scale}"
        )
    check_pairs([(partners[file], file) for file in files], scale)
    return {file: partners[file] for file in files}


def _readable(files: Iterable[Path]) -> list[Path]:
    """The files whose headers can be read; the others are reported later."""
    found = []
    for file in files:
        with suppress(InputError, MissingError):
            image.size(file)
            found.append(file)
    return found


def _columns(
    upscalers: Sequence[tuple[str, str, Upscaler]], file: Path, hr_file: Path | None, degrade: bool, kind: Kind
) -> dict[str, Column]:
    """Name -> picture for one file, in the order of the page."""
    both = Pair.read(file, hr_file, degrade, upscalers[0][2].network.scale, kind)
    columns: dict[str, Column] = {}

    def add(name: str, shown: Tensor, source: str | Path, **known: Any) -> None:
        pixels = both.picture(shown)
        columns[name] = Column(pixels.shape[:2], data_uri(pixels), str(source), **known)

    add("LR", both.lr, f"{file}, MATLAB's imresize" if degrade else file, scores=both.scores(both.lr))
    add("bicubic", both.bicubic, "MATLAB's imresize", scores=both.scores(both.bicubic))
    for name, source, enlarged in upscalers:
        bands = channels(enlarged.network)
        with naming(file):
            if bands != both.lr.shape[1]:
                check_bands(enlarged.network, both.gray)
        started = time.perf_counter()
        sr = enlarged(both.lr[:, :bands])
        seconds = time.perf_counter() - started
        if not torch.isfinite(sr).all():
            raise NotFiniteError(f"{source} returns NaN or infinite pixels for {file}: its weights are broken")
        sr = both.result(sr)
        cost = {"parameters": parameters(enlarged.network), "seconds": seconds}
        add(name, sr, source, scores=both.scores(sr), **cost)
    if both.hr is not None:
        add("HR", both.hr, file if degrade else hr_file)
    return columns
