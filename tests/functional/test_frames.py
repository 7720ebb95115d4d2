"""Networks for pictures on clips."""

import pytest
import torch
from torch import nn

from sr.errors import InputError
from sr.functional.frames import check_clip, framewise, is_burst, is_clip
from sr.network.edsr import EDSR


def test_each_frame_is_enlarged_as_if_it_were_alone():
    network = EDSR(scale=2, n_blocks=1, n_feats=8).eval()
    clip = torch.rand(2, 3, 3, 6, 5)
    with torch.no_grad():
        made = framewise(network, clip)
        assert made.shape == (2, 3, 3, 12, 10)
        for frame in range(3):
            torch.testing.assert_close(made[:, frame], network(clip[:, frame]), atol=1e-6, rtol=0)
        assert torch.equal(framewise(network, clip[:, 0]), network(clip[:, 0]))


def test_values_of_a_clip_hold_for_its_frames():
    clip, gain = torch.rand(2, 3, 1, 4, 4), torch.tensor([2.0, 3.0])
    made = framewise(lambda lr, gain, shift: lr * gain[:, None, None, None] + shift, clip, gain=gain, shift=0.5)
    torch.testing.assert_close(made, clip * gain.view(2, 1, 1, 1, 1) + 0.5)


def test_what_a_network_takes():
    network = nn.Identity()
    assert not is_clip(network) and not is_burst(network)
    network.clips = True
    assert is_clip(network) and not is_burst(network)
    with pytest.raises(InputError, match=r"clip has shape \(2, 3, 4, 4\): expected \(N, T, C, H, W\)"):
        check_clip(torch.rand(2, 3, 4, 4))
