"""The laws of training batches hold for blind pipelines, whose samples have sizes of their own."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.rotation import Rotation
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.degradation.bsrgan import BSRGANPlus
from sr.degradation.chain import Chain
from sr.degradation.kernel import Kernel
from sr.degradation.realesrgan import RealESRGAN
from sr.degradation.resize import Resize
from sr.degradation.sequence import Sequence
from sr.functional.draws import Draws
from sr.image import file as image

CHAINS = {"realesrgan": Chain({"realesrgan": RealESRGAN(4)}, 4), "swinir_real": Chain({"swinir_real": BSRGANPlus(4)}, 4)}


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    from sr.data.source.sample import Sample

    return [image.read_rgb8(file) for file, _ in Sample().files()[:3]]


@pytest.fixture(params=CHAINS)
def chain(request) -> Chain:
    return CHAINS[request.param]


def patches(photos, chain, warp: bool = False, **plan) -> Patches:
    stages = {"flip": Flip(), "turn": Turn()} | ({"rotation": Rotation()} if warp else {})
    plan = Plan(**{"seed": 1, "phases": (Phase(0, 12, 4),)} | plan)
    return Patches(Mixture([photos]), None, plan, 4, chain, Augmentations(stages))


def made(dataset: Patches, index: int) -> dict[str, torch.Tensor]:
    return finish(dataset.batch(index), dataset.degradation, dataset.augmentation)


@pytest.mark.parametrize("warp", [False, True])
@pytest.mark.parametrize("world_size", [2, 4])
def test_shares_make_up_the_batch_bit_by_bit(photos, chain, world_size, warp):
    whole = made(patches(photos, chain, warp), 3)
    shares = [made(patches(photos, chain, warp, rank=rank, world_size=world_size), 3) for rank in range(world_size)]
    for name in ("lr", "hr", "real"):
        assert torch.equal(torch.cat([share[name] for share in shares]), whole[name])


def test_a_resumed_stream_goes_on_with_the_same_batches(photos, chain):
    resumed = patches(photos, chain, first_batch=2)
    batch = finish(next(iter(resumed)), chain, resumed.augmentation)
    expected = made(patches(photos, chain), 2)
    assert all(torch.equal(batch[name], expected[name]) for name in ("lr", "hr"))


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [0, 1, 3])
def test_workers_change_nothing(photos, chain, n_workers):
    dataset = patches(photos, chain)
    loader = iter(DataLoader(dataset, batch_size=None, num_workers=n_workers, collate_fn=lambda batch: batch))
    for index in range(3):
        batch = finish(next(loader), chain, dataset.augmentation)
        assert torch.equal(batch["lr"], made(dataset, index)["lr"])


def test_the_window_is_as_large_as_the_samples_need(photos, chain):
    dataset = patches(photos, chain)
    margins = [dataset.batch(index)["margin"] for index in range(6)]
    assert len(set(margins)) > 1 and max(margins) <= chain.margin // 4
    assert dataset.batch(0)["hr"].shape[1] == 48 + 8 * margins[0]
    assert patches(photos, chain, warp=True).batch(0)["margin"] == chain.margin // 4  # a warp's weights see the window's size


def test_the_border_of_a_patch_is_as_its_interior():
    """Of stationary noise, whose LR is stationary: squared differences of neighbours at the border, beside the middle's."""
    blur = Kernel((21, 21), {"iso": 1.0}, sigma=(3, 3))
    sinc = Kernel((21, 21), {"sinc": 1.0}, cutoff=(np.pi / 3, np.pi / 3))
    pipeline = Sequence({"blur": blur, "size": Resize(modes=["area"], lr_scale=4), "sinc": sinc}, 4)
    drawn, margin = pipeline.sample(Draws(0, 0, 40, "halo")), 56
    hr = torch.rand(40, 3, 96 + 2 * margin, 96 + 2 * margin, generator=torch.Generator().manual_seed(0))
    assert pipeline.reach(drawn, 24) <= margin
    ratio = {}
    for name, window in (("halo", hr), ("none", hr[..., margin:-margin, margin:-margin])):
        lr = pipeline(window, drawn, 24)
        steps = (lr[..., 1:] - lr[..., :-1]).square().mean((0, 1, 2))  # between neighbouring columns
        ratio[name] = (steps[[0, 1, -2, -1]].mean() / steps[6:-6].mean()).item()
    assert ratio["halo"] == pytest.approx(1, abs=0.08) and abs(ratio["none"] - 1) > 0.15
