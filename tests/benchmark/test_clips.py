"""Evaluation sets of clips: LR, names, what is missing, and partial sets beside published scores."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from sr import build
from sr.benchmark.clips import Clips
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.published import _missing
from tests.clips import moving, write_frames
from tests.jobs import CONF, compose

OWN = sorted(file.stem for file in (CONF / "benchmark").glob("*.yaml") if "benchmark.clips.Clips" in file.read_text())


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "GT" / "calendar", moving("chelsea", 3))
    write_frames(tmp_path / "GT" / "city", moving("ihc", 2, 38, 45))
    return tmp_path


def clips(folder, **options) -> Clips:
    pipeline = Pipeline("bicubic", Chain({"bicubic": Bicubic(4)}, 4), {"bicubic": {}})
    return Clips("mine", folder / "GT", pipeline, **options)


def test_lr_is_matlabs_bicubic_of_each_frame(folder):
    images = clips(folder)
    images.prepare()
    assert images.names == ["calendar", "city"] and len(images.files) == 5
    item = images[1]
    assert item["hr"].shape == (2, 3, 36, 44) and item["frames"] == 2
    for hr, lr in zip(item["hr"], item["lr"], strict=True):
        assert torch.equal(lr.float(), imresize(hr[None].float() / 255, 1 / 4, rounding=255)[0] * 255)


def test_lr_of_files_is_read_and_no_pipeline_made_it(folder):
    for name, photo, size in (("calendar", "chelsea", (40, 48)), ("city", "ihc", (38, 45))):
        frames = moving(photo, 3 if name == "calendar" else 2, *size)
        write_frames(folder / "LR" / name, frames[:, : size[0] // 4 * 4 : 4, : size[1] // 4 * 4 : 4])
    images = clips(folder, lr=folder / "LR")
    images.prepare()
    assert torch.equal(images[0]["lr"], images[0]["hr"][..., ::4, ::4]) and images.record is None
    write_frames(folder / "LR" / "walk", moving("ihc", 2, 10, 12))
    with pytest.warns(UserWarning, match=r"LR: 1 of 3 LR clips have no HR clip and are not used \(walk is the first\)"):
        clips(folder, lr=folder / "LR").prepare()


def test_what_is_measured_is_in_the_record(folder):
    hashes = {
        clips(folder, **options).record["hash"]
        for options in ({}, {"frames": 2}, {"centre": True}, {"only": ["city"]}, {"flip_seq": True})
    }
    assert len(hashes) == 5
    with pytest.raises(
        InputError, match=r"^benchmark mine: the checkpoint's run was measured on other LR \(target all frames and .*"
    ):
        clips(folder, flip_seq=True, expected=clips(folder).record).prepare()


def test_what_is_missing_is_one_line(folder):
    with pytest.raises(MissingError, match="mine: none of the clips 000 in"):
        clips(folder, only=["000"]).prepare()
    with pytest.raises(InputError, match="^benchmark mine: hr=None is not a folder of clips or a video file"):
        Clips("mine", None, Pipeline("bicubic", Chain({"bicubic": Bicubic(4)}, 4), {}))
    with pytest.warns(UserWarning, match="mine is incomplete: 5 of 171 frames in .*; its scores cannot be compared with publ"):
        clips(folder, n_images=2, n_frames=171, url="there").prepare()


@pytest.mark.parametrize("name", OWN)
def test_own_configs_can_be_built(name, tmp_path):
    words = [f"benchmark=[{name}]", "scale=4", f"data_dir={tmp_path}"]
    images = build.sets(
        cfg := compose("train", *words, f"benchmark.{name}.hr=x" if name == "clips" else "seed=0"), "benchmark", cfg.benchmark
    )
    assert images[name].border == 0 and images[name].centre == images[name].flip_seq == name.startswith("vimeo90k_t")
    if name != "clips":
        with pytest.raises(MissingError, match="not found|no such file|no such folder"):
            images[name].prepare()
    assert (CONF / "validation" / f"{name}.yaml").is_file()


def test_a_partial_set_is_not_compared_with_published_scores(folder):
    cfg = OmegaConf.create(
        {"scale": 4, "axes": None, "data_dir": str(folder), "image": OmegaConf.load(CONF / "image/photo.yaml")}
    )
    cfg.benchmark = OmegaConf.load(CONF / "benchmark" / "vid4.yaml")
    cfg.benchmark.vid4.hr = str(folder / "GT")
    assert _missing(cfg)["vid4"].startswith(f"2 of 4 clips in {folder}/GT; download it from")


def test_the_border_of_a_run_is_that_of_its_sets():
    cfg = compose("train", "benchmark=[vid4]", "scale=4", "metric=[psnr,ssim]")
    assert {one.crop_border for one in build.metrics(["psnr"], 4).values()} == {4}
    from sr.build.benchmark import benchmark, metric

    assert {one.crop_border for one in metric(cfg).values()} == {0}
    with pytest.raises(
        InputError, match=r"^benchmark=\[set5,vid4\]: vid4 has clips, of which a border of 0 pixels is cut, unlike of"
    ):
        metric(compose("train", "benchmark=[set5,vid4]", "scale=4", "metric=[psnr]"))
    words = ("benchmark=[clips]", "benchmark.clips.hr=x", "+benchmark.vid4.hr=y", "scale=4", "metric=[psnr]")
    unchosen = compose("train", *words)  # an option of a recipe for a set that the command line does not measure
    assert list(benchmark(unchosen)) == ["clips"] and metric(unchosen)["psnr"].crop_border == 0
    assert np.isscalar(instantiate(cfg.metric.psnr).crop_border)
