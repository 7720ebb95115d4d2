"""Released files of the families that spandrel has: saved as their authors do, recognised with their options and scale."""

import importlib

import pytest
import torch

from sr.device.count import parameters
from sr.weights.recognise import candidates

# Architecture, where the authors' files differ in more than depth: the release and the options that make it another network.
RELEASES = [
    ("ATD", "ATD_SRx2", {"upscale": 2, "depths": [2], "num_heads": [6], "window_size": 16, "upsampler": "pixelshuffle"}),
    ("ATD", "ATD_light_SRx3", {"upscale": 3, "depths": [2], "num_heads": [4], "embed_dim": 48, "window_size": 16,
     "category_size": 128, "num_tokens": 64, "reducted_dim": 8, "convffn_kernel_size": 7, "mlp_ratio": 1,
     "upsampler": "pixelshuffledirect", "norm": False}),
    ("DAT", "DAT_S_x4", {"upscale": 4, "depth": [2], "num_heads": [6], "split_size": [8, 16], "expansion_factor": 2.0}),
    ("DAT", "DAT_x3", {"upscale": 3, "depth": [2], "num_heads": [6], "split_size": [8, 32], "expansion_factor": 4.0}),
    ("DAT", "DAT_light_x2", {"upscale": 2, "depth": [2], "num_heads": [6], "embed_dim": 60, "split_size": [8, 32],
     "expansion_factor": 2.0, "resi_connection": "3conv", "upsampler": "pixelshuffledirect"}),
    ("DRCT", "DRCT_SRx4", {"upscale": 4, "depths": [6], "num_heads": [6], "window_size": 16, "upsampler": "pixelshuffle"}),
    ("HAT", "HAT-S_SRx2", {"upscale": 2, "depths": [2], "num_heads": [6], "embed_dim": 144, "window_size": 16,
     "compress_ratio": 24, "squeeze_factor": 24, "upsampler": "pixelshuffle"}),
    ("HAT", "HAT_SRx4", {"upscale": 4, "depths": [2], "num_heads": [6], "window_size": 16, "upsampler": "pixelshuffle"}),
    ("MoSR", "4x MoSR", {"upscale": 4, "n_block": 1}),
    ("OmniSR", "OmniSR_X3_DF2K", {"up_scale": 3, "res_num": 1, "block_num": 1}),
    ("OmniSR", "OmniSR_X4_DIV2K", {"up_scale": 4, "res_num": 1, "block_num": 1}),
    ("PLKSR", "PLKSR_X4", {"upscaling_factor": 4, "n_blocks": 1, "kernel_size": 17, "ccm_type": "DCCM"}),
    ("PLKSR", "PLKSR_tiny_X2", {"upscaling_factor": 2, "n_blocks": 1, "kernel_size": 13, "ccm_type": "DCCM"}),
    ("RGT", "RGT_x4", {"upscale": 4, "depth": [2], "num_heads": [6], "split_size": [8, 32]}),
    ("SAFMN", "SAFMN_DF2K_x4", {"upscaling_factor": 4, "dim": 36, "n_blocks": 1}),
    ("SAFMN", "SAFMN_L_Real_x2", {"upscaling_factor": 2, "dim": 128, "n_blocks": 1}),
    ("SPAN", "spanx4_ch48", {"num_in_ch": 3, "num_out_ch": 3, "upscale": 4, "feature_channels": 48}),
    ("SPAN", "spanx2_ch52", {"num_in_ch": 3, "num_out_ch": 3, "upscale": 2, "feature_channels": 52}),
    ("SwinIR", "SwinIR-M_x8", {"upscale": 8, "depths": [2], "num_heads": [6], "embed_dim": 180, "window_size": 8,
     "upsampler": "pixelshuffle"}),
    ("SwinIR", "SwinIR-M_real_x4", {"upscale": 4, "depths": [2], "num_heads": [6], "embed_dim": 180,
     "window_size": 8, "upsampler": "nearest+conv", "resi_connection": "1conv"}),
    ("SwinIR", "SwinIR-M_real_x2", {"upscale": 2, "depths": [2], "num_heads": [6], "embed_dim": 180,
     "window_size": 8, "upsampler": "nearest+conv", "resi_connection": "1conv"}),
    ("SwinIR", "SwinIR-L_real_x4", {"upscale": 4, "depths": [2], "num_heads": [8], "embed_dim": 240,
     "window_size": 8, "upsampler": "nearest+conv", "resi_connection": "3conv"}),
    ("Swin2SR", "Swin2SR_ClassicalSR_X2_64", {"upscale": 2, "depths": [2], "num_heads": [6], "embed_dim": 180, "img_size": 64,
     "window_size": 8, "upsampler": "pixelshuffle"}),
    ("Swin2SR", "Swin2SR_Lightweight_X2_64", {"upscale": 2, "depths": [2], "num_heads": [6], "embed_dim": 60, "img_size": 64,
     "window_size": 8, "upsampler": "pixelshuffledirect"}),
    ("Swin2SR", "Swin2SR_RealworldSR_X4_64", {"upscale": 4, "depths": [2], "num_heads": [6], "embed_dim": 180, "img_size": 64,
     "window_size": 8, "upsampler": "nearest+conv"}),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "options"), [r[::2] for r in RELEASES], ids=[r[1] for r in RELEASES])
def test_recognised(architecture, options):
    torch.manual_seed(0)
    theirs = getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), architecture)(**options).eval()
    state = theirs.state_dict()
    ours = candidates(state, "weights.pth")[0][0].build().eval()

    scale = next(options[key] for key in ("upscale", "up_scale", "upscaling_factor") if key in options)
    assert (type(ours), ours.scale) == (type(theirs), scale)
    assert all(torch.equal(value, state[key]) for key, value in ours.state_dict().items())
    found = {key: ours.hyperparameters[key] for key in options}
    assert {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()} == options
    side = max(32, ours.multiple_of)
    lr = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        sr_, expected = ours(lr), theirs(lr) if architecture != "OmniSR" else (theirs(lr * 2 - 1) + 1) / 2
    assert sr_.shape[-1] == side * scale
    torch.testing.assert_close(sr_, expected, atol=1e-5 * max(1, expected.abs().max().item() / 10), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "scale", "published"), [("span", 2, 481e3), ("span", 4, 498e3), ("span_small", 2, 411e3), ("span_small", 4, 426e3)]
)
def test_span_counts_what_is_merged(build, name, scale, published):
    assert parameters(build(name, scale)) == pytest.approx(published, rel=1e-3)
