"""Evaluation sets of clips: whole frames of folders or video files, with LR from files or made by a degradation."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from sr.benchmark.record import check_expected, lr_record
from sr.data.clip_set import ClipSet, Pairs
from sr.data.source.clips import paired, say_unused_clips
from sr.data.source.folder import not_found
from sr.degradation.chain import Chain
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError, MissingError
from sr.image import clip
from sr.image.kind import PHOTO, Kind
from sr.say import warn


class Clips(ClipSet):
    """The clips of a folder, a video file, or a source; nothing is read from the disk before `prepare`, `len` or the first one.

    Args:
        name: of the set in tables.
        hr: a folder of clips, a video file, or a source such as `sr.data.source.vimeo90k.Vimeo90K`.
        degradation: the pipeline that makes LR.
        lr: folder of LR clips of the same names; None: LR is made. A published set's may be missing, which is said.
        only: names of the clips that are measured; None: all.
        kind, frames, border, centre, flip_seq: see ClipSet.
        n_images, n_frames: clips and frames of the published set; without all of them it is not compared with published scores.
        url: of the published set.
        expected: the `record` of the LR that has to be measured, as a checkpoint has it; None: any.
    """

    def __init__(
        self,
        name: str,
        hr: Any,
        degradation: Pipeline,
        lr: str | Path | None = None,
        only: Sequence[str] | None = None,
        kind: Kind = PHOTO,
        frames: int | None = None,
        border: int | None = 0,
        centre: bool = False,
        flip_seq: bool = False,
        n_images: int | None = None,
        n_frames: int | None = None,
        url: str | None = None,
        expected: Mapping[str, Any] | None = None,
    ) -> None:
        if not hr:
            raise InputError(f"benchmark {name}: hr={hr!r} is not a folder of clips or a video file")
        if not isinstance(degradation.degradation, Chain):
            raise InputError(f"benchmark {name} has clips, but axes is for volumes")
        self.hr = Path(hr).expanduser() if isinstance(hr, str | Path) else hr
        self.lr = None if lr is None else Path(lr).expanduser()
        root = self.hr if isinstance(self.hr, Path) else hr.root
        super().__init__((), root, degradation.degradation, kind, frames, border, centre, flip_seq)
        self.name, self.pipeline, self.only, self.expected = name, degradation, only, expected
        self.n_images, self.n_frames, self.url = n_images, n_frames, url

    @cached_property
    def clip_pairs(self) -> Pairs:
        """(HR clip, LR clip or None) of each. MissingError: a folder or a clip is missing."""
        if not isinstance(self.hr, Path):
            return self.hr.files()
        if self.url is not None and not self.hr.exists():
            raise not_found(self.name, self.hr, self.url)
        found = clip.found(self.hr, f"benchmark.{self.name}.hr")
        if self.only is not None:
            found = [self.hr / name for name in self.only if self.hr / name in found]
            if not found:
                raise MissingError(f"{self.name}: none of the clips {', '.join(self.only)} in {self.hr}")
        made = self.lr is not None and self.url is not None and not self.lr.is_dir()  # a published set's LR may be made
        return paired(found, self.hr, None if made else self.lr)

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """What made LR, of what; plain values. None: LR is from files."""
        if any(lr for _, lr in self.clip_pairs):
            return None
        files = [(f"{file.parent.name}/{file.name}", file) for file in self.files]
        target = "the middle frame of each clip" if self.centre else "all frames"
        target += ", seen forwards and backwards" * self.flip_seq
        seen = ["flip_seq"] if self.flip_seq else []  # no entry without: hashes of versions that did not have it
        return lr_record(self.pipeline, 0, files, target, self.centre, self.limit, self.border, self.kind.name, *seen)

    @property
    def lacking(self) -> str | None:
        """What the set lacks of the published one; None: nothing, or there is none."""
        wanted = {"clips": self.n_images, "frames": self.n_frames}
        there = {"clips": len(self), "frames": None if self.n_frames is None else len(self.files)}
        lacks = [f"{there[what]} of {count} {what}" for what, count in wanted.items() if count not in (None, there[what])]
        return f"{lacks[0]} in {self.hr}; download it from {self.url}" if lacks else None

    def prepare(self) -> None:
        """As of ClipSet. Warns if the set is incomplete. InputError: LR is other than `expected`."""
        if hasattr(self.hr, "prepare"):
            self.hr.prepare()
        super().prepare()
        if self.lacking:
            warn(f"{self.name} is incomplete: {self.lacking}; its scores cannot be compared with published ones")
        if self.lr is not None and not self.lr.is_dir():
            warn(f"{self.name}: LR is made by {self.pipeline.name}: no folder {self.lr}")
        if self.only is None and any(lr for _, lr in self.clip_pairs):
            say_unused_clips(self.clip_pairs, self.lr)
        check_expected(self.name, self.record, self.expected)
