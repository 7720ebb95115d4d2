"""Clips of a training set, decoded once into memory-mapped files; after that a sample is a slice."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sr.data.maps import Maps
from sr.data.store import HEADER, Store
from sr.errors import InputError, MissingError
from sr.files import whole
from sr.image import clip as clips
from sr.image.kind import Kind
from sr.infer.scenes import SceneCuts

CORRUPT = ("stop", "skip", "keep")


class ClipStore(Store):
    """Index -> (T, H, W, C) of the kind's type: a `sr.data.storage.Storage` of clips.

    Frames are written as they are decoded, so memory does not grow with the length of a clip.

    Args:
        files: folders of frames and video files.
        folder, kind: see Store.
        corrupt: for a clip that cannot be decoded to its end: "stop"; "skip" it; or "keep" its frames before the damage. The
            last two with a warning.
    """

    others = Store.others | {"scenes.json"}

    def __init__(self, files: Sequence[Path], folder: Path, corrupt: str, kind: Kind) -> None:
        if corrupt not in CORRUPT:
            raise InputError(f"data.corrupt={corrupt}: choose {', '.join(CORRUPT)}")
        self.keeps = corrupt == "keep"
        # A cut clip must not pass for a whole one in a run that refuses it.
        super().__init__(files, folder / "cut" if self.keeps else folder, "skip" if self.keeps else corrupt, kind)

    def states(self) -> list[str]:
        return list(map(_state, self.files))

    def size_of(self, file: Path) -> int:
        length, height, width = clips.facts(file)
        frame = height * width * self.kind.bands * np.dtype(self.kind.dtype).itemsize
        return frame * length + HEADER if length else file.stat().st_size + HEADER  # at least

    def score_cuts(self) -> None:
        """Give each frame of the decoded clips its score of a scene cut, once, also in folders of versions that did not.

        They are kept in one file: {name of a decoded clip: [score of each frame]}; see SceneCuts.
        """
        if self._unscored():
            with self._locked(), ThreadPoolExecutor(os.cpu_count()) as pool:
                new = self._unscored()
                show = tqdm(
                    pool.map(self._scored, new), "scene cuts", len(new), unit="clip", disable=len(new) <= 50, leave=False
                )
                known = self._scores() | dict(zip([one.name for one in new], show, strict=True))
                with whole(self.folder / "scenes.json") as temporary:
                    temporary.write_text(json.dumps({one.name: known[one.name] for one in self.cached if one.name in known}))

    def scenes(self, threshold: float | None) -> list[list[int]]:
        """Of each clip the first frames of its scenes, and its length; after `score_cuts`, unless `threshold` is None."""
        if threshold is None:
            return [[0, len(clip)] for clip in self]
        scores = self._scores()
        each = [scores[cached.name] for cached in self.cached]
        return [[0, *(t for t, score in enumerate(one) if score >= threshold), len(one)] for one in each]

    def _scores(self) -> dict[str, list[float]]:
        file = self.folder / "scenes.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    def _unscored(self) -> list[Path]:
        known, there = self._scores(), self._names()
        return [cached for cached in self.cached if cached.name in there and cached.name not in known]

    def _scored(self, cached: Path) -> list[float]:
        low, high = self.kind.range
        cuts = SceneCuts(white=high - low + (self.kind.dtype != "float32"))
        return [round(cuts.score(frame), 2) for frame in Maps()[cached]]

    def _store(self, file: Path, cached: Path) -> None:
        try:
            with self._writing(file, cached), whole(cached) as temporary:
                notes = self._write(file, temporary)
                self._save_notes(cached, notes)
        except (InputError, MissingError) as error:
            self._failed(cached, error)

    def _write(self, file: Path, target: Path) -> list[str]:
        """Write the frames of a clip as a .npy file, one at a time; returns what is said about it."""
        notes: list[str] = []
        count, frame = 0, None
        with open(target, "wb") as out:
            out.write(bytes(HEADER))  # its length is known at the end
            for frame in clips.frames(file, self.kind, notes if self.keeps else None):
                out.write(np.ascontiguousarray(frame).data)
                count += 1
            if count < clips.LEAST:
                raise InputError(f"{file}: {count} frame is no clip: pass clips of {clips.LEAST} or more frames")
            out.seek(0)
            shape = (count, *frame.shape)
            np.lib.format.write_array_header_1_0(
                out, {"descr": np.lib.format.dtype_to_descr(frame.dtype), "fortran_order": False, "shape": shape}
            )
            if out.tell() != HEADER:
                raise ValueError(f"{file}: a header of {out.tell()} bytes for {shape}")
        return notes


def _state(file: Path) -> str:
    try:
        return clips.state(file)
    except OSError:  # a broken link, which decoding will report
        return ""
