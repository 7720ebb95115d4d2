"""Upscales image files: reading, the network and writing run at the same time, strip by strip and file by file.

A broken file costs one line; after an interruption, finished files are kept.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from tqdm import tqdm

from sr.device.capability import automatic, check_precision
from sr.errors import InputError, MissingError, NotFiniteError
from sr.image.kind import PHOTO, Kind
from sr.image.writer import one_line
from sr.infer.memory import out_of_memory
from sr.infer.strips import Alpha
from sr.infer.tiles import tiling
from sr.infer.upscaler import PRECISIONS, Upscaler
from sr.network.inputs import takes_size
from sr.predict import picture
from sr.predict.claims import Claims
from sr.predict.output import Output
from sr.predict.picture import Picture
from sr.predict.result import Result
from sr.predict.size import parsed, remarks, resized

AUTO_TILE = 256  # LR pixels: 1.1 times the work of the whole at the default overlap; ten such tiles do not fit into caches
CPU_TILE = 192  # on the host: half the memory of 256-pixel tiles for 4 % more work
AUTO_BATCH = 4  # tiles; 1 on the CPU, where more are not faster


def predict_files(
    network: nn.Module,
    files: Sequence[tuple[Path, Path]],
    *,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    batch: int | Literal["auto"] = "auto",
    precision: str | int = "32",
    ensemble: bool = False,
    outscale: float | None = None,
    size: str | int | None = None,
    alpha_upscale: Alpha = "bicubic",
    overwrite: bool = False,
    pages: Literal["refuse", "first"] = "refuse",
    kind: Kind = PHOTO,
) -> Result:
    """Upscale each input file to its output file, with the remaining time and a summary at the end.

    While the network works on one image, the next one is read and finished strips are written. A failed file costs one line
    on stderr, not the job. Results appear atomically, and existing ones are skipped unless `overwrite`: an interrupted job
    continues where it stopped, and several jobs with one output folder share the work (`sr.predict.claims`).

    Args:
        tile, overlap, batch, precision, ensemble: as in `sr.infer.upscaler.Upscaler`; tile="auto" is 256, and 192 on the CPU,
            tile=None the whole image at once; both are halved, for the rest of the job, when memory runs out; batch="auto"
            is 4, and 1 on the CPU; precision="auto" is "16" on an NVIDIA GPU, if the network was measured to stay close in
            it, else "32".
        outscale: factor of the result: made by the network if it takes a `size`, else by bicubic resizing of its result.
        size: width x height of all results, such as "1920x1080", in place of `outscale`.
        alpha_upscale: as in `sr.infer.strips.strips`.
        pages: "first": of an animation, or of pages that the result cannot hold, enlarge the first alone; "refuse": fail.
        kind: the images that the network was made for; it says which values of a raster become 0 and 1.

    Raises:
        InputError: invalid settings. StorageError: a result cannot be stored, as on a full disk.
    """
    options = {"tile": tile, "overlap": overlap, "ensemble": ensemble, "batch": batch, "precision": precision}
    enlarged = sized_upscaler(network, outscale, size, **options)
    if alpha_upscale not in ("bicubic", "network"):
        raise InputError(f"alpha_upscale={alpha_upscale}: choose bicubic or network")
    if pages not in ("refuse", "first"):
        raise InputError(f"pages={pages}: choose refuse or first")
    result = Result()
    claims = Claims(files, overwrite, result)
    reader, writer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    for thread in (reader, writer):
        thread.submit(int).result()  # start the thread now: when the network has taken all memory, it may be impossible
    progress = tqdm(
        total=len(claims.left), smoothing=0.1, miniters=0, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    )
    handed_over: Output | None = None  # the file whose last strips are still being written
    try:
        for number, ((source, target), reading) in enumerate(_one_ahead(claims, reader)):
            progress.n, progress.total = number, len(claims.left) - result.elsewhere
            progress.set_description(f"{number + 1} of {progress.total}, {source.name}")
            try:
                image = reading.result()
                settings = (outscale, alpha_upscale, pages, writer, progress)
                output = _File(source, target, image, enlarged, kind, *settings).enlarge()
            except (RuntimeError, MemoryError, InputError, MissingError, NotFiniteError) as error:
                result.fail(_reason(error, source))
                claims.done(target)
                output = None
            before, handed_over = handed_over, output
            _finish(before, result, claims)
        progress.n = progress.total
        progress.refresh()
        before, handed_over = handed_over, None
        _finish(before, result, claims)
    finally:
        reader.shutdown(cancel_futures=True)
        with suppress(OSError):  # another error is already being raised
            _finish(handed_over, result, claims)
        writer.shutdown()
        claims.close()
        progress.close()
        print(result)
    return result


@dataclass
class _File:
    """One input file and everything needed to upscale it."""

    source: Path
    target: Path
    image: Picture
    upscaler: Upscaler
    kind: Kind
    outscale: float | None
    alpha_upscale: Alpha
    pages: str
    writer: ThreadPoolExecutor
    progress: tqdm

    def enlarge(self) -> Output:
        """Pass all strips to the writing thread; start again with smaller tiles if memory runs out.

        Raises what `strips` and the writer raise; the unfinished file is then removed.
        """
        try:
            with naming(self.source):
                picture.check_pages(self.image, self.target, self.pages)
                picture.check(self.image, self.upscaler, self.kind)
            if self.upscaler.target is not None:
                for line in remarks(self.upscaler.network, self.image.pixels.shape[:2], self.upscaler.target):
                    tqdm.write(f"{self.source}: {line}", file=sys.stderr)
            started = self.progress.n
            while True:
                tile = self.upscaler.tile
                try:
                    return self._attempt()
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error) or self.upscaler.tile == tile:
                        raise
                self.progress.n = started  # plans for larger tiles keep too much memory
        finally:
            picture.close(self.image)

    def _attempt(self) -> Output:
        writer = picture.writer(self.image, self.target, self.upscaler, self.outscale)
        output = Output(self.source, self.target, *writer, self.writer)
        options = {"outscale": self.outscale, "alpha_upscale": self.alpha_upscale, "progress": self._advance}
        try:
            for strip in picture.made(self.image, self.target, self.upscaler, self.kind, **options):
                output.write(*strip)
            output.close()
        except BaseException:
            output.abort()
            raise
        return output

    def _advance(self, part: float) -> None:
        self.progress.update(min(part, self.progress.total - self.progress.n))  # rounding errors of the parts


def _reason(error: Exception, source: Path) -> str:
    """The message for a file that could not be upscaled. Re-raises errors that are not the file's fault."""
    if isinstance(error, InputError | MissingError):  # these name the file
        return str(error)
    if isinstance(error, NotFiniteError):
        return f"{source}: {error}"
    if out_of_memory(error):
        return f"{source}: {one_line(error)[:200]}"
    raise error


