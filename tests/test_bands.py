"""Images of one, two, four and six bands through everything that is not a network: gray photos and a satellite's tile."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn

from sr.augmentation.rgb_permutation import RGBPermutation
from sr.callback.wandb import _crops
from sr.degradation.jpeg import JPEG
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.resize import imresize
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.metric.vgg_distance import VGGDistance
from sr.view.panel import panel, shown
from tests.chains import FILES as DEGRADATIONS
from tests.chains import SAME_SIZE, chain_of
from tests.real import gray, of_bands, six_bands

BANDS = [1, 2, 4, 6]


@pytest.fixture(params=BANDS, ids=lambda bands: f"{bands}-bands")
def image(request, sr_data) -> Tensor:
    return of_bands(sr_data, request.param)


def parameters(stage, count: int = 1) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in stage.sample(Draws(7, 0, count, stream="degradation")).items()}


def restore(hr: Tensor) -> Tensor:
    return imresize(imresize(hr, 1 / 2, rounding=True), 2, rounding=True)


@pytest.mark.parametrize("scale", [1 / 3, 2, 0.7])
def test_each_band_is_resized_on_its_own(image, scale):
    made = imresize(image, scale, rounding=True)
    for band in range(image.shape[1]):
        assert torch.equal(made[:, band : band + 1], imresize(image[:, band : band + 1], scale, rounding=True))


@pytest.mark.parametrize("channel", ["y", "rgb"])
def test_metrics_are_over_all_bands_as_skimage_measures_them(image, channel):
    sr = restore(image)
    ours, theirs = (np.moveaxis(x[0].double().numpy() * 255, 0, -1) for x in (sr, image))
    psnr, ssim = PSNR(crop_border=0, channel=channel), SSIM(crop_border=0, channel=channel)
    assert psnr(sr, image).item() == pytest.approx(peak_signal_noise_ratio(theirs, ours, data_range=255), abs=1e-4)
    # skimage pads, as the papers' ssim.m does not: its map inside the border of half a window is that of ssim.m.
    settings = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    full = structural_similarity(theirs, ours, channel_axis=-1, full=True, **settings)[1]
    assert ssim(sr, image).item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-5)


def test_gray_is_measured_as_it_is_not_as_luma(sr_data):
    """RGB of three equal channels has Y = 16 + 219 g: 1.3 dB more for the same error."""
    hr = gray(sr_data)
    rgb = (restore(hr).expand(-1, 3, -1, -1), hr.expand(-1, 3, -1, -1))
    as_rgb, on_y, as_gray = (
        PSNR(crop_border=2, channel="rgb")(*rgb),
        PSNR(crop_border=2)(*rgb),
        PSNR(crop_border=2)(restore(hr), hr),
    )
    torch.testing.assert_close(as_gray, as_rgb)
    assert (on_y - as_gray).item() == pytest.approx(20 * np.log10(255 / 219), abs=1e-6)


@pytest.mark.parametrize("file", DEGRADATIONS, ids=lambda file: file.stem)
def test_every_degradation(image, file):
    scale = 1 if file.stem in SAME_SIZE else 2
    chain = chain_of(file, scale)
    made = chain(image, parameters(chain))
    assert made.shape == (1, image.shape[1], 120 // scale, 120 // scale) and made.std() > 0.01
    reference = imresize(image, 1 / scale, rounding=True)
    if scale == 1:  # strong noise and blur: larger details
        made, reference = (nn.functional.avg_pool2d(one, 6) for one in (made, reference))
    for band in range(image.shape[1]):  # each is still the picture that it was
        pair = torch.stack([made[0, band].flatten(), reference[0, band].flatten()])
        assert torch.corrcoef(pair)[0, 1] > 0.6


def test_jpeg_makes_a_gray_file_of_each_band(sr_data):
    image = six_bands(sr_data)
    made = JPEG()(image, {"quality": torch.tensor([40])})
    for band in range(6):
        alone = JPEG()(image[:, band : band + 1], {"quality": torch.tensor([40])})
        assert torch.equal(made[:, band : band + 1], alone)
    assert not torch.equal(made, image)


@pytest.mark.parametrize("poisson", [0.0, 1.0])
def test_noise_is_common_to_the_channels_of_rgb_alone(sr_data, poisson):
    noise = Noise(gray_probability=1.0, poisson_probability=poisson)
    for bands in (2, 3, 4):
        flat = torch.full((1, bands, 64, 64), 0.4)
        added = (noise(flat, parameters(noise)) - flat)[0].flatten(1)
        correlation = torch.corrcoef(added).fill_diagonal_(1)
        assert (correlation - (1 if bands == 3 else torch.eye(bands))).abs().max() < 0.06


def test_a_metric_of_photos_takes_gray_and_refuses_more_bands(sr_data):
    metric = VGGDistance(crop_border=2, layers=("conv1_2",), weights="random")
    hr = gray(sr_data)
    torch.testing.assert_close(metric(restore(hr), hr), metric(*(x.expand(-1, 3, -1, -1) for x in (restore(hr), hr))))
    with pytest.raises(InputError, match=r"^VGGDistance needs RGB, not 6 bands: remove it from metric=\[...\]$"):
        metric(six_bands(sr_data), six_bands(sr_data))


def test_a_picture_shows_gray_or_three_bands(sr_data):
    image = six_bands(sr_data)
    assert torch.equal(shown(gray(sr_data)), gray(sr_data).expand(-1, 3, -1, -1))
    assert torch.equal(shown(image), image[:, :3]) and torch.equal(shown(image, [2, 1, 0]), image[:, [2, 1, 0]])
    assert torch.equal(shown(image, [5]), image[:, 5:].expand(-1, 3, -1, -1))
    assert torch.equal(shown(image[:, :2]), image[:, :1].expand(-1, 3, -1, -1))
    for bands in ([0, 1], [6], [-1, 0, 1]):
        with pytest.raises(InputError, match=r"choose one \(gray\) or three \(red, green, blue\) from 0 to 5$"):
            shown(image, bands)


def test_panels_and_pictures_of_the_loggers(image):
    lr = imresize(image, 1 / 2, rounding=True)
    sr, chosen = imresize(lr, 2, rounding=True), None if image.shape[1] < 4 else [3, 2, 1]
    picture = panel(lr, sr, image, crop=32, bands=chosen)
    assert picture.mode == "RGB" and picture.size == (4 * 64 + 3 * 4, 64 + 18)
    low, ours, hr, error = _crops(lr, sr, image, 32, chosen)
    assert low.shape == (16, 16, 3) and ours.shape == hr.shape == error.shape == (32, 32, 3)
    right = np.asarray(picture)[18:, -64:][::2, ::2]  # HR is the last of the row
    assert np.array_equal(right, hr)
    if image.shape[1] < 3:
        assert (hr == hr[..., :1]).all()
    else:
        whole = (image[0, chosen].permute(1, 2, 0) * 255).round().byte().numpy()
        assert any(np.array_equal(hr, whole[y : y + 32, x : x + 32]) for y in range(89) for x in range(89))
    assert Image.fromarray(hr).mode == "RGB"


def test_the_order_of_channels_is_for_rgb(image):
    given = parameters(RGBPermutation())
    if image.shape[1] == 1:
        assert torch.equal(RGBPermutation().apply(image, image, given, None)[0], image)
        return
    with pytest.raises(InputError, match=r"^rgb_permutation is for RGB, not for \d bands"):
        RGBPermutation().apply(image, image, given, None)
