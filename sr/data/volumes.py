"""LightningDataModule for volumes: endless training patches, and whole files for validation and test."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sr.augmentation.chain import Chain
from sr.cli.check import whole_number
from sr.data.mixture import Mixture
from sr.data.overlap import files_of, leaks
from sr.data.plan import Phase, Plan
from sr.data.split import Split
from sr.data.store import decoded, folder_name
from sr.data.training import Training
from sr.data.volume_patches import VolumePatches
from sr.data.volume_set import VolumeSet, held_out
from sr.data.volume_store import VolumeStore, wants_cubes
from sr.degradation.pipeline import digest_of
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError, MissingError
from sr.functional.axes import factors, text
from sr.functional.sent import sent_by_name
from sr.image.kind import Kind
from sr.image.volume import found
from sr.say import warn


class VolumeData(Training):
    """Training volumes, validation sets and benchmarks.

    Args:
        train: a folder of volumes, a file, a glob pattern, or a list of these.
        benchmark, validation, kind, limit_val, limit_test: see Benchmarks. A `sr.data.split.Split` among the validation sets
            holds out whole volumes of `train`.
        degradation: makes LR from HR on the device.
        augmentation: augmentations of the patches, which must take volumes.
        scale, axes: HR voxels per LR voxel, see sr/functional/axes.py.
        patch_size: side of the LR patch in voxels, or three sides [D, H, W].
        batch_size: samples of one optimizer step, over all devices and accumulation steps.
        seed: seed of the order of samples.
        n_workers: processes per device that cut patches; None: 2 with a GPU, none on the CPU.
        cache_dir: folder of decoded volumes.
        corrupt: "stop" at a volume that cannot be read, or "skip" it with a warning.
        small: "stop" at a volume smaller than the patch, or "mirror" it at its edges.
        anisotropic: with axes=isotropic, whether volumes whose voxels are not cubes are accepted.
        accumulate: accumulation steps per optimizer step.
    """

    lr = None  # LR is always made by the degradation

    def __init__(
        self,
        *,
        train: Any,
        benchmark: Mapping[str, Any],
        degradation: VolumeChain,
        augmentation: Chain,
        scale: int,
        axes: str | list[int],
        patch_size: int | list[int],
        batch_size: int,
        cache_dir: str,
        kind: Kind,
        seed: int = 0,
        n_workers: int | None = None,
        corrupt: str = "stop",
        small: str = "stop",
        anisotropic: bool = False,
        accumulate: int = 1,
        validation: Mapping[str, Any] | None = None,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
    ) -> None:
        evaluated = {"benchmark": benchmark, "validation": validation, "limit_val": limit_val, "limit_test": limit_test}
        super().__init__(**evaluated, kind=kind, seed=seed, n_workers=n_workers, small=small, accumulate=accumulate)
        if pictures := [name for name, stage in augmentation.stages.items() if not stage.volumes]:
            raise InputError(f"augmentation={pictures[0]} is for pictures: volumes take augmentation=[flip_axes] or []")
        for name, images in {**self.benchmark, **self.validation}.items():
            if not isinstance(images, VolumeSet | Split):
                raise InputError(f"{name} is a set of pictures: with data=volumes choose benchmark=[volumes]")
        self.factors = factors(scale, axes)
        if degradation.factors != self.factors:
            raise InputError(f"the degradation shrinks by {degradation.factors}, but scale and axes are {self.factors}")
        self.scale, self.degradation, self.augmentation, self.anisotropic = scale, degradation, augmentation, anisotropic
        self.phases = (Phase(0, _sides(patch_size), whole_number("data.batch_size", batch_size)),)
        cached = Path(cache_dir).expanduser().resolve()
        files = [file for file in found(train, "data.train") if not file.resolve().is_relative_to(cached)]
        if not files:
            raise MissingError(f"data.train={train} has only the decoded volumes of data.cache_dir={cache_dir}")
        self._report: list[str] = []
        for name, images in list(self.validation.items()):
            if isinstance(images, Split):
                files, held = held_out(files, images.size)
                self._hold(name, held, corrupt)
        # Each list of files has its own folder: a run must not remove volumes that another one reads.
        folder = cached / "-".join(
            ("volumes", folder_name(files), digest_of([str(file.resolve()) for file in files]), kind.cache)
        )
        self.store = VolumeStore(files, folder, corrupt, kind, wants_cubes(self.factors, anisotropic))
        self.hr: Mixture | None = None

    def _hold(self, name: str, held: list[Path], corrupt: str) -> None:
        """Validate on these files, if `corrupt` is skip on those that can be read; without any, on the benchmarks."""
        images = VolumeSet(held, self.degradation, self.kind, self.anisotropic)
        if corrupt == "skip":
            images.skip()
        if images.files:
            self.validation[name] = images
            self._report.append(f"validation: held-out training volumes: {', '.join(self.validation[name].names)}")
        else:
            del self.validation[name]
            self._report.append(
                "validation: no training volume can be held out, so the benchmarks choose best.ckpt; pass "
                "validation=[volumes] validation.volumes.hr=FILE for another volume"
            )

    def prepare_data(self) -> None:
        """Decode, in one process; the others wait."""
        super().prepare_data()
        if self.hr is not None:
            return  # the test after training
        print(*self._report, sep="\n", end="\n" if self._report else "")
        validation = {name: files_of(images) for name, images in self.validation.items()}
        for line in leaks(self.store.files, validation, {name: files_of(images) for name, images in self.benchmark.items()}):
            warn(line)
        self.store.build()

    def setup(self, stage: str) -> None:
        if stage == "fit" and self.hr is None:
            volumes, _ = decoded(self.store, None)
            self._check_sizes(volumes)
            self.hr = Mixture([volumes])

    def _check_sizes(self, volumes: VolumeStore) -> None:
        need = [side * f for side, f in zip(self.phases[0].patch_size, self.factors, strict=True)]
        for file, volume in zip(volumes.files, volumes, strict=True) if self.small == "stop" else ():
            if any(size < side for size, side in zip(volume.shape[:3], need, strict=True)):
                raise InputError(
                    f"{file}: {text(volume.shape[:3])} voxels (D, H, W) are smaller than the HR patch of {text(need)}; remove "
                    "the volume, or pass a smaller data.patch_size, or data.small=mirror"
                )

    def patches(self, plan: Plan) -> VolumePatches:
        """The training samples of a plan; after `setup`."""
        return VolumePatches(self.hr, plan, self.factors, self.degradation, self.augmentation)

    def finish(self, batch: dict[str, Any], wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """A worker's batch -> {"lr": (N, C, D, H, W), "hr": (N, C, fD, fH, fW), "scale": (N,)}, float32 in [0, 1]."""
        hr = self.kind.scaled(batch["hr"].movedim(-1, 1))
        lr = self.degradation(hr, batch["parameters"])
        margin = self.degradation.margin
        lr = _inside(lr, [m // f for m, f in zip(margin, self.factors, strict=True)])
        drawn = sent_by_name(batch["augmentation"], hr.device)
        lr, hr = self.augmentation.apply(lr, _inside(hr, margin), drawn, None, None)
        made = {"lr": lr, "hr": hr}
        keys = {"scale": hr.new_full((len(hr),), self.scale)}
        return keys | {name: one.contiguous(memory_format=torch.channels_last_3d) for name, one in made.items()}


def _inside(volume: Tensor, margin: Sequence[int]) -> Tensor:
    for dim, m in zip((-3, -2, -1), margin, strict=True):
        volume = volume.narrow(dim, m, volume.shape[dim] - 2 * m)
    return volume


def _sides(patch_size: Any) -> tuple[int, int, int]:
    sides = list(patch_size) if isinstance(patch_size, Sequence) else [patch_size] * 3
    if len(sides) != 3 or not all(type(side) is int and side > 0 for side in sides):
        raise InputError(f"data.patch_size={patch_size}: pass LR voxels, one number or three sides [D,H,W]")
    return tuple(sides)
