"""LightningDataModule: endless training patches, and the sets for validation and test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from sr.augmentation.chain import Chain
from sr.data.device import finish
from sr.data.further import Further, giver
from sr.data.mixture import Mixture
from sr.data.overlap import files_of, leaks, lookalikes
from sr.data.patches import Patches
from sr.data.plan import Plan, phases
from sr.data.scales import ScaledPatches, Scales
from sr.data.sizes import check_sizes
from sr.data.source.folder import Folder, check_pairs
from sr.data.source.weighted import weighted
from sr.data.split import Held, Split
from sr.data.storage import fitted
from sr.data.store import Store, decoded, folder_name
from sr.data.training import Training
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind
from sr.say import warn


class SRData(Training):
    """Training data, validation sets and benchmarks.

    Args:
        train: a folder, a source, {path or source, lr, weight}, or a list of them (`sr/data/source/weighted.py`). A source
            has `prepare(download)` and either `files()`, pairs of an HR file and its LR file or None, or `arrays()`, images
            in memory; if all its images have one size, `image_size` is that size, which limits patches. Optionally
            `validation()` names its own validation images (`sr.data.split.Held`), and `further` more keys
            (`sr.data.further`).
        lr: folder of LR partners if `train` is one folder and the files are paired.
        lr_pattern: names of LR files made of HR's, such as "{name}x{scale}" (`sr/data/source/pattern.py`); None: HR's names,
            with or without x2, x3, x4 or x8 at the end.
        benchmark, validation, kind, limit_val, limit_test: see Benchmarks. A `sr.data.split.Split` among the validation sets
            holds out images of `train`; one without images is ignored. Images shared by the three are reported.
        degradation: makes LR from HR on the device if files are not paired.
        augmentation: augmentations of the patches.
        scale: HR pixels per LR pixel.
        patch_size: side of the LR patch in pixels.
        batch_size: samples of one optimizer step, over all devices and accumulation steps.
        progressive: [{from_step, patch_size, batch_size}, ...], if they change during training.
        seed: seed of the order of samples.
        n_workers: processes per device that cut patches; None: 2, fewer if there are few CPUs, and none on the CPU: cutting a
            batch takes less time than a process would take from the network.
        cache_dir: folder of decoded images.
        download: download missing files.
        corrupt: "stop" at an image that cannot be decoded, or "skip" it with a warning.
        small: "stop" at an image smaller than the patch, or "mirror" it at its edges. "stop" checks all images.
        accumulate: accumulation steps per optimizer step.
        scales, sample_pixels: see `sr.data.scales.Scales`.
    """

    def __init__(
        self,
        *,
        train: Any,
        benchmark: Mapping[str, Any],
        degradation: nn.Module,
        augmentation: Chain,
        scale: int,
        patch_size: int,
        batch_size: int,
        cache_dir: str,
        progressive: Sequence[Mapping[str, Any]] | None = None,
        seed: int = 0,
        lr: str | None = None,
        lr_pattern: str | None = None,
        n_workers: int | None = None,
        download: bool = False,
        corrupt: str = "stop",
        small: str = "stop",
        accumulate: int = 1,
        validation: Mapping[str, Any] | None = None,
        kind: Kind = PHOTO,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
        scales: Sequence[float] | None = None,
        sample_pixels: int | None = None,
    ) -> None:
        evaluated = {"benchmark": benchmark, "validation": validation, "limit_val": limit_val, "limit_test": limit_test}
        super().__init__(**evaluated, kind=kind, seed=seed, n_workers=n_workers, small=small, accumulate=accumulate)
        self.sources = weighted(train, lr, partial(Folder, lr_pattern=lr_pattern, scale=scale))
        for name, images in self.validation.items():
            if isinstance(images, Split):
                self.validation[name] = images.of([source for source, _ in self.sources], degradation, kind)
        self.degradation, self.augmentation = degradation, augmentation
        self.scale = scale
        self.scales = Scales(scales, sample_pixels, degradation, augmentation) if scales is not None else None
        self.largest = self.scales.high if self.scales is not None else scale
        limits = [int(source.image_size / self.largest) for source, _ in self.sources if hasattr(source, "image_size")]
        self.phases = tuple(
            replace(phase, patch_size=min([phase.patch_size, *limits])) for phase in phases(progressive, patch_size, batch_size)
        )
        self.cache_dir, self.download, self.corrupt = Path(cache_dir), download, corrupt
        self.hr: Mixture | None = None
        self.lr: Mixture | None = None
        self.further: Further | None = None

    def prepare_data(self) -> None:
        """Download and decode, in one process; the others wait."""
        super().prepare_data()
        if self.hr is not None:
            return  # the test after training
        for source, _ in self.sources:
            source.prepare(self.download)
        self._say()
        for hr, lr in self._sets():
            for store in (hr, lr):
                if isinstance(store, Store):
                    store.build()
            hr, lr = decoded(hr, lr)
            if lr is not None:
                check_pairs(zip(hr.files, lr.files, strict=True), self.scale)
        self._say_alike()

    def setup(self, stage: str) -> None:
        if stage == "fit" and self.hr is None:
            sets, weights = self._decoded(), [weight for _, weight in self.sources]
            self.hr = Mixture([hr for hr, _ in sets], weights)
            self.lr = Mixture([lr for _, lr in sets], weights) if sets[0][1] is not None else None
            givers = [giver(source, hr) for (source, _), (hr, _) in zip(self.sources, sets, strict=True)]
            self.further = Further(self.hr, givers) if any(givers) else None
            self._check_sizes()
            if self.scales is not None and self.trainer is not None:
                self.scales.check(self._wanted(), self.lr is not None)

    def _sets(self) -> list[tuple[Any, Store | None]]:
        """HR and LR images of each source."""
        sets = [self._set(source) for source, _ in self.sources]
        if len({lr is None for _, lr in sets}) > 1:
            raise InputError("data.train mixes paired and HR-only images: give all sources LR partners, or none")
        return sets

    def _decoded(self) -> list[tuple[Any, Store | None]]:
        """HR and LR images of each source that are trained on."""
        held = {file for images in self._held() for file in images.files}
        return [decoded(hr, lr, held) for hr, lr in self._sets()]

    def _trained(self, source: Any) -> Any:
        """The training part of a source: its pairs of files, or images in memory, without the validation images."""
        images = source.arrays() if hasattr(source, "arrays") else source.files()
        for held in self._held():
            images = held.rest(source, images)
        return images

    def _held(self) -> list[Held]:
        return [images for images in self.validation.values() if isinstance(images, Held)]

    def _set(self, source: Any) -> tuple[Any, Store | None]:
        if hasattr(source, "arrays"):
            return fitted(self._trained(source), self.kind, type(source).__name__), None
        hr, lr = zip(*source.files(), strict=True)  # including validation images: runs with another split share the folder
        folder = self.cache_dir / "-".join(filter(None, (folder_name(hr), self.kind.cache)))
        images = Store(hr, folder / "hr", self.corrupt, self.kind)
        # Each LR folder has its own store: one run must not remove files that another one uses.
        return images, Store(lr, folder / f"lr_x{self.scale}-{folder_name(lr)}", self.corrupt, self.kind) if lr[0] else None

    def _say(self) -> None:
        """Report the validation images, and images shared by training, validation and benchmarks."""
        for line in dict.fromkeys(held.line(self.sets("val")) for held in self._held()):  # once for a split at several scales
            print(line)
        trained = [hr for source, _ in self.sources if not hasattr(source, "arrays") for hr, _ in self._trained(source)]
        sets = self.sets("val")
        known = self._limits["val"] == 0 or (self._held() and sets is self.benchmark)  # not measured, or already reported
        validation = {} if known else {name: files_of(images) for name, images in sets.items()}
        benchmark = {name: files_of(images) for name, images in self.benchmark.items()}
        for text in leaks(trained, validation, benchmark):
            warn(text)

    def _say_alike(self) -> None:
        """Warn about pictures of benchmarks that are trained on in another file; of photographs alone."""
        stores = [hr for hr, _ in self._decoded() if isinstance(hr, Store)]
        if self.kind.whole and self.kind.dtype in ("uint8", "uint16") and stores:
            benchmark = {name: files_of(images) for name, images in self.benchmark.items()}
            trained = [file for store in stores for file in store.files]
            for text in lookalikes(stores, trained, benchmark, self.cache_dir / "thumbnails"):
                warn(text)

    def _check_sizes(self) -> None:
        if self.small != "mirror":
            check_sizes(self.hr.sets, max(phase.patch_size for phase in self.phases), self.largest)

    def patches(self, plan: Plan) -> Patches:
        """The training samples of a plan; after `setup`."""
        if self.scales is not None:
            return ScaledPatches(self.hr, plan, self.scales, self.degradation, self.augmentation, self.further)
        return Patches(self.hr, self.lr, plan, self.scale, self.degradation, self.augmentation, self.further)

    def finish(self, batch: Any, wanted: Collection[str] = ()) -> dict[str, Any]:
        """See `sr.data.device.finish`."""
        if self.scales is not None:
            return self.scales.finish(batch, self.augmentation, self.kind)
        return finish(batch, self.degradation, self.augmentation, self.kind, wanted)
