import torch

from sr.loss.tv import TV, tv


def test_equals_kornia_mean(pair):
    from kornia.losses import total_variation

    torch.testing.assert_close(tv(pair[0]), total_variation(pair[0], reduction="mean").mean())


def test_hr_does_not_matter(pair):
    assert torch.equal(TV()(*pair), TV()(pair[0], torch.zeros_like(pair[0])))
