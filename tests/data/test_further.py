"""Further keys of a batch: what sources give of their images, and what the degradation tells of what it drew."""

import numpy as np
import pytest
import torch

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.mixup import MixUp
from sr.augmentation.scale import Scale
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.further import Further, plain
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur, filter_batch
from sr.degradation.chain import Chain, quantise
from sr.degradation.jpeg import JPEG
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.photograph import photograph

MOVES = {"flip": Flip(), "turn": Turn()}


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return (photograph(120, 3)[0].permute(1, 2, 0) * 255).byte().numpy()


def stream(images, degradation=None, augmentation=None, further=None) -> Patches:
    degradation = degradation or Chain({"bicubic": Bicubic(scale=2)}, scale=2)
    mixture = Mixture([images])
    plan = Plan(seed=1, phases=(Phase(0, 24, 8),))
    known = further and Further(mixture, [further])
    return Patches(mixture, None, plan, 2, degradation, Augmentations(augmentation or {}), known)


def made(patches: Patches, wanted=(), index: int = 0) -> dict:
    return finish(patches.batch(index), patches.degradation, patches.augmentation, wanted=wanted)


def test_the_kernel_is_flipped_and_turned_with_the_image(photo):
    """LR of the batch, made again from the flipped and turned HR by the kernel that the batch has."""
    blur = Blur(kernel_size=7, sigma=(0.8, 3.0), isotropic_probability=0)
    batch = made(stream([photo], Chain({"blur": blur, "bicubic": Bicubic(scale=2)}, scale=2), MOVES), ["blur_kernel"])
    kernel, inner = batch["blur_kernel"], (..., slice(4, -4), slice(4, -4))
    assert kernel.shape == (8, 1, 7, 7) and torch.allclose(kernel.sum((1, 2, 3)), torch.ones(8))
    again = [imresize(quantise(filter_batch(batch["hr"], k)), 0.5, rounding=True) for k in (kernel[:, 0], kernel[:, 0].mT)]
    right, wrong = ((lr - batch["lr"])[inner].abs().mean((1, 2, 3)) for lr in again)
    assert right.max() < 1e-3 and wrong.max() > 10 * right.max()


def test_what_is_told_costs_nothing_where_nobody_wants_it(photo):
    chain = Chain({"bicubic": Bicubic(scale=2), "noise": Noise(), "jpeg": JPEG()}, scale=2)
    assert made(stream([photo], chain)).keys() == {"lr", "hr", "scale"}
    batch = made(stream([photo], chain), ["noise_strength", "noise_poisson", "jpeg_quality", "else"])
    assert batch.keys() == {"lr", "hr", "scale", "noise_strength", "noise_poisson", "jpeg_quality"}
    drawn = stream([photo], chain).batch(0)["parameters"]
    for key in ("noise.strength", "jpeg.quality"):
        np.testing.assert_array_equal(batch[key.replace(".", "_")], drawn[key])
    assert batch["scale"].tolist() == [2.0] * 8


def test_keys_of_sources_follow_their_images(photo):
    """Two images that differ in level: each sample's key is that of the image its patch is from."""
    levels, names = [20, 200], ["dark", "light"]
    images = [np.full((90, 100, 3), level, np.uint8) for level in levels]
    keys = [{"level": level, "text": name, "vector": [level, 1.0]} for level, name in zip(levels, names, strict=True)]
    batch = made(stream(images, augmentation=MOVES, further=keys.__getitem__), index=3)
    shown = (batch["hr"].mean((1, 2, 3)) * 255).round().long()
    assert len(set(shown.tolist())) == 2
    assert torch.equal(batch["level"], shown) and batch["text"] == [names[levels.index(n)] for n in shown.tolist()]
    assert batch["vector"].dtype == torch.float32 and torch.equal(batch["vector"][:, 0], shown.float())


@pytest.mark.parametrize(
    "augmentation, key, line",
    [
        ({"mixup": MixUp()}, 1.0, "augmentation=mixup does not support the batch's key mine"),
        ({"scale": Scale()}, 1.0, "augmentation=scale does not support the batch's key mine"),
        ({"turn": Turn()}, np.zeros((5, 5)), r"mine has shape \(8, 5, 5\), so it is unclear whether to flip it"),
        ({"flip": Flip()}, np.zeros((1, 4, 5)), "flips and rotations need squares"),
    ],
)
def test_what_cannot_be_known_is_refused(photo, augmentation, key, line):
    with pytest.raises(InputError, match=line):
        made(stream([photo], augmentation=augmentation, further=lambda image: {"mine": key}))


def test_what_was_drawn_after_the_image_was_warped_needs_no_change(photo):
    chain = Chain({"bicubic": Bicubic(scale=2), "noise": Noise()}, scale=2)
    assert "noise_strength" in made(stream([photo], chain, {"scale": Scale()}), ["noise_strength"])


@pytest.mark.parametrize(
    "found, line",
    [
        ({"hr": 1}, "invalid name of a further key, 'hr'"),
        ({"two words": 1}, "invalid name of a further key, 'two words'"),
        ({"mine": {"a": 1}}, "the further key mine is dict: pass a number, a text or an array"),
        ({"mine": [[1], [1, 2]]}, "the further key mine is list"),
    ],
)
def test_keys_that_no_network_could_take(found, line):
    with pytest.raises(InputError, match=line):
        plain(found, "here")


def test_keys_that_differ_from_image_to_image_are_refused(photo):
    with pytest.raises(InputError, match="all images of a batch need the same keys"):
        made(stream([photo] * 2, further=[{"a": 1}, {"a": [1, 2]}].__getitem__))
    with pytest.raises(InputError, match="the further key mask has the size of the image, 120x120, but is not cropped"):
        made(stream([photo], further=lambda image: {"mask": np.zeros((1, 120, 120))}))
    with pytest.raises(InputError, match="mixes sources with further keys and sources without them"):
        Further(Mixture([[photo], [photo]]), [None, lambda image: {}])
