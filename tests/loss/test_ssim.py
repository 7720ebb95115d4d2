import torch

from sr.loss.ssim import ssim_loss


def test_equals_kornia_valid_but_for_its_half(pair):
    from kornia.losses import ssim_loss as theirs  # (1 - SSIM) / 2

    torch.testing.assert_close(ssim_loss(*pair), 2 * theirs(*pair, 11, padding="valid"), rtol=1e-4, atol=1e-6)


def test_flat_patches_have_finite_gradients():
    sr = torch.zeros(1, 3, 16, 16, requires_grad=True)
    ssim_loss(sr, torch.zeros(1, 3, 16, 16)).backward()
    assert sr.grad.isfinite().all()
