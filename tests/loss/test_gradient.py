import numpy as np
import pytest
import torch

from sr.loss.gradient import gradient_l1, gradient_map


def test_equals_numpy_gradient_inside(pair):
    image = pair[1].double()
    dy, dx = np.gradient(image.numpy(), axis=(2, 3))  # central differences over 2 pixels: half of ours
    expected = np.sqrt(4 * dy**2 + 4 * dx**2 + 1e-6)
    np.testing.assert_allclose(gradient_map(image).numpy()[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=1e-9)


def test_brightness_costs_nothing_and_blur_does(pair):
    sr, hr = (image.double() for image in pair)
    assert gradient_l1(hr + 0.1, hr).item() == pytest.approx(0, abs=1e-12)
    assert gradient_l1(sr, hr) > 0.01


def test_flat_images_have_a_finite_slope():
    flat = torch.zeros(1, 3, 8, 8, requires_grad=True)
    gradient_l1(flat, torch.rand(1, 3, 8, 8)).backward()
    assert flat.grad.isfinite().all()
