"""Every metric of conf/metric keeps the contract, and the protocol gives the published numbers of bicubic upscaling."""

from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from skimage import data
from skimage.color import rgb2ycbcr
from torch import Tensor

from sr.functional.resize import imresize
from sr.image.file import read, to_tensor
from sr.metric.base import Metric
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.metric.task import TaskMetric
from tests.jobs import IMAGE

FILES = sorted((Path(__file__).parents[2] / "conf" / "metric").glob("*.yaml"))
CLASSES = {file: get_class(next(iter(OmegaConf.load(file).values()))["_target_"]) for file in FILES}
WITH_HR = [
    file
    for file, metric in CLASSES.items()
    if metric.reference
    and getattr(metric, "against", "hr") == "hr"
    and not getattr(metric, "volumes", False)
    and not getattr(metric, "clips", False)
    and not metric.further
    and not issubclass(metric, TaskMetric)
]

# Bicubic upscaling of the benchmarks' LR files as papers report it: PSNR and SSIM on Y at x2, x3, x4.
BICUBIC = {
    "Set5": {2: (33.67, 0.9303), 3: (30.40, 0.8689), 4: (28.43, 0.8111)},
    "Set14": {2: (30.32, 0.8699), 3: (27.63, 0.7759), 4: (26.09, 0.7048)},
    "B100": {2: (29.55, 0.8433), 3: (27.20, 0.7389), 4: (25.95, 0.6678)},
    "Urban100": {2: (26.59, 0.8446), 3: (24.24, 0.7429), 4: (22.96, 0.6671)},  # its first 20 images
}
SLOW = pytest.mark.slow
CASES = [pytest.param(s, x, marks=SLOW if s in ("B100", "Urban100") else ()) for s in BICUBIC for x in (2, 3, 4)]


@pytest.fixture(scope="module", params=WITH_HR, ids=lambda file: file.stem)
def metric(request, backbones) -> Metric:
    named = OmegaConf.merge(IMAGE, {"names": ["nir", "green", "red"]})  # which the vegetation index asks for
    config = OmegaConf.merge({"scale": 2, "image": named}, OmegaConf.load(request.param))
    assert list(config) == ["scale", "image", request.param.stem]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", backbones)
        return instantiate(config[request.param.stem], _convert_="all")


def test_better_images_score_better(metric, pair):
    sr, hr = pair
    worse = imresize(imresize(sr, 1 / 4), 4)
    perfect, restored, blurred = (metric(image, hr) for image in (hr, sr, worse))
    if not metric.higher_is_better:
        perfect, restored, blurred = -perfect, -restored, -blurred
    assert (perfect > restored).all() and (restored > blurred).all()


def test_images_of_a_batch_do_not_mix(metric, pair):
    together = metric(*pair)
    alone = torch.cat([metric(sr[None], hr[None]) for sr, hr in zip(*pair, strict=True)])
    assert together.shape == (2,) and together.dtype == torch.float64
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-6)
    assert together[0] != together[1]


@pytest.mark.medium
def test_only_what_can_be_saved_is_scored(metric, pair):
    sr, hr = pair
    score = metric(sr, hr)
    assert torch.equal(metric(sr + 0.3 / 255, hr), score)  # rounds to the same grey levels
    outside = torch.where(sr == sr.amax(), 1.0, sr)
    assert torch.equal(metric(torch.where(outside == 1, 5.0, outside), hr), metric(outside, hr))
    sr, cut = sr.clone(), int(metric.crop_border)  # 2 at x2, but for DIV2K's
    sr[..., :cut, :] = sr[..., -cut:, :] = sr[..., :, :cut] = sr[..., :, -cut:] = 0
    assert torch.equal(metric(sr, hr), score)
    sr[..., cut, :] = 0
    assert not torch.equal(metric(sr, hr), score)


def test_autocast_changes_nothing(metric, pair):
    with torch.autocast("cpu", torch.bfloat16):
        inside = metric(*pair)
    assert torch.equal(inside, metric(*pair))


def test_nothing_goes_into_a_checkpoint(metric):
    assert not metric.state_dict() and not list(metric.parameters())


def test_hr_is_needed(metric, pair):
    with pytest.raises(ValueError, match=rf"^{type(metric).__name__} compares SR with HR, but there is no HR$"):
        metric(pair[0])


def test_wrong_sizes_are_refused_in_one_line(metric, pair):
    with pytest.raises(ValueError, match=r"^sr is \(2, 3, 120, 99\) and hr is \(2, 3, 120, 100\)[^\n]*$"):
        metric(pair[0][..., :-1], pair[1])
    cut = 2 * int(metric.crop_border)
    small = pair[0][..., : cut - 1 + metric.smallest]
    with pytest.raises(ValueError, match=rf"^{type(metric).__name__} needs [^\n]* leaves {120 - cut}x{metric.smallest - 1}$"):
        metric(small, small)
    assert metric(*(image[..., : cut + metric.smallest, : cut + metric.smallest] for image in pair)).isfinite().all()


@pytest.mark.parametrize("settings, message", [({"crop_border": -1}, "-1"), ({"channel": "Y"}, "'Y'; choose y or rgb")])
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        PSNR(**{"crop_border": 2, **settings})


def test_luma_is_that_of_the_papers():
    """skimage's rgb2ycbcr is MATLAB's, in double."""
    photo = data.chelsea()
    y = PSNR(crop_border=3).prepare(torch.from_numpy(photo).permute(2, 0, 1)[None] / 255)
    torch.testing.assert_close(y[0, 0], torch.from_numpy(rgb2ycbcr(photo)[3:-3, 3:-3, 0]), rtol=0, atol=1e-9)


def bicubic(folder: Path, hr_file: Path, scale: int) -> tuple[Tensor, Tensor]:
    hr = to_tensor(read(hr_file).pixels)
    hr = hr[..., : hr.shape[-2] // scale * scale, : hr.shape[-1] // scale * scale]
    lr_file = folder / "LR_bicubic" / f"X{scale}" / f"{hr_file.stem}x{scale}.png"
    lr = to_tensor(read(lr_file).pixels) if lr_file.parent.exists() else imresize(hr, 1 / scale, rounding=True)
    return imresize(lr, scale, rounding=True), hr


@pytest.mark.medium
@pytest.mark.parametrize("name, scale", CASES)
def test_bicubic_upscaling_scores_as_published(sr_data, name, scale):
    folder = sr_data / "benchmark" / name
    metrics = PSNR(crop_border=scale), SSIM(crop_border=scale)
    images = (bicubic(folder, file, scale) for file in sorted(folder.glob("HR/*")))
    scores = [[metric(sr, hr).item() for metric in metrics] for sr, hr in images]
    psnr, ssim = torch.tensor(scores, dtype=torch.float64).mean(0).tolist()
    print(f"{name} x{scale}: {psnr:.4f} dB, {ssim:.5f}")
    assert psnr == pytest.approx(BICUBIC[name][scale][0], abs=0.01)
    assert ssim == pytest.approx(BICUBIC[name][scale][1], abs=5e-4)
