"""LR, bicubic, the results of networks and HR side by side in one HTML page (sr/view/page.py)."""

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from sr.data.notes import say_not_used
from sr.data.source.folder import check_pairs, images, pair
from sr.device.count import parameters
from sr.errors import InputError, MissingError, NotFiniteError
from sr.files import whole
from sr.functional.resize import imresize
from sr.image import file as image
from sr.image.bleed import bled
from sr.image.file import to_pixels, to_tensor
from sr.image.writer import EXTENSIONS
from sr.infer.strips import check_bands
from sr.infer.upscaler import Upscaler, channels
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.predict.files import naming, upscaler
from sr.predict.plan import find, sources
from sr.say import warn
from sr.view.page import METRICS, Column, Scores, data_uri, means_of, render, score_text
from sr.view.table import markdown

RESERVED = ("LR", "bicubic", "HR")  # columns that are not networks
LARGE, TOO_LARGE = 50e6, 1e9  # page sizes in bytes: browsers become slow, or give up
_BYTES = 1.8  # bytes of the page per pixel of a photo: lossless WebP in base64
_METRICS = {"PSNR Y": (PSNR, "y"), "SSIM Y": (SSIM, "y"), "PSNR RGB": (PSNR, "rgb"), "SSIM RGB": (SSIM, "rgb")}


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
) -> int:
    """Upscale each input with each network and write the page; returns the number of failed files (one line on stderr each).

    Args:
        networks: (file or name, network in eval mode) each; all with one scale.
        source: LR file, folder or pattern; with `degrade` HR, from which LR is made by MATLAB's imresize.
        output: the page (FILE.html), or a folder for compare.html.
        reference: HR file, or a folder with an HR file for each input.
        tile, overlap, ensemble: as in sr.predict.files.predict_files; float32 always.

    Raises:
        InputError, MissingError: one line; nothing was written.
    """
    if not networks:
        raise InputError("no network to compare: pass ckpt=[a.ckpt,b.pth]")
    page, scale = page_path(output, overwrite), common_scale(networks)
    upscalers = [upscaler(network, tile=tile, overlap=overlap, ensemble=ensemble) for _, network in networks]
    if degrade and reference is not None:
        raise InputError(f"with degrade=true the input is the reference: remove reference={reference}")
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
    say_not_used(source, [(file, image.not_used(file)) for file in sorted(_readable(shown))])
    sources = [source for source, _ in networks]
    named = list(zip(column_names(sources), sources, upscalers, strict=True))
    rows, failed = {}, 0
    progress = tqdm(files.items(), unit="image", disable=len(files) == 1)
    for file, hr_file in progress:
        try:
            rows[file] = _columns(named, file, hr_file, degrade)
        except (InputError, MissingError, NotFiniteError) as error:
            if len(files) == 1:
                raise
            failed += 1
            tqdm.write(str(error), file=sys.stderr)
    progress.close()
    if not rows:
        raise InputError(f"{source}: none of its {len(files)} files could be compared")
    with whole(page) as temporary, open(temporary, "w", encoding="utf-8", errors="replace", newline="\n") as html:
        html.writelines(render(rows, [name for name, _, _ in named], scale))
    size = page.stat().st_size
    if size > LARGE:
        warn(f"{page} has {size / 1e6:.0f} MB, which is slow to open: compare fewer or smaller files, or fewer networks")
    means = means_of(rows)
    if means:
        print(markdown([["", *METRICS], *([name, *(score_text(m, s[m]) for m in METRICS)] for name, s in means.items())]))
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


def common_scale(networks: Sequence[tuple[str, nn.Module]]) -> int:
    """The scale of all networks; InputError names two that differ."""
    first, network = networks[0]
    for other, its in networks[1:]:
        if its.scale != network.scale:
            raise InputError(
                f"{first} is for scale {network.scale} and {other} for scale {its.scale}: compare networks of one scale"
            )
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


def find_pairs(source: str | Path | Sequence[str | Path], reference: str | Path | None, scale: int) -> dict[Path, Path | None]:
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


def _images(file: Path, hr_file: Path | None, degrade: bool, scale: int) -> tuple[Tensor, bool, Tensor | None]:
    """LR as read or made, whether its file is gray, and HR quantised to uint8 and cropped to a multiple of the scale, or
    None."""
    read = image.read(file)
    lr = to_tensor(bled(read.pixels, read.alpha)[:, :])
    if not degrade and hr_file is None:
        return lr, read.was_gray, None
    hr = to_tensor(image.read_rgb8(file if degrade else hr_file))
    height, width = (n // scale * scale for n in hr.shape[-2:])
    if not (height and width):
        raise InputError(f"{file} is smaller than the scale {scale}: LR would be empty")
    hr = hr[..., :height, :width]
    return (imresize(hr, 1 / scale, rounding=True) if degrade else lr), read.was_gray, hr


def _columns(
    upscalers: Sequence[tuple[str, str, Upscaler]], file: Path, hr_file: Path | None, degrade: bool
) -> dict[str, Column]:
    """Name -> picture for one file, in the order of the page."""
    scale = upscalers[0][2].network.scale
    lr, gray, hr = _images(file, hr_file, degrade, scale)
    columns: dict[str, Column] = {}

    def add(name: str, pixels: np.ndarray, source: str | Path, **known: Any) -> None:
        scores = {}
        if hr is not None and name != "HR":
            shown = to_tensor(pixels)
            scores = score(F.interpolate(shown, scale_factor=scale) if name == "LR" else shown, hr, scale)
        columns[name] = Column(pixels.shape[:2], data_uri(pixels), str(source), scores=scores, **known)

    add("LR", to_pixels(lr), f"{file}, MATLAB's imresize" if degrade else file)
    add("bicubic", to_pixels(imresize(lr, scale, rounding=True)), "MATLAB's imresize")
    for name, source, enlarged in upscalers:
        with naming(file):
            check_bands(enlarged.network, gray)
        started = time.perf_counter()
        sr = enlarged(lr[:, : channels(enlarged.network)])
        seconds = time.perf_counter() - started
        if not torch.isfinite(sr).all():
            raise NotFiniteError(f"{source} returns NaN or infinite pixels for {file}: its weights are broken")
        pixels = to_pixels(sr.mean(1, keepdim=True).expand(-1, 3, -1, -1) if gray else sr)
        add(name, pixels, source, parameters=parameters(enlarged.network), seconds=seconds)
    if hr is not None:
        add("HR", to_pixels(hr), file if degrade else hr_file)
    return columns


def score(sr: Tensor, hr: Tensor, scale: int) -> Scores:
    """PSNR and SSIM on Y and on RGB by the papers' protocol, of (1, 3, H, W) in [0, 1].

    `scale` pixels of border are cut, none at scale 1.
    """
    scores, border = {}, scale if scale > 1 else 0
    for name, (metric, channel) in _METRICS.items():
        try:
            scores[name] = metric(crop_border=border, channel=channel)(sr, hr).item()
        except InputError:  # fewer pixels than the metric needs
            scores[name] = None
    return scores
