import pytest
import torch

from sr.loss.charbonnier import Charbonnier, charbonnier


def test_equals_kornia_in_units_of_eps(pair):
    from kornia.losses import charbonnier_loss  # eps 1, and 1 less: sqrt(d^2 + 1) - 1

    eps = 1e-3
    theirs = eps * (charbonnier_loss(pair[0] / eps, pair[1] / eps, reduction="mean") + 1)
    torch.testing.assert_close(charbonnier(*pair), theirs)


def test_two_slopes():
    sr = torch.tensor([[[[0.5, 0.5 + 1e-6, 0.6]]]], dtype=torch.float64)
    hr = torch.full_like(sr, 0.5)
    assert charbonnier(sr[..., :1], hr[..., :1]).item() == pytest.approx(1e-3)
    assert charbonnier(sr[..., 1:2], hr[..., 1:2]).item() - 1e-3 == pytest.approx(1e-12 / 2e-3, rel=1e-3)
    assert charbonnier(sr[..., 2:], hr[..., 2:]).item() == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("eps", [0, -1e-3])
def test_eps_must_be_positive(eps):
    with pytest.raises(ValueError, match="loss.charbonnier.eps=.* must be positive"):
        Charbonnier(eps=eps)
