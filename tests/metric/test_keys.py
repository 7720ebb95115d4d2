"""Metrics that need keys of the batch: passed by name, refused or left out where a set lacks them, and HR's own row."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, nn

from sr import build
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.metric.base import lacking, scored
from sr.metric.psnr import PSNR
from sr.metric.truthfulness import Improvement
from sr.view.table import comparison
from tests.jobs import SMALL, compose


class Brighter(nn.Module):
    """Of the batch's brightness: a user's metric."""

    reference, scores_hr, further, higher_is_better = True, True, ("brightness",), False

    def forward(self, sr: Tensor, hr: Tensor, brightness: Tensor) -> Tensor:
        return (sr.mean((1, 2, 3)) - brightness).abs()


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_keys_are_passed_by_name(photos):
    sr = imresize(imresize(Tensor(np.ones((1, 1, 8, 8))), 0.5), 2)
    assert scored(Brighter(), sr, sr, lr=sr, batch={"brightness": Tensor([0.25])}).item() == pytest.approx(0.75)
    metrics = {"brighter": Brighter(), "psnr": PSNR(crop_border=2)}
    assert lacking(metrics, [{"hr": sr}]) == {"brighter": ["brightness"]} and not lacking(metrics, [{"brightness": 1}])


def model_and_trainer(folder: Path, photos: Path, *words: str):
    cfg = compose(
        "train", *SMALL, "data=folder", f"data.train={photos}", f"data.cache_dir={folder}/cache", "benchmark=folder",
        f"benchmark.folder.hr={photos}", "validation=[split]", "+validation.split.size=1", "metric=[psnr]", "callback=[]",
        "logger=none", "trainer.max_steps=1", "trainer.val_check_interval=1",
        f"output_dir={folder}", *words,
    )  # fmt: skip
    build.seed(cfg)
    model = build.model(cfg)
    model.metric["brighter"] = Brighter()
    return model, build.trainer(cfg, model), build.data(cfg)


@pytest.mark.filterwarnings("ignore:.*are also in the training set")
def test_a_validation_set_without_the_key_goes_on_without_the_metric_and_a_test_has_a_row_of_hr(tmp_path, photos):
    model, trainer, data = model_and_trainer(tmp_path, photos, "+benchmark.folder.further={brightness:0.25}")
    with pytest.warns(UserWarning, match="brighter is not measured on the validation set split, which has no brightness"):
        trainer.fit(model, datamodule=data)
    assert "val/psnr" in trainer.callback_metrics and "val/brighter" not in trainer.callback_metrics
    trainer.test(model, datamodule=data, verbose=False)
    scores = model.results["folder"]
    means = [np.asarray(Image.open(file)).mean() / 255 for file in sorted(photos.iterdir())]
    assert scores["hr"] == {"brighter": pytest.approx(np.mean(np.abs(np.array(means) - 0.25)), abs=1e-6)}
    assert scores["bicubic"].keys() == {"psnr", "brighter"} and scores["brighter"] != scores["hr"]["brighter"]
    table = comparison(model.results, "compact", metrics={"brighter": {"higher_is_better": False, "version": 1}})
    row = next(line for line in table.splitlines() if "| HR " in line)
    assert row.split("|")[-2].strip() == f"{scores['hr']['brighter']:.4f}" and not row.split("|")[-3].strip()


def test_a_benchmark_without_the_key_is_refused_in_one_line(tmp_path, photos):
    model, trainer, data = model_and_trainer(tmp_path, photos)
    with pytest.raises(InputError, match=r"^benchmark folder has no brightness, which brighter needs: remove [^\n]*$"):
        trainer.test(model, datamodule=data, verbose=False)


def test_metrics_that_take_no_mask_see_hr_where_there_is_no_data():
    hr = Tensor(np.full((1, 1, 8, 8), 0.5))
    sr, mask = hr + 0.25, hr > 0
    mask[..., :4] = False  # SR differs from HR in the other half alone
    batch = {"brightness": Tensor([0.5])}
    assert scored(Brighter(), sr, hr, mask=mask, batch=batch).item() == pytest.approx(0.125)
    noise = Tensor(np.random.default_rng(0).uniform(0.2, 0.8, hr.shape))
    assert scored(Improvement(crop_border=0), noise, noise, mask=mask, batch={"lr": noise[..., ::2, ::2]}).item() > 0.9
