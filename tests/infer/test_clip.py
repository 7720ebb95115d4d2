"""Frames in segments: equal to the whole clip for sliding windows, close to it for recurrent ones; cuts; going on."""

import shutil
import subprocess

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.errors import InputError
from sr.infer.clip import FrameUpscaler, Segments
from sr.infer.scenes import SceneCuts
from sr.infer.upscaler import Upscaler
from sr.network.interpolation import Interpolation


def clip(count: int, height: int = 12, width: int = 16, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8))


class Window(nn.Module):
    """x2: the mean of the frames at most `reach_t` away, without those beyond the ends."""

    clips, scale, channels, multiple_of, reach_t = True, 2, 3, 1, 2

    def forward(self, lr: Tensor) -> Tensor:
        frames = range(lr.shape[1])
        means = [lr[:, max(i - 2, 0) : i + 3].mean(1) for i in frames]
        return torch.stack([F.interpolate(mean, scale_factor=2) for mean in means], 1)


class Recurrent(nn.Module):
    """x2: an average over time in both directions in which a frame counts half as much per frame of distance."""

    clips, scale, channels, multiple_of, reach_t = True, 2, 3, 1, None
    seen: list[int] = []

    def forward(self, lr: Tensor) -> Tensor:
        self.seen.append(lr.shape[1])
        time = torch.arange(lr.shape[1], dtype=torch.float32)
        weight = 0.5 ** (time[:, None] - time).abs()
        mixed = torch.einsum("ts,nschw->ntchw", weight / weight.sum(1, keepdim=True), lr)
        return mixed.repeat_interleave(2, -1).repeat_interleave(2, -2)


def run(network: nn.Module, frames: list[np.ndarray], *segments: int, start: int = 0, **options) -> np.ndarray:
    tile = options.pop("tile", None)
    made = FrameUpscaler(Upscaler(network, tile=tile, overlap=4), Segments(*segments), **options)
    return np.stack(list(made(iter(frames), start)))


def whole(network: nn.Module, frames: list[np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        sr = network(torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)[None] / 255)[0]
    return (sr.clamp(0, 1) * 255 + 0.5).permute(0, 2, 3, 1).numpy().astype(np.uint8)


@pytest.mark.parametrize("count", [1, 4, 5, 9, 10, 11, 23])
def test_a_sliding_window_in_segments_is_that_of_the_whole(count):
    frames = clip(count)
    assert np.array_equal(run(Window(), frames, 9, 0, cuts=None), whole(Window(), frames))
    tiled = run(Window(), frames, 9, 0, cuts=None, tile=8)
    assert np.abs(tiled.astype(int) - whole(Window(), frames)).max() <= 1  # weights of tiles round x.5 either way


@pytest.mark.parametrize("count", [3, 32, 33, 70])
def test_a_recurrent_network_in_segments_is_close_to_the_whole(count):
    frames, network = clip(count), Recurrent()
    found, wanted = run(network, frames, 32, 16, cuts=None), whole(network, frames)
    assert found.shape == wanted.shape and np.abs(found.astype(int) - wanted).max() <= 1 + 255 // 2**6  # 6 of 16 are discarded
    rough = run(network, frames, 32, 0, cuts=None)
    assert (count > 32) == bool(np.abs(rough.astype(int) - wanted).max() > 20)


@pytest.mark.parametrize("start", [0, 1, 15, 16, 17, 31, 32, 40, 69])
def test_going_on_gives_the_same(start):
    frames = clip(35) + [255 - frame // 8 for frame in clip(35, seed=1)]  # a cut in the middle
    uncut = run(Recurrent(), frames, 20, 8)
    assert np.array_equal(run(Recurrent(), frames, 20, 8, start=start), uncut[start:])


def test_pictures_in_batches_are_single_pictures():
    frames = clip(5)
    found = run(Interpolation(scale=2), frames, batch=2)
    assert np.array_equal(found, np.stack([run(Interpolation(scale=2), [frame])[0] for frame in frames]))
    assert np.array_equal(run(Interpolation(scale=2), frames, batch=3, start=2), found[2:])
    assert run(Interpolation(scale=2), frames, size=(17, 20)).shape == (5, 17, 20, 3)


def test_sixteen_bits_stay():
    frames = [frame.astype(np.uint16) * 257 for frame in clip(3)]
    found = run(Window(), frames, 9, 0)
    assert found.dtype == np.uint16 and np.abs(found / 257 - run(Window(), clip(3), 9, 0)).max() <= 0.5


def test_a_cut_begins_a_segment():
    dark, light = [frame // 16 for frame in clip(20)], [255 - frame // 16 for frame in clip(20)]
    network = Recurrent()
    Recurrent.seen.clear()
    found = run(network, dark + light, 40, 8)
    assert Recurrent.seen == [20, 20]
    assert np.array_equal(found, np.concatenate([whole(network, dark), whole(network, light)]))
    Recurrent.seen.clear()
    run(network, dark + light, 40, 8, cuts=None)
    assert Recurrent.seen == [40]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
def test_scores_are_those_of_scdet(tmp_path):
    frames = np.stack([frame // 4 for frame in clip(6, 32, 32)] + [200 - frame // 4 for frame in clip(5, 32, 32, 1)])
    words = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "32x32", "-i", "-"]
    words += ["-vf", "scdet,metadata=print:key=lavfi.scd.score:file=-", "-f", "null", "-"]
    told = subprocess.run(words, input=frames.tobytes(), capture_output=True, check=True).stdout.decode()
    theirs = [float(line.split("=")[1]) for line in told.splitlines() if "score" in line]
    cuts = SceneCuts()
    assert [cuts.score(frame) for frame in frames] == pytest.approx(theirs, abs=2e-3)
    assert max(theirs) == theirs[6] > 10


def test_wrong_segments_are_one_line():
    for length, overlap, reason in ((8, 8, "video.segment=8: pass more"), (None, -1, "video.overlap=-1")):
        with pytest.raises(InputError, match=reason):
            Segments(length, overlap)
