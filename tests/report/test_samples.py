"""The report of a network that draws noise: perception against distortion, scores and spread over seeds."""

import re

import numpy as np
import pytest
import torch

import sr
from sr.cli.test import test as run_test
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_tensor
from sr.metric.lr_psnr import LRPSNR
from sr.report.make import report
from tests.jobs import compose, run_train
from tests.report.study import QUICK, numbers_of, photos


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A sampler and a regression network, trained for a step, and a test of the sampler with another number of steps."""
    folder = tmp_path_factory.mktemp("samples")
    words = [*photos(folder), "metric=[psnr,lr_psnr,vgg_distance]", "metric.vgg_distance.weights=random"]
    words += [
        "trainer.max_steps=1",
        "trainer.val_check_interval=1",
        "trainer.limit_test_batches=2",
        "benchmark.folder.name=photos",
    ]
    for name in ("compact", "resshift"):
        few = ["network.steps=2", "network.multipliers=[1,2]"] if name == "resshift" else []
        run_train(f"model={name}", "scale=2", *words, *few, f"variant={name}", f"output_dir={folder}/runs/{name}")
    options = ["++network_options.steps=1", "metric=[psnr,lr_psnr,vgg_distance]", "metric.vgg_distance.weights=random"]
    options += ["trainer.limit_test_batches=2", "callback=[]", "trainer.accelerator=cpu", f"data_dir={folder}/data"]
    checkpoint = f"ckpt={folder}/runs/resshift/checkpoints/best.ckpt"
    run_test(compose("test", checkpoint, *options, "variant=one_step", f"output_dir={folder}/runs/one_step"))
    report([f"{folder}/runs"], folder / "made", **QUICK | {"strips": 1, "crop": 48, "seeds": 3, "plots": True})
    return folder


@pytest.mark.slow
def test_scores_over_seeds_are_those_of_the_seeds(study):
    made = numbers_of(study / "made")
    assert set(made["seeds"]) == {"resshift", "one_step"}
    (strip,) = made["strips"]
    network, hr = sr.load(study / "runs/resshift/checkpoints/best.ckpt"), study / "photos" / f"{strip['image']}.png"
    hr = to_tensor(read_rgb8(hr))
    lr = imresize(hr, 1 / 2, rounding=True)
    pictures = []
    for seed in range(3):
        network.adjust(seed=seed)
        pictures.append(sr.upscale(network, lr))
    scores = [LRPSNR()(one, lr).item() for one in pictures]
    columns = re.findall(r"^\| variant +\|(.*spread.*)\|$", (study / "made" / "table.md").read_text(), re.MULTILINE)[0]
    names = [name.strip() for name in columns.split("|")]
    row = dict(zip(names, made["seeds"]["resshift"], strict=True))
    mean, apart = map(float, row["lr_psnr"].split(" ± "))
    assert mean == pytest.approx(np.mean(scores), abs=0.006) and apart == pytest.approx(np.std(scores, ddof=1), abs=0.006)
    assert float(row["spread"]) == pytest.approx(255 * torch.cat(pictures).clamp(0, 1).std(0).mean().item(), abs=0.006)


@pytest.mark.slow
def test_the_page_has_the_plot_and_the_spread(study):
    page = (study / "made" / "report.html").read_text()
    assert "Perception and distortion" in page and page.count(", spread over seeds") == 2
    assert (study / "made" / "tradeoff.svg").is_file()
    other = study / "none"
    report([f"{study}/runs/compact"], other, **QUICK | {"strips": 1, "crop": 48})
    assert numbers_of(other)["seeds"] == {} and "spread over seeds" not in (other / "report.html").read_text()
