import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches, cut
from sr.data.plan import Phase, Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.image import file as image


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    from sr.data.source.sample import Sample

    return [image.read_rgb8(file) for file, _ in Sample().files()[:4]]


def patches(photos, scale=2, stages=None, **plan) -> Patches:
    chain = Chain({"bicubic": Bicubic(scale=scale)}, scale=scale)
    augmentation = Augmentations({"flip": Flip(), "turn": Turn()} if stages is None else stages)
    plan = Plan(**{"seed": 1, "phases": (Phase(0, 24, 12),)} | plan)
    return Patches(Mixture([photos]), None, plan, scale, chain, augmentation)


def equal(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(
        equal(a[key], b[key]) if isinstance(a[key], dict) else torch.equal(torch.as_tensor(a[key]), torch.as_tensor(b[key]))
        for key in a
    )


@pytest.mark.parametrize("n_workers", [0, 1, 3])
def test_any_number_of_workers_gives_the_same_batches(photos, n_workers):
    dataset = patches(photos)
    loader = iter(DataLoader(dataset, batch_size=None, num_workers=n_workers))
    for index in range(7):
        assert equal(next(loader), dataset.batch(index))


@pytest.mark.parametrize("world_size", [2, 4])
def test_the_shares_of_several_processes_make_up_the_global_batch(photos, world_size):
    whole = patches(photos).batch(5)
    shares = [patches(photos, rank=rank, world_size=world_size).batch(5) for rank in range(world_size)]
    assert torch.equal(torch.cat([share["hr"] for share in shares]), whole["hr"])
    for key, value in whole["augmentation"].items():
        np.testing.assert_array_equal(np.concatenate([share["augmentation"][key] for share in shares]), value)


def test_any_resume_point_goes_on_with_the_same_batches(photos):
    from_start, resumed = iter(patches(photos)), iter(patches(photos, first_batch=4))
    for _ in range(4):
        next(from_start)
    assert equal(next(from_start), next(resumed))


def test_seeds_differ(photos):
    assert not torch.equal(patches(photos).batch(0)["hr"], patches(photos, seed=2).batch(0)["hr"])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lr_of_a_patch_is_the_crop_of_the_whole_images_lr(sr_data, scale):
    """With MATLAB's own LR file as the judge, on all images of Set14, patches at the border included."""
    differing = compared = 0
    for file in sorted((sr_data / "benchmark/Set14/HR").iterdir()):
        hr = image.read_rgb8(file)
        lr = image.read_rgb8(sr_data / f"benchmark/Set14/LR_bicubic/X{scale}/{file.stem}x{scale}.png")
        dataset = patches([hr], scale, stages={})
        draws = dataset.plan.draws(0).stream("crop")
        dataset.hr.draw(draws)
        top, left = draws.uniform(), draws.uniform()
        out = finish(dataset.batch(0), dataset.degradation, dataset.augmentation)
        for n in range(12):
            y, x = int(top[n] * (lr.shape[0] - 24 + 1)), int(left[n] * (lr.shape[1] - 24 + 1))
            made = (out["lr"][n] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
            differing += int((made != lr[y : y + 24, x : x + 24]).sum())
            compared += made.size
            shown = (out["hr"][n] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
            np.testing.assert_array_equal(shown, hr[y * scale : (y + 24) * scale, x * scale : (x + 24) * scale])
    assert compared == 14 * 12 * 24 * 24 * 3
    assert differing == 0


def test_cut_mirrors_beyond_the_edge_as_numpy_pads(photos):
    whole = photos[0][:41, :52]
    padded = np.pad(whole, ((30, 30), (30, 30), (0, 0)), mode="symmetric")
    for top, left in ((-7, -9), (0, 0), (30, 44), (-1, 50), (-15, 3), (-19, -15), (35, 20)):
        out = np.empty((20, 16, 3), np.uint8)
        cut(photos[0], 41, 52, top, left, out)
        np.testing.assert_array_equal(out, padded[30 + top : 50 + top, 30 + left : 46 + left])


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2)])
def test_an_image_of_less_than_an_lr_pixel_is_mirrored_too(photos, size):
    (height, width), photo = size, photos[3][: size[0], : size[1]]
    with np.errstate(all="raise"):
        shown = patches([photo], 4, stages={}).batch(0)["hr"].numpy()
    rows, columns = (np.pad(np.arange(n), 300, mode="symmetric") for n in (height, width // 4 * 4 or width))
    whole = photo[np.ix_(rows, columns)]
    windows = np.lib.stride_tricks.sliding_window_view(whole, shown.shape[1:3], axis=(0, 1))[:8, :100]
    for patch in shown:
        assert (windows == patch.transpose(2, 0, 1)).all((2, 3, 4)).any()
