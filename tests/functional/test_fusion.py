"""Classical fusion of bursts with known shifts."""

import torch

from sr.functional.fusion import back_projected, inside, present, shift_and_add
from sr.functional.resize import imresize
from tests.bursts import burst, photo, psnr


def test_one_frame_is_bicubic():
    lr, shift = burst(48, frames=1)
    torch.testing.assert_close(shift_and_add(lr, shift, torch.ones(1, 1), 2), imresize(lr[:, 0], 2), atol=1e-6, rtol=0)


def test_the_mean_takes_noise_away():
    lr = photo(48)[:, None].expand(1, 16, 3, 48, 48)
    noise = 0.1 * torch.randn(lr.shape, generator=torch.Generator().manual_seed(0))
    still, weight = torch.zeros(1, 16, 2), torch.ones(1, 16)
    clean = shift_and_add(lr, still, weight, 2)
    left = (shift_and_add(lr + noise, still, weight, 2) - clean).std() / (imresize(noise[:, 0], 2)).std()
    assert 0.22 < left < 0.28  # 1 / sqrt(16)


def test_shifted_frames_bring_detail_and_back_projection_makes_the_frames():
    lr, shift = burst(64, 2, frames=6)
    weight = torch.ones(1, 6)
    added, sharp = shift_and_add(lr, shift, weight, 2), back_projected(lr, shift, weight, 2)
    bicubic = psnr(imresize(lr[:, 0], 2), photo(64))
    assert psnr(added, photo(64)) > bicubic + 0.3 and psnr(sharp, photo(64)) > bicubic + 2.5
    again = [(imresize(one, 0.5) - lr[:, 0])[..., 4:-4, 4:-4].square().mean() for one in (added, sharp)]
    assert again[1] < again[0] / 10


def test_frames_without_weight_change_nothing_nor_does_the_order_of_the_others():
    lr, shift = burst(48, frames=5)
    weight = torch.tensor([[1.0, 1, 0, 1, 1]])
    order = [0, 4, 3, 1]
    for fuse in (shift_and_add, back_projected):
        part = fuse(lr[:, order], shift[:, order], torch.ones(1, 4), 2)
        torch.testing.assert_close(fuse(lr, shift, weight, 2), part, atol=2e-6, rtol=0)


def test_where_frames_show_the_scene():
    """A frame at p shows what the reference shows at p + 2: of the reference, its first two rows are not on it."""
    seen = inside(torch.zeros(1, 1, 6, 5), torch.tensor([[2.0, 0.0]]))
    assert seen[0].all(1).tolist() == [False, False, True, True, True, True]
    assert present(torch.zeros(2, 3, 1, 1, 1), torch.tensor([1, 3])).tolist() == [[1, 0, 0], [1, 1, 1]]
