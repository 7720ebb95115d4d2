"""Pixels without data from a GeoTIFF to a training step: filled in the image, marked in the batch, without a gradient."""

import json

import numpy as np
import pytest
import torch

from sr import build
from sr.benchmark.pairs import Benchmark
from sr.data.store import Store
from sr.image.kind import Kind
from tests.image.geotiffs import SENTINEL2, cut, samples, written
from tests.jobs import compose, run_train

KIND = Kind("sentinel2", 6, "uint16", (0, 10000), 10000, False, (5, 3, 0), "clip")
WORDS = ["image=sentinel2", "data=folder", "benchmark=folder", "metric=[psnr,sam,consistency]", "validation=[]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """train/ and hr/ with a hole in one image of each, of nodata 0."""
    folder = tmp_path_factory.mktemp("nodata")
    for part in ("train", "hr"):
        cut(SENTINEL2, folder / part, 32, part + "_{row}_{column}.tif")
    pixels = samples(folder / "train" / "train_0_0.tif")
    pixels[10:22, 5:], pixels[:, 30:] = 0, 0
    written(folder / "train" / "train_0_0.tif", pixels, nodata=0)
    written(folder / "hr" / "hr_0_0.tif", pixels, nodata=0)
    return folder


def test_the_store_fills_and_marks(folder, tmp_path):
    store = Store(sorted((folder / "train").iterdir()), tmp_path, kind=KIND)
    assert store.build(progress=False) == 4
    assert store.masked() == [True, False, False, False]
    mask, pixels, stored = store.mask(0)[..., 0] > 0, samples(store.files[0]), store[0]
    np.testing.assert_array_equal(mask, (pixels > 0).any(2))
    np.testing.assert_array_equal(stored[mask], pixels[mask])
    assert stored[~mask].min() >= pixels[mask].min() and stored[~mask].max() <= pixels[mask].max()
    assert Store(store.files, tmp_path, kind=KIND).build(progress=False) == 0 and len(list(tmp_path.glob("*.mask.npy"))) == 1


def data(folder, run, *more):
    cfg = compose("train", *WORDS, f"data.train={folder}/train", f"benchmark.folder.hr={folder}/hr", *more)
    cfg.data.cache_dir, cfg.output_dir = str(run / "cache"), str(run)
    made = build.data(cfg)
    made.prepare_data()
    made.setup("fit")
    return made


def test_the_mask_moves_with_the_patch(folder, tmp_path):
    """In every patch, also flipped and turned, what is not filled equals the file where the mask says so."""
    from sr.data.device import finish
    from sr.data.plan import Plan

    made = data(folder, tmp_path, "data.patch_size=10", "data.batch_size=32")
    plan = Plan(seed=3, phases=made.phases, accumulate=1, first_batch=0, rank=0, world_size=1)
    batch = finish(made.patches(plan).batch(0), made.degradation, made.augmentation, made.kind)
    assert batch["mask"].shape == (32, 1, 20, 20) and batch["mask"].dtype == torch.bool
    share = batch["mask"].float().mean((1, 2, 3))
    assert (share == 1).any() and ((share < 1) & (share > 0)).sum() >= 3
    hole = Kind("x", 6, "uint16", (0, 10000), 10000, False, (0,), "clip").read(folder / "train" / "train_0_0.tif")
    real = samples(folder / "train" / "train_0_0.tif")
    filled = {tuple(pixel) for pixel in hole[(real == 0).all(2)]} - {tuple(pixel) for pixel in real[(real > 0).any(2)]}
    stored = (batch["hr"] * 10000).round().int().permute(0, 2, 3, 1)
    for patch, mask in zip(stored, batch["mask"][:, 0], strict=True):
        found = torch.tensor([[tuple(pixel.tolist()) in filled for pixel in row] for row in patch])
        assert torch.equal(found, found & ~mask)


def test_no_gradient_where_there_are_no_data(folder, tmp_path):
    cfg = compose("train", *WORDS, "network.n_feats=8", "network.n_blocks=1", f"data.train={folder}/train")
    cfg.benchmark.folder.hr, cfg.output_dir = f"{folder}/hr", str(tmp_path)
    model = build.model(cfg)
    batch = {"lr": torch.rand(1, 6, 8, 8), "hr": torch.rand(1, 6, 16, 16), "mask": torch.ones(1, 1, 16, 16, dtype=torch.bool)}
    batch["mask"][..., :7] = False
    sr = model.network(batch["lr"]).detach().requires_grad_(True)
    loss, _ = model.loss(model.learned(sr, model.target(batch), batch), model.target(batch))
    (gradient,) = torch.autograd.grad(loss, sr)
    assert (gradient[..., :7] == 0).all() and (gradient[..., 7:] != 0).all()


def test_an_evaluation_set_says_where_it_has_data(folder):
    benchmark = Benchmark("x", folder / "hr", 2, kind=KIND)
    masks = [benchmark[n].get("mask") for n in range(4)]
    assert [mask is not None for mask in masks] == [True, False, False, False]
    np.testing.assert_array_equal(masks[0][0].numpy(), (samples(folder / "hr" / "hr_0_0.tif") > 0).any(2))


@pytest.mark.medium
def test_a_run(folder, tmp_path):
    """Trained, tested against bicubic with all metrics, and its checkpoint knows the kind."""
    words = [*WORDS, f"data.train={folder}/train", f"benchmark.folder.hr={folder}/hr", f"data.cache_dir={tmp_path}/cache"]
    run_train(*words, f"output_dir={tmp_path}/run", "trainer.max_steps=2", "trainer.val_check_interval=2", "data.patch_size=8")
    results = json.loads((tmp_path / "run" / "metrics.json").read_text())["folder"]
    assert 20 < results["bicubic"]["psnr"] < 60 and 0 < results["bicubic"]["sam"] < 10
    stored = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    assert stored["sr"]["config"]["image"]["name"] == "sentinel2" and stored["sr"]["config"]["image"]["outside"] == "clip"
