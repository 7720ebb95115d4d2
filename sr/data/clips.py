"""LightningDataModule for clips: endless crops of frames in a row, and whole frames for validation and test."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import nn

from sr.augmentation.chain import Chain
from sr.cli.check import whole_number
from sr.data.clip_patches import ClipPatches
from sr.data.clip_set import ClipSet, check_pair, usable
from sr.data.clip_store import ClipStore
from sr.data.device import finish
from sr.data.hold_out import hold_out
from sr.data.mixture import Mixture
from sr.data.overlap import files_of, leaks
from sr.data.plan import Plan, phases
from sr.data.source.clips import Clips, name_of
from sr.data.source.weighted import weighted
from sr.data.split import Split
from sr.data.store import decoded, folder_name
from sr.data.training import Training
from sr.degradation.drift import drifting
from sr.degradation.pipeline import digest_of
from sr.errors import InputError
from sr.functional.frames import is_clip
from sr.functional.leading import for_each_frame, pictures
from sr.image import clip as clips
from sr.image.kind import PHOTO, Kind
from sr.infer.scenes import check_threshold
from sr.say import warn


class ClipData(Training):
    """Training clips, validation sets and benchmarks.

    A network for pictures is trained on the same crops, frame by frame: its batch is (N T, C, H, W).

    Args:
        train: a folder, a video file, a source of clips, {path or source, lr, weight}, or a list of these. A source has
            `prepare(download)`, `files()`: (HR clip, LR clip or None), and perhaps `validation()`: those of its own that
            validate. All clips of a source are equally likely, whatever their length.
        lr: folder of LR clips if `train` is one folder of HR clips.
        benchmark, validation, kind, limit_val, limit_test: see Benchmarks. A `sr.data.split.Split` among the validation sets
            holds out whole clips of `train`, never single frames.
        degradation: makes LR from HR on the device; the parameters of a sample hold for all its frames.
        augmentation: augmentations of the crops, which must take clips.
        scale: HR pixels per LR pixel.
        frames: frames of a sample.
        patch_size: side of the LR crop in pixels.
        batch_size: clips of one optimizer step, over all devices and accumulation steps.
        progressive: [{from_step, frames, patch_size, batch_size}, ...], if they change during training.
        drift: how far the parameters of the degradation change along a sample, see `sr.degradation.drift`.
        val_frames: frames of each held-out clip that are measured, from the first; None: all.
        seed, n_workers, accumulate: see Training.
        cache_dir: folder of decoded clips.
        corrupt: see ClipStore.
        small: "stop" at frames smaller than the crop, or "mirror" them at their edges.
        short: "stop" at a clip of fewer than `frames` frames, or "mirror" it: it then goes back and forth.
        cuts: score from which a frame begins a scene, see SceneCuts; a sample lies in one scene. None: samples may cross cuts.
    """

    def __init__(
        self,
        *,
        train: Any,
        benchmark: Mapping[str, Any],
        degradation: nn.Module,
        augmentation: Chain,
        scale: int,
        frames: int,
        patch_size: int,
        batch_size: int,
        cache_dir: str,
        kind: Kind = PHOTO,
        lr: str | None = None,
        progressive: Sequence[Mapping[str, Any]] | None = None,
        drift: float = 0,
        val_frames: int | None = None,
        seed: int = 0,
        n_workers: int | None = None,
        download: bool = False,
        corrupt: str = "stop",
        small: str = "stop",
        short: str = "stop",
        cuts: float | None = None,
        accumulate: int = 1,
        validation: Mapping[str, Any] | None = None,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
    ) -> None:
        evaluated = {"benchmark": benchmark, "validation": validation, "limit_val": limit_val, "limit_test": limit_test}
        super().__init__(**evaluated, kind=kind, seed=seed, n_workers=n_workers, small=small, accumulate=accumulate)
        if short not in ("stop", "mirror"):
            raise InputError(f"data.short={short}: choose stop or mirror")
        for name, images in {**self.benchmark, **self.validation}.items():
            if not isinstance(images, ClipSet | Split):
                raise InputError(
                    f"{name} is a set of pictures: with data=clips choose benchmark=[clips] benchmark.clips.hr=FOLDER"
                )
        if alone := [name for name, stage in augmentation.stages.items() if not stage.clips]:
            raise InputError(f"augmentation={alone[0]} is for pictures: clips take augmentation=[flip,turn,reverse]")
        self.scale, self.degradation, self.augmentation = scale, drifting(degradation, drift), augmentation
        self.short, self.download, self.corrupt = short, download, corrupt
        self.cuts = check_threshold("data.cuts", cuts)
        self.val_frames = whole_number("data.val_frames", val_frames, null=True)
        self.phases = phases(progressive, patch_size, batch_size, whole_number("data.frames", frames))
        self.cache_dir = Path(cache_dir).expanduser()
        self.sources = weighted(train, lr, Clips)
        self.lr: Mixture | str | None = lr  # the mixture after `setup`
        self.hr: Mixture | None = None
        self._scenes: list[list[int]] = []  # of each clip of `hr`
        self._held: set[Path] = set()
        self._said: list[str] = []

    def prepare_data(self) -> None:
        """Decode, in one process; the others wait."""
        if self.hr is not None:
            return super().prepare_data()  # the test after training
        for source, _ in self.sources:
            source.prepare(self.download)
        self._split()
        super().prepare_data()
        print(*self._said, sep="\n", end="\n" if self._said else "")
        self._warn_of_leaks()
        count, frames, cut = 0, 0, []
        for hr, lr in self._stores:
            for store in filter(None, (hr, lr)):
                store.build()
            if self.cuts is not None:
                hr.score_cuts()
            there = hr.keep(done and file not in self._held for done, file in zip(hr.decoded(), hr.files, strict=True))
            scenes = there.scenes(self.cuts)
            count, frames = count + len(there), frames + sum(bounds[-1] for bounds in scenes)
            cut += [(file.name, bounds) for file, bounds in zip(there.files, scenes, strict=True) if len(bounds) > 2]
        print(f"training: {count} clip{'s' * (count != 1)} of {frames} frames")
        if cut:
            print(_cuts(cut, min(phase.frames for phase in self.phases)))

    def setup(self, stage: str) -> None:
        self._split()  # in the processes that did not prepare
        if stage != "fit" or self.hr is not None:
            return
        stores, weights = [decoded(hr, lr, self._held) for hr, lr in self._stores], [weight for _, weight in self.sources]
        if len({lr is None for _, lr in stores}) > 1:
            raise InputError("data.train mixes paired and HR-only clips: give all sources LR partners, or none")
        scenes = [hr.scenes(self.cuts) for hr, _ in stores]
        for (hr, lr), each in zip(stores, scenes, strict=True):
            self._check(hr, lr, each)
        self._scenes = [bounds for each in scenes for bounds in each]
        self.hr = Mixture([hr for hr, _ in stores], weights)
        self.lr = Mixture([lr for _, lr in stores], weights) if stores[0][1] is not None else None

    def patches(self, plan: Plan) -> ClipPatches:
        """The training samples of a plan; after `setup`."""
        return ClipPatches(self.hr, self.lr, plan, self.scale, self.degradation, self.augmentation, scenes=self._scenes)

    def finish(self, batch: dict[str, Any], wanted: Collection[str] = ()) -> dict[str, Any]:
        """See `sr.data.device.finish`: {"lr": (N, T, C, H, W), "hr": (N, T, C, sH, sW), ...}; for a network of pictures, the
        frames (N T, C, H, W)."""
        made = finish(batch, self.degradation, self.augmentation, self.kind, wanted)
        network = getattr(getattr(self.trainer, "lightning_module", None), "network", None)
        return made if network is None or is_clip(network) else by_frame(made)

    def _split(self) -> None:
        """Choose the validation clips, once: those that sources name, else by a hash of their names."""
        for name, images in list(self.validation.items()):
            if isinstance(images, Split):
                own = [pair for source, _ in self.sources if hasattr(source, "validation") for pair in source.validation()]
                held = own or self._chosen(images.size)
                held = usable(held, self.kind, self.val_frames) if self.corrupt != "stop" else held
                self._held |= {hr for hr, _ in held}
                if held:
                    self.validation[name] = ClipSet(held, None, self.degradation, self.kind, self.val_frames)
                    self._said.append(f"validation: held-out clips: {', '.join(self.validation[name].names)}")
                else:
                    del self.validation[name]
                    self._said.append(
                        "validation: no clip can be held out, so the benchmarks choose best.ckpt; pass validation=[clips] "
                        "validation.clips.hr=FOLDER for others"
                    )

    def _chosen(self, size: float | int | None) -> list[tuple[Path, Path | None]]:
        keys = [
            [name_of(hr, getattr(source, "path", hr)) for hr, _ in pairs]
            for (source, _), pairs in zip(self.sources, self._found, strict=True)
        ]
        held = [self._found[source][place] for source, place in hold_out(keys, size, lambda source, place: True)]
        wanted = size if isinstance(size, int) else 0 if size is None else 1
        if len(held) < wanted:
            raise InputError(
                f"validation=[split] should hold out {wanted} of {sum(map(len, self._found))} clips, but one of each source is "
                "kept for training: pass validation=[clips] validation.clips.hr=FOLDER, or validation=[]"
            )
        return held

    @cached_property
    def _found(self) -> list[list[tuple[Path, Path | None]]]:
        """(HR clip, LR clip or None) of each source, after its `prepare`; looked for once, because sets have many folders."""
        return [source.files() for source, _ in self.sources]

    @cached_property
    def _stores(self) -> list[tuple[ClipStore, ClipStore | None]]:
        """HR and LR clips of each source, held-out ones too: runs with another split share the folder."""
        stores = []
        for pairs in self._found:
            hr, lr = zip(*pairs, strict=True)
            # Each list of clips has its own folder: a run must not remove clips that another one reads.
            digest = digest_of([str(file.resolve()) for file in (*hr, *filter(None, lr))])
            folder = self.cache_dir / "-".join(filter(None, ("clips", folder_name(hr), digest, self.kind.cache)))
            low = ClipStore(lr, folder / f"lr_x{self.scale}", self.corrupt, self.kind) if lr[0] else None
            stores.append((ClipStore(hr, folder / "hr", self.corrupt, self.kind), low))
        return stores

    def _check(self, hr: ClipStore, lr: ClipStore | None, scenes: Sequence[Sequence[int]]) -> None:
        """InputError: a clip is too short or too small for a sample, or does not fit its LR."""
        frames, side = (max(getattr(phase, key) for phase in self.phases) for key in ("frames", "patch_size"))
        for number, (file, clip, bounds) in enumerate(zip(hr.files, hr, scenes, strict=True)):
            longest = max(end - begin for begin, end in pairwise(bounds))
            if self.short == "stop" and longest < frames:
                cut = longest < len(clip)
                raise InputError(
                    f"{file}: {'at most ' * cut}{longest} frames{' between two scene cuts' * cut}, but data.frames={frames}: "
                    f"remove the clip, or pass a smaller data.frames, or data.short=mirror{', or data.cuts=null' * cut}"
                )
            if self.small == "stop" and min(clip.shape[1:3]) < side * self.scale:
                raise InputError(
                    f"{file}: frames of {clip.shape[1]}x{clip.shape[2]} are smaller than the HR crop of {side * self.scale}: "
                    "pass a smaller data.patch_size, or data.small=mirror"
                )
            if lr is not None:
                check_pair(file, lr.files[number], self.scale)

    def _warn_of_leaks(self) -> None:
        trained = [
            file
            for pairs in self._found
            for hr, _ in pairs
            if hr not in self._held
            for file in (clips.frame_files(hr) if hr.is_dir() else [hr])
        ]
        validation = {name: files_of(images) for name, images in self.validation.items()}
        for line in leaks(trained, validation, {name: files_of(images) for name, images in self.benchmark.items()}):
            warn(line)


def _cuts(found: Sequence[tuple[str, list[int]]], frames: int, most: int = 5) -> str:
    """The cuts in clips, those with the most first, and how many frames are in scenes that are too short for a sample."""
    ranked = sorted(((len(bounds) - 2, name) for name, bounds in found), key=lambda one: -one[0])
    said = [f"{ranked[0][0]} cut{'s' * (ranked[0][0] > 1)} in {ranked[0][1]}"]
    said += [f"{count} in {name}" for count, name in ranked[1:most]]
    said += [f"{sum(count for count, _ in ranked[most:])} in {len(ranked) - most} other clips"] if ranked[most:] else []
    lengths = [[end - begin for begin, end in pairwise(bounds)] for _, bounds in found]
    lost = sum(length for clip in lengths if max(clip) >= frames for length in clip if length < frames)
    unused = f"; {lost} frames in scenes of fewer than {frames} frames are not used" if lost else ""
    return f"{', '.join(said)}: samples do not cross them{unused}"


def by_frame(batch: dict[str, Any]) -> dict[str, Any]:
    """A batch of clips as one of pictures: (N, T, C, H, W) -> (N T, C, H, W), other keys repeated for each frame."""
    clip = batch["lr"]
    alone = {key: value for key, value in batch.items() if getattr(value, "ndim", 0) == 5}
    rest = {key: for_each_frame(value, clip) for key, value in batch.items() if key not in alone and hasattr(value, "ndim")}
    return rest | {key: pictures(value) for key, value in alone.items()}
