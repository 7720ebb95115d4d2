"""What all augmentations promise; a new YAML in conf/augmentation is covered with no edit."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.degradation.decimation import Decimation
from sr.degradation.noise import Noise
from sr.functional.draws import Draws
from tests.jobs import CONF, compose

NAMES = sorted(file.stem for file in (CONF / "augmentation").glob("*.yaml") if file.stem != "reverse")  # for clips alone


def built(*names: str, probability: float | None = None) -> Chain:
    """What `augmentation=[...]` gives."""
    words = [f"augmentation=[{','.join(names)}]"]
    if probability is not None:
        words += [f"augmentation.{name}.probability={probability}" for name in names]
    cfg = compose("train", *words)
    return Chain(instantiate(cfg.augmentation, _convert_="all"))


def patches(photos, augmentation: Chain, count: int = 8, degradation=None, lr=None, **plan) -> Patches:
    degradation = degradation or Degradations({"bicubic": Bicubic(2), "noise": Noise()}, 2)
    plan = Plan(seed=3, phases=(Phase(0, 20, count),), **plan)
    return Patches(Mixture([photos]), lr and Mixture([lr]), plan, degradation.scale, degradation, augmentation)


def finished(dataset: Patches, index: int = 0) -> dict[str, torch.Tensor]:
    return finish(dataset.batch(index), dataset.degradation, dataset.augmentation)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_the_same_alone_and_in_a_batch(photos, name):
    whole = finished(patches(photos, built(name)))
    for rank in range(8):
        alone = finished(patches(photos, built(name), rank=rank, world_size=8))
        for key in ("lr", "hr"):
            assert torch.equal(alone[key][0], whole[key][rank])


@pytest.mark.parametrize("name", NAMES)
def test_changes_something_and_keeps_shapes_and_range(photos, name):
    # The degradation adds noise, else CutBlur changed nothing; and of a gray photo the three channels are equal.
    colour = [photo for photo in photos if not (photo[..., 0] == photo[..., 1]).all()]
    made, plain = finished(patches(colour, built(name))), finished(patches(colour, Chain({})))
    assert made["lr"].shape == plain["lr"].shape == (8, 3, 20, 20) and made["hr"].shape == plain["hr"].shape == (8, 3, 40, 40)
    assert not torch.equal(made["lr"], plain["lr"])
    for image in (made["lr"], made["hr"]):
        assert image.min() >= 0 and image.max() <= 1 and image.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_probability_0_is_identity(photos, name):
    """Bit by bit, with the larger cut of the image that scale and rotation make. Draws differ: so the places are compared."""
    chain = built(name, probability=0)
    dataset = patches(photos, chain, degradation=Degradations({"bicubic": Bicubic(2)}, 2))
    made, plain = finished(dataset), finished(patches(photos, Chain({}), degradation=dataset.degradation))
    assert torch.equal(made["hr"], plain["hr"]) and torch.equal(made["lr"], plain["lr"])


@pytest.mark.parametrize("name", NAMES)
def test_probability_is_respected(name):
    count = 20_000
    for probability in (0.25, 1.0):
        chain = built(name, probability=probability)
        on = np.stack([value for key, value in chain.sample(Draws(0, 0, count, "test")).items() if key.endswith("on")])
        assert on.sum(0).max() <= 1
        assert on.any(0).mean() == pytest.approx(probability, abs=4 * (probability * (1 - probability) / count) ** 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_as_many_draws_for_every_sample(name):
    """The sample after a thousand others has the parameters it has alone."""
    chain = built(name)
    many, one = chain.sample(Draws(5, 0, 1000, "test")), chain.sample(Draws(5, 999, 1, "test"))
    for key, value in many.items():
        np.testing.assert_array_equal(value[999:], one[key])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("cutblur", "moa", "resizemix")])
def test_lr_and_hr_are_treated_alike(photos, name):
    """LR is every second pixel of HR before, and so it is afterwards. (ResizeMix resizes both; CutBlur leaves HR alone.)"""
    degradation = Degradations({"decimation": Decimation(2)}, 2)
    chain = built(name, probability=1)
    made = finished(patches(photos, chain, degradation=degradation))
    # decimation takes one fixed pixel of each 2x2; turned, it is another one of the four
    candidates = [made["hr"][..., y::2, x::2] for y in (0, 1) for x in (0, 1)]
    for n in range(8):
        assert any(torch.equal(candidate[n], made["lr"][n]) for candidate in candidates)


@pytest.mark.parametrize("name", NAMES)
def test_paired_files_are_treated_alike(photos, name):
    """LR files at the scale of 1 that are HR's own: after any augmentation but CutBlur they still are HR's."""
    degradation = Degradations({"noise": Noise()}, 1)
    dataset = patches(photos, built(name, probability=1), degradation=degradation, lr=photos)
    made = finished(dataset)
    torch.testing.assert_close(made["lr"], made["hr"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_paired_files_at_x2_stay_in_place(photos, name):
    """LR files that are HR's bicubic shrink: shrinking the augmented HR comes close to the augmented LR."""
    from sr.functional.resize import imresize

    photos = [photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2] for photo in photos]
    shrink = [imresize(torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255, 0.5, rounding=True) for p in photos]
    lr = [(image[0] * 255).round().byte().permute(1, 2, 0).numpy() for image in shrink]
    made = finished(patches(photos, built(name, probability=1), lr=lr))
    again = imresize(made["hr"], 0.5)
    inner = (..., slice(3, -3), slice(3, -3))
    error = (again - made["lr"])[inner].abs().mean()
    shifted = (again.roll(1, -1) - made["lr"])[inner].abs().mean()
    assert error < 0.02 and error < shifted / 2


@pytest.mark.medium
@pytest.mark.parametrize("n_workers", [0, 1, 3])
def test_any_number_of_workers_gives_the_same_batches_with_all_on(photos, n_workers):
    dataset = patches(photos, built(*NAMES))
    loader = iter(DataLoader(dataset, batch_size=None, num_workers=n_workers))
    for index in range(4):
        made, expected = finish(next(loader), dataset.degradation, dataset.augmentation), finished(dataset, index)
        assert torch.equal(made["lr"], expected["lr"]) and torch.equal(made["hr"], expected["hr"])


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_any_number_of_processes_gives_the_same_batches_with_all_on(photos, world_size):
    whole = finished(patches(photos, built(*NAMES)), 2)
    shares = [finished(patches(photos, built(*NAMES), rank=rank, world_size=world_size), 2) for rank in range(world_size)]
    for key in ("lr", "hr"):
        assert torch.equal(torch.cat([share[key] for share in shares]), whole[key])


def test_an_empty_list_is_no_augmentation(photos):
    assert "augmentation" not in compose("train", "augmentation=[]")


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_probability_is_said(name):
    with pytest.raises(Exception, match="probability must be a probability in"):
        built(name, probability=1.5)
