"""HR images and LR images that do not correspond: the data of unpaired learning."""

import os
from typing import Any

import numpy as np
import torch

from sr.augmentation.base import Augmentation
from sr.data.mixture import Mixture
from sr.data.module import SRData
from sr.data.overlap import shared
from sr.data.patches import Patches, cut, place
from sr.data.plan import Plan
from sr.data.sizes import check_sizes
from sr.data.source.weighted import weighted
from sr.data.storage import fitted
from sr.data.store import Store, decoded, folder_name
from sr.data.stream import Stream
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.sent import sent_by_name
from sr.say import warn

KEY = "unpaired_lr"  # of a batch
LEAST = 2  # images of each set


class UnpairedPatches(Stream):
    """Batches of HR patches, each batch with as many patches of LR images that belong to none of them.

    HR sample i and LR sample i are pure functions of (seed, i), from streams of their own: neither tells anything of the other.

    Args:
        hr: the HR patches.
        lr: LR images (H, W, C) of HR's type and bands.
    """

    def __init__(self, hr: Patches, lr: Mixture) -> None:
        self.hr, self.lr, self.plan = hr, lr, hr.plan

    def batch(self, index: int) -> dict[str, Any]:
        """That of the HR patches (`sr.data.patches`) with "unpaired": {"lr": (N, H, W, C), "augmentation": parameters}."""
        drawn = self._drawn(self.plan.draws(index, "unpaired"), self.plan.phase(index).patch_size)
        return self.hr.batch(index) | {"unpaired": drawn}

    def _drawn(self, draws: Draws, size: int) -> dict[str, Any]:
        crop = draws.stream("crop")
        images, top, left = self.lr.draw(crop), crop.uniform(), crop.uniform()
        first = self.lr[images[0].item()]
        made = np.empty((len(images), size, size, first.shape[2]), first.dtype)
        for n, (image, u, v) in enumerate(zip(images.tolist(), top.tolist(), left.tolist(), strict=True)):
            source = self.lr[image]
            height, width = source.shape[:2]
            cut(source, height, width, place(u, size, height), place(v, size, width), made[n])
        return {"lr": torch.from_numpy(made), "augmentation": self.hr.augmentation.sample(draws.stream("augmentation"))}


class Unpaired(SRData):
    """SRData whose batches have a further key, `unpaired_lr` (N, C, H, W): patches of LR images that belong to no HR image.

    Their `lr` is what the degradation makes of `hr`, as in SRData: LR that is clean. At scale 1, where bicubic downscaling
    changes nothing, it is `hr` itself.

    Args:
        lr: the LR images: a folder, a source, or a list of them, as `train`.
        data: the other arguments of SRData. `train` has HR images alone.

    Raises:
        InputError: an option of SRData that does not fit. In `prepare_data`: fewer than two images of either set; an image that
            is in both; HR images with partners; LR images that have pixels without data.
    """

    def __init__(self, *, lr: Any, **data: Any) -> None:
        super().__init__(**data)
        if self.scales is not None:
            raise InputError("data.scales: the LR images of data=unpaired have one scale: pass data.scales=null")
        for name, stage in self.augmentation.stages.items():
            if type(stage).follow is Augmentation.follow:
                raise InputError(
                    f"augmentation={name} changes LR by its HR, which unpaired LR does not have: pass augmentation=[flip,turn]"
                )
        self.lr_sources = weighted(lr, key="data.lr")
        self.unpaired: Mixture | None = None

    def prepare_data(self) -> None:
        prepared = self.hr is not None  # the test after training
        super().prepare_data()
        if prepared:
            return
        for source, _ in self.lr_sources:
            source.prepare(self.download)
        self._check_sets()
        for images in self._lr_sets():
            if isinstance(images, Store):
                images.build()

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if stage != "fit" or self.unpaired is not None:
            return
        sets = [decoded(images, None)[0] for images in self._lr_sets()]
        if any(any(images.masked()) for images in sets if hasattr(images, "masked")):
            raise InputError("data.lr has images with pixels without data, which would be taken for LR: cut them off")
        self.unpaired = Mixture(sets, [weight for _, weight in self.lr_sources])
        if self.small != "mirror":
            check_sizes(sets, max(phase.patch_size for phase in self.phases), 1)

    def patches(self, plan: Plan) -> UnpairedPatches:
        clean = self.hr if self.degradation.idle else None  # as if files were paired: each HR image with itself
        hr = Patches(self.hr, clean, plan, self.scale, self.degradation, self.augmentation, self.further)
        return UnpairedPatches(hr, self.unpaired)

    def finish(self, batch: Any, wanted: Any = ()) -> dict[str, Any]:
        given = batch["unpaired"]
        lr = self.kind.to_float(given["lr"])
        parameters = sent_by_name(given["augmentation"], lr.device)
        lr = self.augmentation.follow({KEY: lr}, parameters)[KEY]
        made = super().finish({key: value for key, value in batch.items() if key != "unpaired"}, wanted)
        return made | {KEY: lr.contiguous(memory_format=torch.channels_last)}

    def _lr_sets(self) -> list[Any]:
        made = []
        for source, _ in self.lr_sources:
            if hasattr(source, "arrays"):
                made.append(fitted(source.arrays(), self.kind, type(source).__name__))
                continue
            files = [file for file, _ in source.files()]
            folder = "-".join(filter(None, (folder_name(files), self.kind.cache)))
            made.append(Store(files, self.cache_dir / folder / "unpaired_lr", self.corrupt, self.kind))
        return made

    def _check_sets(self) -> None:
        hr, lr = ([source for source, _ in sources] for sources in (self.sources, self.lr_sources))
        for key, sources in (("data.train", hr), ("data.lr", lr)):
            images = [source.arrays() if hasattr(source, "arrays") else source.files() for source in sources]
            if any(isinstance(one, list) and one[0][1] is not None for one in images):
                raise InputError(f"{key} has images with partners: pass data=folder for pairs; data=unpaired is for two sets")
            if (count := sum(map(len, images))) < LEAST:
                raise InputError(
                    f"{key} has {count} image: a discriminator would learn it by heart, and nothing of the set that it stands "
                    "for; pass more images, or experiment=zssr to learn from one"
                )
        hr_files, lr_files = _files(hr), _files(lr)
        if both := shared(hr_files, lr_files):
            raise InputError(
                f"data.train and data.lr have {len(both)} images in common, such as {both[0]}: LR that is HR too teaches that "
                "there is nothing to do; pass folders of different images"
            )
        for name, images in {**self.validation, **self.benchmark}.items():
            tested = [pair[1] for pair in getattr(images, "pairs", ()) if pair[1] is not None]
            if known := shared(lr_files, tested):
                warn(
                    f"{len(known)} of {len(tested)} LR images of {name} are also in data.lr ({os.path.basename(known[0])} is "
                    "the first): their scores do not show the quality on unseen images"
                )


def _files(sources: list[Any]) -> list[Any]:
    return [file for source in sources if not hasattr(source, "arrays") for file, _ in source.files()]
