"""Videos of LR, bicubic, networks and HR in one HTML page that plays them side by side, frame by frame."""

import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from sr.device.count import parameters
from sr.errors import InputError
from sr.files import whole
from sr.functional.resize import imresize
from sr.image.file import to_8bit, to_pixels, to_tensor
from sr.image.kind import PHOTO
from sr.image.video import Video
from sr.image.video_facts import VideoFacts
from sr.image.video_writer import VideoFormat, VideoWriter
from sr.predict.compare import column_names, common_scale, page_path
from sr.predict.pair import Pair, notes
from sr.predict.video import VideoSettings, frame_upscaler, suit
from sr.view.page import Column, Film, render

QUALITY = 12  # of the page's video: differences between networks should be those of the networks
MOST = 16000  # pixels: the height of a video in VP9 is less than 16384


def compare_videos(
    networks: Sequence[tuple[str, nn.Module]],
    files: Sequence[Path],
    output: str | Path,
    settings: VideoSettings,
    *,
    reference: str | Path | None = None,
    degrade: bool = False,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    ensemble: bool = False,
    overwrite: bool = False,
) -> int:
    """Upscale the first `settings.shown` frames of each video with each network and write the page; returns 0.

    Args:
        networks: (file or name, network in eval mode) each; all with one scale.
        reference: the HR video of a single file; with `degrade` the files are HR, and LR is made by MATLAB's imresize.
        tile, overlap, ensemble: as in sr.predict.video.frame_upscaler.

    Raises:
        InputError, MissingError: one line; nothing was written.
    """
    page, scale = page_path(output, overwrite), common_scale(networks)
    if degrade and reference is not None:
        raise InputError(f"with degrade=true the input is the reference: remove reference={reference}")
    if reference is not None and len(files) > 1:
        raise InputError(f"reference={reference} is one file, but there are {len(files)} videos: pass one, or degrade=true")
    options = {"tile": tile, "overlap": overlap, "ensemble": ensemble}
    names = column_names([source for source, _ in networks])
    rows, films = {}, []
    for file in files:
        made = [frame_upscaler(network, settings, **options) for _, network in networks]
        columns = list(zip(names, [source for source, _ in networks], made, strict=True))
        rows[file], film = _Comparison(file, reference, degrade, scale, settings, columns).run()
        films.append(film)
    with whole(page) as temporary, open(temporary, "w", encoding="utf-8", errors="replace", newline="\n") as html:
        scored = "HR" in next(iter(rows.values()))
        lines = [*notes(PHOTO, scale, scored), f"The first {films[0].count} frames at most; scores are means over them."]
        html.writelines(render(rows, names, scale, lines, films))
    print(f"{page} ({len(rows)} {'video' if len(rows) == 1 else 'videos'}, {page.stat().st_size / 1e6:.1f} MB)")
    return 0


