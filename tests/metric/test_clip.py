"""Steadiness over time: closed cases, and by scikit-image's flow and warp."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from skimage.registration import optical_flow_ilk
from skimage.transform import warp

from sr.errors import InputError
from sr.metric.frames import each_score, means, middle_frame, numbers
from sr.metric.lpips import LPIPS
from sr.metric.psnr import PSNR
from sr.metric.tlpips import TLPIPS
from sr.metric.tof import TOF
from sr.metric.warping_error import WarpingError
from tests.clips import moving
from tests.jobs import CONF, IMAGE


def clip(step=(1, 2), frames: int = 3) -> torch.Tensor:
    return torch.from_numpy(moving("chelsea", frames, 64, 72, step)).permute(0, 3, 1, 2)[None].float() / 255


def test_a_shifted_clip_has_no_error():
    hr = clip()
    assert WarpingError()(hr, hr).item() < 0.05 and TOF()(hr, hr).item() == 0


def test_warping_error_of_noise_is_twice_its_variance():
    """On a still clip nothing is interpolated."""
    hr = clip((0, 0)) * 0.5 + 0.25
    noise = 0.04 * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))
    expected = 1000 * ((hr + noise)[:, 1:] - (hr + noise)[:, :-1]).square().mean().item()
    assert WarpingError(levels=None)(hr + noise, hr).item() == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(1000 * 2 * 0.04**2, rel=0.02)


def test_warping_error_as_by_scikit_image():
    """Flow and warp by scikit-image, on the pixels that move smoothly."""
    hr = clip()
    sr = (hr + 0.05 * torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    pixels = (sr[0] * 255 + 0.5).floor().permute(0, 2, 3, 1).numpy() / 255
    gray = (hr[0].permute(0, 2, 3, 1).double().numpy() @ [65.481, 128.553, 24.966] + 16) / 255
    errors = []
    for t in range(2):
        v, u = optical_flow_ilk(gray[t].astype(np.float32), gray[t + 1].astype(np.float32))
        rows, columns = np.meshgrid(np.arange(64), np.arange(72), indexing="ij")
        back = np.stack([warp(pixels[t + 1, ..., c], np.stack([rows + v, columns + u]), mode="edge") for c in range(3)], -1)
        errors.append(((pixels[t] - back) ** 2)[10:-10, 10:-10].mean())
    assert WarpingError()(sr, hr).item() == pytest.approx(1000 * np.mean(errors), rel=0.1)


def test_tof_is_the_distance_of_two_motions():
    """Clips that move by (1, 2) and by (1, 0) pixels per frame: two pixels apart but for the edges."""
    assert TOF(crop_border=0)(clip((1, 0)), clip((1, 2))).item() == pytest.approx(2, abs=0.25)


def test_tlpips_is_the_difference_of_the_steps(backbones, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", backbones)
    metric, lpips = TLPIPS(), LPIPS(crop_border=0)
    hr = clip((0, 3))
    sr = (hr + 0.1 * torch.rand(hr.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    steps = [[lpips(one[:, t], one[:, t + 1]).item() for t in range(2)] for one in (sr, hr)]
    assert metric(sr, hr).item() == pytest.approx(np.abs(np.subtract(*steps)).mean(), rel=1e-5) and metric(hr, hr).item() == 0


@pytest.fixture(params=["warping_error", "tof", "tlpips"])
def metric(request, backbones, monkeypatch):
    """As conf/metric has it."""
    monkeypatch.setenv("TORCH_HOME", backbones)
    config = OmegaConf.merge({"scale": 2, "image": IMAGE}, OmegaConf.load(CONF / "metric" / f"{request.param}.yaml"))
    return instantiate(config[request.param], _convert_="all")


def test_the_promises_of_metrics(metric):
    """A batch does not mix, what a file cannot hold does not count, HR is needed, and sizes are those of HR."""
    hr = torch.cat([clip(frames=2), clip((2, 0), 2)])
    sr = (hr + 0.1 * torch.rand(hr.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    both = metric(sr, hr)
    alone = torch.cat([metric(one[None], true[None]) for one, true in zip(sr, hr, strict=True)])
    torch.testing.assert_close(both, alone, rtol=1e-6, atol=1e-9)
    rounded = (sr * 255).round() / 255
    assert torch.equal(metric(rounded + 0.3 / 255, hr), metric(rounded, hr)) and both.dtype == torch.float64
    assert metric.clips and metric.test_only and not metric.higher_is_better and not list(metric.state_dict())
    with pytest.raises(InputError, match="compares SR with HR, but there is no HR"):
        metric(sr)
    with pytest.raises(InputError, match="a metric needs equal shapes"):
        metric(sr[..., 1:], hr)


def test_pictures_and_single_frames_are_one_line():
    for images in (clip()[:, :1], clip()[0]):
        with pytest.raises(InputError, match=r"^TOF needs clips of at least 2 frames: remove it from metric=\[...\]"):
            TOF()(images, images)


def test_frames_are_scored_one_by_one():
    hr = clip()
    sr = (hr + 0.1 * torch.arange(3).view(1, 3, 1, 1, 1)).clamp(0, 1)
    each = numbers({"psnr": each_score(PSNR(crop_border=0), sr, hr, hr, batch={})})["psnr"]
    assert each == [PSNR(crop_border=0)(sr[:, t], hr[:, t]).item() for t in range(3)] and each[0] == 100
    assert means({"psnr": each})["psnr"] == pytest.approx(PSNR(crop_border=0)(sr, hr).item())
    assert len(each_score(TOF(), sr, hr, hr, batch={})) == 1
    assert torch.equal(middle_frame(hr), hr[:, 1:2]) and middle_frame(None) is None