def sized_upscaler(network: nn.Module, outscale: float | None, size: str | int | None, **options: Any) -> Upscaler:
    """As `upscaler`, for results of another size than the network's: by the network if it takes a `size`, else by resizing,
    which is said. InputError: invalid settings."""
    if outscale is not None and not 0 < outscale < float("inf"):
        raise InputError(f"outscale={outscale}: choose a factor such as 3.5, or null for the network's scale")
    scale = outscale if takes_size(network) and (outscale or 0) >= 1 else None  # no network is made for shrinking
    enlarged = upscaler(network, **options, scale=scale)
    enlarged.target = parsed(size, outscale)
    if line := resized(network, outscale, enlarged.target):
        print(line)
    return enlarged


def upscaler(
    network: nn.Module,
    *,
    tile: int | Literal["auto"] | None,
    overlap: int,
    ensemble: bool,
    batch: int | Literal["auto"] = "auto",
    precision: str | int = "32",
    scale: float | None = None,
) -> Upscaler:
    """Check the settings of `predict_files` (InputError); put the network into the fastest memory layout for convolutions."""
    precision = str(precision)
    if tile is not None and tile != "auto" and not (isinstance(tile, int) and tile > 0):
        raise InputError(f"tile={tile}: choose auto, null (the whole image at once) or a number of LR pixels")
    if batch != "auto" and not (isinstance(batch, int) and batch > 0):
        raise InputError(f"batch={batch}: choose auto or a number of tiles")
    device = next((parameter.device.type for parameter in network.parameters()), "cpu")
    if precision == "auto":
        precision, why = automatic(network, device)
        print(f"precision=auto: {precision}, {why}")
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision}: choose one of auto, {', '.join(PRECISIONS)}")
    check_precision(network, precision)
    on_cpu = device == "cpu"
    tile = (CPU_TILE if on_cpu else AUTO_TILE) if tile == "auto" else tile
    if tile is None:
        tiling(2 * overlap + 1, overlap, network.multiple_of)  # the smallest tile that halving may reach
    batch = (1 if on_cpu else AUTO_BATCH) if batch == "auto" else batch
    network.to(memory_format=torch.channels_last)
    options = {"tile": tile, "overlap": overlap, "ensemble": ensemble, "batch": batch, "precision": precision}
    return Upscaler(network, **options, scale=scale, halve=True)


def pick_device(name: str) -> torch.device:
    """auto is a CUDA GPU, otherwise Apple's, otherwise the CPU; other names as in torch. InputError: it is not available."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):
        raise InputError(f"device={name} is not available: choose auto, cpu, cuda, cuda:1 ...") from None


@contextmanager
def naming(source: Path) -> Iterator[None]:
    """Prepend the file's name to an error that does not begin with it."""
    try:
        yield
    except InputError as error:
        raise error if str(error).startswith(f"{source}: ") else InputError(f"{source}: {error}") from None


def _finish(output: Output | None, result: Result, claims: Claims) -> None:
    """Wait for a file that was passed to the writer, and count it. An OSError ends the job: the disk is full, for example."""
    if output is None:
        return
    try:
        output.result()
        result.add(output.source, output.not_kept)
    except InputError as error:
        result.fail(str(error))
    claims.done(output.target)


def _one_ahead(
    files: Iterable[tuple[Path, Path]], reader: ThreadPoolExecutor
) -> Iterator[tuple[tuple[Path, Path], "Future[Picture]"]]:
    """Each pair of files with its image, while the next one is being read."""
    waiting = deque()
    for pair in files:
        waiting.append((pair, reader.submit(picture.opened, *pair)))
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting
