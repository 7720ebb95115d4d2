"""sr.upscale, sr.score, sr.degrade, sr.compose, sr.batch, sr.train: the commands' work in Python."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color, data, metrics

import sr
from sr import build
from sr.data.plan import Plan
from sr.data.preview import prepared
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import to_pixels, to_tensor
from sr.network.compact import Compact
from sr.network.interpolation import Interpolation
from tests.jobs import ONE_PHOTO, SMALL

PHOTO = data.astronaut()[:96, :120]


def test_an_image_of_each_kind_is_enlarged_alike(tmp_path):
    torch.manual_seed(0)
    network = Compact(scale=2, n_feats=4, n_blocks=1).eval()
    expected = network(to_tensor(PHOTO)).detach()
    assert torch.equal(sr.upscale(network, to_tensor(PHOTO)), expected)
    assert np.array_equal(sr.upscale(network, PHOTO), to_pixels(expected))
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    assert np.array_equal(sr.upscale(network, tmp_path / "photo.png"), to_pixels(expected))
    tiles = sr.upscale(network, PHOTO.astype(np.uint16) * 257, tile=48)
    assert tiles.dtype == np.uint16 and np.abs(tiles / 257 - to_pixels(expected)).max() <= 1
    floats = sr.upscale(network, PHOTO / 255)
    assert floats.dtype == np.float64 and np.abs(floats - expected[0].permute(1, 2, 0).numpy()).max() < 1e-6
    assert sr.upscale(Interpolation(scale=2).eval(), PHOTO[..., 0]).shape == (192, 240)
    with pytest.raises(InputError, match=r"expected an array \(H, W, C\).*got int64 \(96, 120, 3\)"):
        sr.upscale(network, PHOTO.astype(np.int64))


def test_scores_are_those_of_scikit_image_by_the_protocol():
    other = to_pixels(imresize(imresize(to_tensor(PHOTO), 1 / 2), 2).clamp(0, 1))
    found = sr.score(other, PHOTO, scale=2)
    one, two = (color.rgb2ycbcr(image)[2:-2, 2:-2, 0] for image in (other, PHOTO))
    assert found["psnr"] == pytest.approx(metrics.peak_signal_noise_ratio(two, one, data_range=255), abs=1e-6)
    assert found.keys() == {"psnr", "ssim"} and 0.5 < found["ssim"] < 1
    with pytest.raises(InputError, match="metric lpips: not in conf/metric, or it needs weights"):
        sr.score(other, PHOTO, scale=2, metric=["psnr", "lpips"])
    with pytest.raises(InputError, match="equal shapes"):
        sr.score(other[:50], PHOTO, scale=2)


def test_degradations_by_name_and_seed():
    lr = imresize(to_tensor(PHOTO), 1 / 4, rounding=True)
    assert np.array_equal(sr.degrade(PHOTO, scale=4), to_pixels(lr))
    blind = [sr.degrade(PHOTO, "realesrgan", scale=2, seed=seed) for seed in (0, 0, 1)]
    assert blind[0].shape == (48, 60, 3) and np.array_equal(*blind[:2]) and not np.array_equal(*blind[1:])
    with pytest.raises(InputError, match="degradation=realesrgn: not there; nearest: realesrgan"):
        sr.degrade(PHOTO, "realesrgn")
    with pytest.raises(InputError, match="not a multiple of scale=4"):
        sr.degrade(PHOTO[:95], scale=4)


@pytest.mark.medium
def test_a_config_its_batches_and_its_run(tmp_path):
    words = [*SMALL, *ONE_PHOTO, "metric=[psnr]", "trainer.max_steps=2", f"data_dir={tmp_path}", f"output_dir={tmp_path}/run"]
    cfg = sr.compose("train", words)
    second = sr.batch(cfg, 1)
    module = prepared(build.data(cfg))
    expected = module.finish(module.patches(Plan(seed=module.seed, phases=module.phases)).batch(1))
    assert torch.equal(second["lr"], expected["lr"]) and torch.equal(second["hr"], expected["hr"])
    assert not torch.equal(sr.batch(cfg, 0)["hr"], second["hr"])
    assert sr.train(cfg) > 5 and (tmp_path / "run" / "checkpoints" / "best.ckpt").is_file()
    with pytest.raises(InputError, match="unknown config key 'trainer.max_step'.*trainer.max_steps"):
        sr.compose("train", ["trainer.max_step=2"])
    with pytest.raises(InputError, match="command 'trian': pass train, test"):
        sr.compose("trian")
