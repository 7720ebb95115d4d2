"""A recurrent network in segments against the whole clip, on a real clip of 64 frames with the default overlap."""

import numpy as np
import pytest
import torch

from sr.functional.resize import imresize
from sr.image import video
from sr.image.file import to_pixels, to_tensor
from sr.infer.clip import FrameUpscaler, Segments
from sr.infer.upscaler import Upscaler
from sr.network.rrn import RRN

pytest.importorskip("av")


def psnr(frames: list[np.ndarray], others: list[np.ndarray]) -> float:
    """The mean over frames, in dB."""
    errors = [np.mean((one.astype(float) - other) ** 2) + 1e-9 for one, other in zip(frames, others, strict=True)]
    return float(np.mean([10 * np.log10(255**2 / error) for error in errors]))


@pytest.mark.slow
def test_segments_are_within_a_tenth_of_a_decibel_of_the_whole(sr_data):
    hr = list(video.frames(sr_data / "domains" / "video" / "clips" / "carphone_pristine.mp4"))[:64]
    lr = [to_pixels(imresize(to_tensor(frame), 1 / 2, rounding=True)) for frame in hr]
    torch.manual_seed(0)
    upscaler = Upscaler(RRN(scale=2, n_feats=16, n_blocks=2).eval(), tile=None, overlap=16)
    ways = Segments(64), Segments(), Segments(48, 0)
    whole, segments, rough = ([*FrameUpscaler(upscaler, each, cuts=None)(lr)] for each in ways)
    assert abs(psnr(whole, hr) - psnr(segments, hr)) < 0.1
    assert psnr(segments, whole) > psnr(rough, whole) + 1  # without overlap the state is missing where a segment begins
