"""No two consumers of random numbers read the same ones: every stream that a run draws from, found by running it."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sr.cli.train import train
from sr.export.options import Int8
from sr.export.patches import Patches
from sr.functional import draws
from sr.functional.draws import Draws
from sr.image.file import read_rgb8
from sr.image.kind import PHOTO
from sr.network.zssr_task import Task
from tests.augmentation.test_every_augmentation import NAMES, built, patches
from tests.clips import moving, write_frames
from tests.jobs import ONE_PHOTO, SMALL, compose, run_train
from tests.model.gan_job import fit
from tests.test_bursts_run import WORDS as BURSTS
from tests.test_clips_run import SHORT as CLIPS
from tests.unpaired import fit as fit_unpaired

ROOT = Path(__file__).resolve().parents[1]
DEGRADATIONS = "degradation=[blur,bicubic,noise,jpeg]"


@pytest.fixture(scope="module")
def streams(tmp_path_factory) -> list[str]:
    """Names of the streams of a run that has every augmentation, random degradations, a gradient penalty and dropout;
    of one at any scale, of one on clips whose degradation drifts, of one on bursts, of one that samples, and of an unpaired
    one; of a network that trains on each image, and of an export in 8 bits."""
    names, key = set(), draws.key

    def heard(name: str) -> int:
        names.add(name)
        return key(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draws, "key", heard)
        everything = (DEGRADATIONS, f"augmentation=[{','.join(NAMES)}]", "adversarial=wgan_gp", "trainer.max_steps=1")
        fit(tmp_path_factory.mktemp("run") / "run", *everything, "data.patch_size=16")
        folder = tmp_path_factory.mktemp("blind")
        (folder / "hr").mkdir()
        Image.fromarray(data.coffee()[100:196, 200:296]).save(folder / "hr" / "coffee.png")
        blind = ("degradation=[realesrgan]", "benchmark=[degraded]", f"benchmark.degraded.hr={folder}/hr")
        fit(folder / "run", *blind, "trainer.max_steps=1")
        any_scale = ("model=liif", "network=liif_small", "data.sample_pixels=16", "data.patch_size=12", "data.batch_size=2")
        few = [word for word in SMALL if word.startswith(("trainer", "data.n_workers", "logger"))]
        few += ["trainer.max_steps=1", "trainer.val_check_interval=1", f"data_dir={folder}/data", f"output_dir={folder}/liif"]
        train(compose("train", *any_scale, *few, *ONE_PHOTO))
        last = "trainer.max_steps=1"
        write_frames(folder / "clips" / "a", moving("chelsea", 4))
        clips = (*CLIPS, f"data.train={folder}/clips", f"benchmark.clips.hr={folder}/clips", f"data_dir={folder}")
        drifting = ("data.drift=0.3", "degradation=[blur,bicubic,noise]", "trainer.val_check_interval=1")
        train(compose("train", *clips, *drifting, last, f"output_dir={folder}/clip"))
        bursts = (*BURSTS, f"benchmark.bursts.hr={folder}/hr", f"validation.bursts.hr={folder}/hr")
        run_train(*bursts, last, "trainer.val_check_interval=1", "trainer.limit_test_batches=0", f"output_dir={folder}/burst")
        run_train("model=resshift", last, "trainer.val_check_interval=1", f"output_dir={folder}/samples", f"data_dir={folder}")
        fit_unpaired("cyclegan_sr", folder / "unpaired", "run", "augmentation=[flip]", last, "trainer.limit_val_batches=0")
        Task(torch.zeros(1, 3, 32, 32)).pair(0)
        Image.fromarray(data.rocket()[100:196, 200:296]).save(folder / "hr" / "rocket.png")
        Patches(folder / "hr", PHOTO, 2, 1, Int8(patches=1)).calibration()
    return sorted(names)


def named_in_code() -> set[str]:
    """The words that code under sr/ gives to `Draws`, `draws` and `stream`."""
    words = set()
    for file in (ROOT / "sr").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in (
                "Draws",
                "draws",
                "stream",
            ):
                words |= {word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return words


@pytest.mark.medium
def test_the_run_reached_every_consumer_that_the_code_names(streams):
    parts = {part for name in streams for part in name.split("/")}
    assert {"crop", "augmentation", "degradation", "partner", "gradient penalty", "network"} <= named_in_code() <= parts
    assert {f"sample/augmentation/{name}" for name in NAMES} <= set(streams)
    assert {f"{who}/degradation/{name}" for who in ("sample", "partner") for name in ("blur", "noise", "jpeg")} <= set(streams)


@pytest.mark.medium
def test_no_two_streams_correlate(streams):
    """The first numbers of 20,000 samples in every stream, of one seed and the next."""
    count, columns = 20_000, []
    for seed in (0, 1):
        for name in streams:
            drawn = Draws(seed, 0, count, name)
            columns += [drawn.uniform() for _ in range(3)]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert len(columns) > 150 and np.abs(correlation).max() < 6 / np.sqrt(count)  # 20,000 pairs: 4.5 sigma is ordinary


def test_seeds_of_generators_are_all_different(streams):
    """torch's CPU generator looks at the lower half alone: 2000 samples of each stream, none of them twice."""
    halves = np.concatenate([Draws(0, 0, 500, name).seeds() for name in streams]) & 0xFFFFFFFF
    assert len(halves) > 10_000 and len(np.unique(halves)) > len(halves) - 3  # a birthday in 2**32 may happen


@pytest.mark.medium
def test_a_stage_more_changes_nothing_of_the_others():
    """Neither the place of the patch nor what the other stages do to it."""
    from sr.data.source.sample import Sample
    from sr.degradation.bicubic import Bicubic
    from sr.degradation.blur import Blur
    from sr.degradation.chain import Chain
    from sr.degradation.jpeg import JPEG
    from sr.degradation.noise import Noise

    photos = [read_rgb8(file) for file, _ in Sample().files()[:4]]
    few = Chain({"bicubic": Bicubic(2), "noise": Noise()}, 2)
    many = Chain({"blur": Blur(3), "bicubic": Bicubic(2), "jpeg": JPEG(), "noise": Noise()}, 2)
    one = patches(photos, built("flip", "turn"), degradation=few).batch(1)
    two = patches(photos, built("cutmix", "flip", "mixup", "turn"), degradation=many).batch(1)
    for kind in ("augmentation", "parameters"):
        assert one[kind]
        for name, value in one[kind].items():
            np.testing.assert_array_equal(two[kind][name], value)
    margin = (two["hr"].shape[1] - one["hr"].shape[1]) // 2
    assert (one["hr"] == two["hr"][:, margin:-margin, margin:-margin]).all()
