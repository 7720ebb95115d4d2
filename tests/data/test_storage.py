"""The storage protocol: memory maps of each type, arrays, and a reader of windows that is no array, behind the same patches."""

import numpy as np
import pytest
import torch

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.data.storage import Fitted, fitted
from sr.data.store import Store
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind
from tests.kinds import deep, write_set

KINDS = {
    "gray": Kind("gray", 1, "uint8", (0, 255), 255, False, (0,)),
    "photo16": Kind("photo16", 3, "uint16", (0, 65535), 65535, True, (0, 1, 2)),
    "ct": Kind("ct", 1, "float32", (-1000, 3000), None, False, (0,)),
}


class Windows:
    """A file that is read window by window, as a clip or an object on a server would be; it records what was asked for."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels, self.shape, self.dtype, self.asked = pixels, pixels.shape, pixels.dtype, []

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        assert all(isinstance(part, slice) for part in window)
        self.asked.append(window)
        return self._pixels[window]


def patches(images, kind: Kind, lr=None) -> Patches:
    plan = Plan(0, (Phase(0, 16, 4),))
    degradation = Chain({"bicubic": Bicubic(2, rounding=kind.levels)}, 2, levels=kind.levels)
    return Patches(Mixture([images]), lr and Mixture([lr]), plan, 2, degradation, Augmentations({"flip": Flip()}))


def finished(made: Patches, kind: Kind) -> dict[str, torch.Tensor]:
    return finish(made.batch(3), made.degradation, made.augmentation, kind)


def arrays(kind: Kind) -> list[np.ndarray]:
    pixels = [deep(name)[..., : kind.bands] for name in ("astronaut", "coffee", "chelsea")]
    low, high = kind.range
    return [(p / 65535 * (high - low) + low).astype(kind.dtype) for p in pixels]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_patches_are_of_the_kind_whatever_they_come_from(kind):
    batch = patches(arrays(kind), kind).batch(3)
    assert batch["hr"].shape == (4, 40, 40, kind.bands) and batch["hr"].dtype == getattr(torch, kind.dtype)
    made = finished(patches(arrays(kind), kind), kind)
    assert made["hr"].shape == (4, kind.bands, 32, 32) and made["lr"].shape == (4, kind.bands, 16, 16)
    windows = [Windows(pixels) for pixels in arrays(kind)]
    read = finished(patches(windows, kind), kind)
    assert all(torch.equal(made[name], read[name]) for name in ("lr", "hr"))
    asked = [window for image in windows for window in image.asked]
    assert len(asked) == 4 and all(part.stop - part.start <= 40 for window in asked for part in window)  # no whole image


def test_a_window_larger_than_the_image_is_mirrored_from_windows_too():
    kind = KINDS["photo16"]
    small = [pixels[:11, :13] for pixels in arrays(kind)]
    made, read = (finished(patches(images, kind), kind) for images in (small, [Windows(p) for p in small]))
    assert torch.equal(made["hr"], read["hr"])


@pytest.mark.parametrize("name", ["gray", "photo16"])
def test_a_store_keeps_what_the_files_have(tmp_path, name):
    folder, kind = write_set(name, tmp_path), KINDS[name]
    files = sorted((folder / "train").iterdir())
    store = Store(files, tmp_path / "cache", kind=kind)
    assert store.build(progress=False) == 3
    for index, file in enumerate(files):
        assert store[index].dtype == kind.dtype and np.array_equal(store[index], kind.read(file))
    made = finished(patches(store, kind), kind)
    assert torch.equal(made["hr"], finished(patches([np.array(image) for image in store], kind), kind)["hr"])
    levels = (made["lr"] * kind.levels).round() / kind.levels
    assert torch.equal(made["lr"], levels)


def test_images_of_two_kinds_in_one_set_are_refused(tmp_path):
    mixed = [deep("coffee"), (deep("coffee") // 257).astype(np.uint8), deep("coffee")[..., :1]]
    for images in (mixed[:2], mixed[::2]):
        with pytest.raises(InputError, match="^data.train mixes images with [13] bands of uint"):
            [patches(images, PHOTO).batch(n) for n in range(4)]
    half = [image[:48, :48] for image in mixed]
    with pytest.raises(InputError, match="^data.train mixes images with"):
        patches(mixed[:1], PHOTO, half[1:2]).batch(0)


def test_arrays_of_another_kind_are_converted_and_said():
    colour = (np.stack([deep("coffee"), deep("astronaut")]) // 257).astype(np.uint8)
    assert fitted(colour, PHOTO, "CIFAR10") is colour  # nothing to do, nothing in between
    with pytest.warns(UserWarning, match="^CIFAR10: its images have 3 bands of uint8: they become 1 of uint8 .image=gray.$"):
        made = fitted(colour, KINDS["gray"], "CIFAR10")
    assert isinstance(made, Fitted) and len(made) == 2 and made[1].shape == (96, 96, 1)
    with pytest.raises(InputError, match="^MNIST: uint8 samples, but image=ct is float32"):
        fitted(colour[..., :1], KINDS["ct"], "MNIST")
