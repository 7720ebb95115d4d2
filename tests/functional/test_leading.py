"""What is written for pictures gives clips (N, T, C, H, W) the same, frame by frame."""

import pytest
import torch
from torch import Tensor

from sr.degradation.noise import Noise, frame_seeds
from sr.errors import InputError
from sr.functional.color import rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb
from sr.functional.draws import Draws
from sr.functional.leading import for_each_frame, mean_over_frames, n_frames, pictures, restored
from sr.functional.resize import imresize
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from tests.chains import FILES as DEGRADATIONS
from tests.chains import SAME_SIZE, VIDEO, chain_of
from tests.real import clips


@pytest.fixture(scope="module")
def clip(sr_data) -> Tensor:
    return clips(sr_data)


def parameters(stage, start: int, count: int) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in stage.sample(Draws(7, start, count, stream="degradation")).items()}


def test_flattened_and_restored():
    clip, volume = torch.rand(2, 5, 3, 4, 6), torch.rand(2, 2, 2, 3, 4, 6)
    for image, frames in ((clip, 5), (volume, 4), (clip[:, 0], 1)):
        flat = pictures(image)
        assert flat.shape == (2 * frames, 3, 4, 6) and n_frames(image) == frames
        assert torch.equal(restored(flat, image), image)
        assert torch.equal(for_each_frame(torch.tensor([3, 8]), image), torch.tensor([3] * frames + [8] * frames))
        scores = torch.arange(2.0 * frames)
        assert mean_over_frames(scores, image).tolist() == [scores[:frames].mean(), scores[frames:].mean()]


@pytest.mark.parametrize("function", [pictures, lambda x: imresize(x, 2), lambda x: PSNR(crop_border=0)(x, x)])
def test_an_image_without_a_batch_is_refused(function):
    with pytest.raises(InputError, match=r"shape \(3, 16, 16\): expected \(N, C, H, W\), or \(N, T, C, H, W\) for clips$"):
        function(torch.rand(3, 16, 16))


SCALES = [(1 / 2, True), (1 / 3, True), (0.7, True), (2, True), (1 / 4, False), (1.5, False)]


@pytest.mark.parametrize(("scale", "rounding"), SCALES)
def test_imresize(clip, scale, rounding):
    made = imresize(clip, scale, rounding=rounding)
    assert made.shape[:3] == (2, 3, 3) and made.shape[-1] == round(120 * scale)
    for t in range(3):
        assert torch.equal(made[:, t], imresize(clip[:, t], scale, rounding=rounding))
    assert not torch.equal(made[:, 0], made[:, 1])


@pytest.mark.parametrize("function", [rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb])
def test_color(clip, function):
    assert torch.equal(function(clip), torch.stack([function(clip[:, t]) for t in range(3)], 1))


@pytest.mark.parametrize("metric", [PSNR(crop_border=2), SSIM(crop_border=2), PSNR(crop_border=2, channel="rgb")])
def test_the_score_of_a_clip_is_the_mean_of_its_frames(clip, metric):
    sr = imresize(imresize(clip, 1 / 2, rounding=True), 2, rounding=True)
    sr[:, 1] = imresize(imresize(clip[:, 1], 1 / 4, rounding=True), 4, rounding=True)  # frames of different quality
    frames = torch.stack([metric(sr[:, t], clip[:, t]) for t in range(3)], 1)
    assert metric(sr, clip).shape == (2,) and frames.std(1).min() > 0.01
    torch.testing.assert_close(metric(sr, clip), frames.mean(1), rtol=1e-12, atol=0)
    if isinstance(metric, PSNR):  # it is not the PSNR of the pooled error
        pooled = 10 * torch.log10(255**2 / (10 ** (-frames / 10) * 255**2).mean(1))
        assert (metric(sr, clip) - pooled).min() > 0.05


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("file", DEGRADATIONS, ids=lambda file: file.stem)
def test_degradation(clip, file, scale):
    scale = 1 if file.stem in SAME_SIZE else 4 if (file.stem, scale) == ("bd", 3) else scale  # BD has even ones alone
    chain = chain_of(file, scale)
    given = parameters(chain, 11, 2)
    made = chain(clip, given)
    assert made.shape == (2, 3, 3, 96 // scale, 120 // scale)
    for t in () if file.stem in VIDEO else range(3):  # the frames of a stream depend on each other
        of_frame = {k: frame_seed(v, t) if k.endswith("seed") else v for k, v in given.items()}
        assert torch.equal(made[:, t], chain(clip[:, t], of_frame))
    # A clip's pixels are a function of (seed, i) alone, whatever stands beside it in the batch.
    assert torch.equal(made[1:], chain(clip[1:], parameters(chain, 12, 1)))


def frame_seed(seeds: Tensor, t: int) -> Tensor:
    return torch.tensor([frame_seeds(seed, t + 1)[-1] for seed in seeds.tolist()])


@pytest.mark.parametrize("poisson", [0.0, 1.0])
def test_noise_differs_from_frame_to_frame_but_not_its_strength(poisson):
    still = torch.full((2, 4, 3, 64, 64), 100 / 255)
    noise = Noise(poisson_probability=poisson, gray_probability=0.0)
    added = (noise(still, parameters(noise, 0, 2)) - still).flatten(2)
    for clip in added:
        assert (torch.corrcoef(clip) - torch.eye(4)).abs().max() < 0.05
        assert clip.std(1) == pytest.approx(clip.std().item(), rel=0.05)


def test_frame_seeds_begin_with_the_sample_s_own_and_never_meet():
    made = frame_seeds(5, 1000) + frame_seeds(2**63 - 1, 1000)
    assert made[0] == 5 and made[1000] == 2**63 - 1 and all(0 <= seed < 2**63 for seed in made)
    assert len({seed % 2**32 for seed in made}) == 2000  # torch's CPU generator may look at the lower half alone