class _Comparison:
    """One video of the page."""

    def __init__(
        self, file: Path, reference: Any, degrade: bool, scale: int, settings: VideoSettings, columns: Sequence[tuple]
    ) -> None:
        self.file, self.reference, self.degrade, self.scale = file, reference, degrade, scale
        self.settings, self.columns = settings, columns
        self.seconds = dict.fromkeys((name for name, _, _ in columns), 0.0)
        self.scores: dict[str, list[dict[str, Any]]] = {}

    def run(self) -> tuple[dict[str, Column], Film]:
        """Name -> column, in the order of the page, and the video with all of them."""
        facts, lr, hr = self._frames()
        height, width = (side * self.scale for side in lr[0].shape[:2])
        slot = height + 8 - height % 8 + 8  # rows between two pictures, so that coding mixes none of them
        count = 2 + len(self.columns) + (hr is not None)
        if count * slot > MOST:
            raise InputError(
                f"{self.file}: {count} pictures of {height} rows do not fit into one video: compare fewer networks"
            )
        results = [self._timed(name, frames(iter(lr))) for name, _, frames in self.columns]
        rate = facts.rate or Fraction(25)
        with TemporaryDirectory() as folder:
            path, stamped = Path(folder) / "film.webm", _at(facts, rate)
            progress = tqdm(total=len(lr), desc=self.file.name, unit=" frames")
            with VideoWriter(path, stamped, (count * slot, width + width % 2), VideoFormat("vp9", QUALITY)) as writer:
                for number, (small, *made) in enumerate(zip(lr, *results, strict=True)):
                    shown = self._shown(small, made, None if hr is None else hr[number])
                    writer.write(_stacked(shown, slot, width + width % 2), number)
                    progress.update()
            progress.close()
            encoded = b64encode(path.read_bytes()).decode()
        film = Film(encoded, "video/webm", float(rate), len(lr), slot)
        return self._columns(lr[0].shape[:2], (height, width), len(lr), hr is not None), film

    def _frames(self) -> tuple[VideoFacts, list[np.ndarray], list[np.ndarray] | None]:
        """LR, and HR or None, 8 bits."""
        facts, shown = self._read(self.file)
        for _, _, frames in self.columns:
            suit(frames, str(self.file), facts)
        if self.degrade:
            height, width = (side // self.scale * self.scale for side in shown[0].shape[:2])
            if not height * width:
                raise InputError(f"{self.file} is smaller than the scale {self.scale}: LR would be empty")
            hr = [np.ascontiguousarray(frame[:height, :width]) for frame in shown]
            return facts, [to_pixels(imresize(to_tensor(frame), 1 / self.scale, rounding=True)) for frame in hr], hr
        if self.reference is None:
            return facts, shown, None
        _, hr = self._read(Path(self.reference))
        wanted = tuple(side * self.scale for side in shown[0].shape[:2])
        if hr[0].shape[:2] != wanted or len(hr) != len(shown):
            raise InputError(
                f"reference={self.reference}: {len(hr)} frames of {hr[0].shape[1]}x{hr[0].shape[0]}, expected {len(shown)} of "
                f"{wanted[1]}x{wanted[0]}, as {self.file} at scale {self.scale}"
            )
        return facts, shown, hr

    def _read(self, file: Path) -> tuple[VideoFacts, list[np.ndarray]]:
        with Video(file, stream=self.settings.stream, broken=self.settings.broken) as video:
            return video.facts, [to_8bit(frame.pixels) for frame in islice(video.read(), self.settings.shown)]

    def _timed(self, name: str, results: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        while True:
            started = time.perf_counter()
            made = next(results, None)
            self.seconds[name] += time.perf_counter() - started
            if made is None:
                return
            yield made

    def _shown(self, lr: np.ndarray, made: Sequence[np.ndarray], hr: np.ndarray | None) -> list[np.ndarray]:
        """The pictures of a frame; counts their scores."""
        pair = Pair(PHOTO, self.scale, to_tensor(lr), None if hr is None else to_tensor(hr))
        pictures: dict[str, Tensor] = {"LR": pair.lr, "bicubic": pair.bicubic}
        pictures |= {name: to_tensor(pixels) for (name, _, _), pixels in zip(self.columns, made, strict=True)}
        for name, picture in pictures.items():
            self.scores.setdefault(name, []).append(pair.scores(picture))
        large = lr.repeat(self.scale, 0).repeat(self.scale, 1)
        return [large, to_pixels(pictures["bicubic"]), *made, *([] if hr is None else [hr])]

    def _columns(self, small: tuple[int, int], large: tuple[int, int], count: int, scored: bool) -> dict[str, Column]:
        means = {name: _mean(scores) for name, scores in self.scores.items()}
        made = f"{self.file}, MATLAB's imresize" if self.degrade else str(self.file)
        columns = {"LR": Column(small, "", made, scores=means["LR"])}
        columns["bicubic"] = Column(large, "", "MATLAB's imresize", scores=means["bicubic"])
        for name, source, frames in self.columns:
            size = parameters(frames.upscaler.network)
            columns[name] = Column(large, "", str(source), size, self.seconds[name] / count, means[name])
        if scored:
            columns["HR"] = Column(large, "", str(self.file if self.degrade else self.reference))
        return columns


def _mean(scores: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """The mean over the frames of each metric; None where a frame has none."""
    found = {metric: [frame[metric] for frame in scores] for metric in scores[0]}
    return {metric: None if None in values else float(torch.tensor(values).mean()) for metric, values in found.items()}


def _stacked(pictures: Sequence[np.ndarray], slot: int, width: int) -> np.ndarray:
    """The pictures one below the other, each continued to the edge of its slot."""
    filled = [np.pad(one, ((0, slot - one.shape[0]), (0, width - one.shape[1]), (0, 0)), mode="edge") for one in pictures]
    return np.concatenate(filled)


def _at(facts: VideoFacts, rate: Fraction) -> VideoFacts:
    """Facts of the page's video: a constant rate, BT.709, square pixels, 8 bits."""
    colours = {"matrix": 1, "range": 1, "primaries": 1, "transfer": 1, "levels": 255}
    return replace(facts, rate=rate, time_base=1 / rate, aspect=Fraction(1), **colours)
