"""Registration finds known shifts."""

import numpy as np
import torch
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from sr.functional.registration import FOUND, registered
from tests.bursts import burst, photo


def smooth(side: int = 96) -> np.ndarray:
    """A band-limited picture."""
    return ndimage.gaussian_filter(photo(side)[0].mean(0).numpy().astype(np.float64), 2, mode="wrap")


def frames(image: np.ndarray, shifts: list[tuple[float, float]]) -> torch.Tensor:
    """(1, T, 1, H, W): the picture at p + shift, moved exactly, by its spectrum."""
    spectrum = np.fft.fft2(image)
    made = [np.fft.ifft2(ndimage.fourier_shift(spectrum, (-dy, -dx))).real for dy, dx in shifts]
    return torch.from_numpy(np.array(made, np.float32))[None, :, None]


def test_shifts_of_a_band_limited_picture_are_recovered():
    shifts = [(0, 0), (1, -2), (0.25, 0.4), (-1.37, 0.81), (3.5, -2.75)]
    found, correlation = registered(frames(smooth(), shifts))
    assert (found[0] - torch.tensor(shifts)).abs().max() < 0.01
    assert correlation.min() > 0.99


def test_shifts_of_aliased_and_noisy_frames_are_closer_than_those_of_phase_correlation():
    for scale, noise, most in ((2, 0, 0.03), (2, 10, 0.1), (4, 5, 0.2)):
        lr, truth = burst(192, scale, noise, frames=6, shift=1.5)
        off = (registered(lr)[0] - truth).abs().max()
        gray = lr[0].mean(1).numpy()
        theirs = [phase_cross_correlation(gray[0], one, upsample_factor=100)[0] for one in gray]
        assert off < most and off < np.abs(np.array(theirs) - truth[0].numpy()).max()


def test_whole_shifts_are_those_of_scikit_image():
    image = smooth(64)
    moved = [np.roll(image, (dy, dx), (0, 1)) for dy, dx in ((0, 0), (5, -3), (-7, 2))]
    burst_of = torch.from_numpy(np.array(moved, np.float32))[None, :, None]
    theirs = [phase_cross_correlation(moved[0], one, normalization=None)[0] for one in moved]
    assert np.abs(registered(burst_of)[0][0].numpy() - np.array(theirs)).max() < 0.1  # edges come in on the other side


def test_other_scenes_are_not_registered_and_the_reference_always_is():
    lr, truth = burst(128, frames=3)
    other = photo(64, 300, 20)[:, None]
    flat = torch.full_like(other, 0.5)
    found, correlation = registered(torch.cat([lr, other, flat], 1))
    assert (correlation[0] >= FOUND).tolist() == [True, True, True, False, False]
    assert (found[0, 3:] == 0).all() and (found[0, 0] == 0).all()
    assert registered(flat[..., :1, :3])[0].tolist() == [[[0, 0]]]  # one pixel high
