"""Files that a GPU upscales, tile by tile, are those of the CPU."""

import numpy as np
import pytest
import torch

from sr.image.file import Image, read, write
from sr.image.photograph import photograph
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.network.small import build

GPU = pytest.param("cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")])


@pytest.mark.parametrize("device", [pytest.param("cpu", marks=pytest.mark.slow), GPU])
@pytest.mark.parametrize("options", [{}, {"outscale": 1.7}, {"alpha_upscale": "network"}], ids=["plain", "resized", "alpha"])
def test_a_file_in_tiles_is_that_of_the_cpu_at_once(tmp_path, device, options):
    pixels = (photograph(96)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    (tmp_path / "in").mkdir()
    for name, image in {
        "colour": Image(pixels, alpha=pixels[::-1, :, 0]),
        "deep": Image(pixels.astype(np.uint16) * 257),
        "gray": Image(pixels[..., :1].repeat(3, 2), was_gray=True),
    }.items():
        write(tmp_path / "in" / f"{name}.png", image)
    network = build("compact_light", 2).eval()
    for folder, where, given in (("whole", "cpu", {"tile": None}), ("tiles", device, {"tile": 48, "overlap": 32, "batch": 3})):
        files = plan(tmp_path / "in", tmp_path / folder)
        assert predict_files(network.to(where), files, **given, **options).written == 3
    for name, most in (("colour", 1), ("deep", 2), ("gray", 1)):
        ours, theirs = (read(tmp_path / folder / f"{name}.png") for folder in ("tiles", "whole"))
        assert np.abs(ours.pixels.astype(int) - theirs.pixels.astype(int)).max() <= most
        if name == "colour":
            assert np.abs(ours.alpha.astype(int) - theirs.alpha.astype(int)).max() <= most
