"""Registration of bursts: the shift of each frame against the first one, the reference.

Cross-correlation of the slopes finds the shift in whole pixels, and Gauss-Newton steps on the grey values refine it (Lucas and
Kanade 1981; Irani and Peleg 1991, doi:10.1016/1049-9652(91)90045-L, section 2). Correlation alone, as of
skimage.registration.phase_cross_correlation, is several times as far off: aliasing, noise and the edges disturb it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.functional.frames import check_clip
from sr.functional.motion import moved
from sr.functional.resize import pad_symmetric

FOUND = 0.5  # the correlation from which on frames show the same scene
_LEAST = 8  # pixels


@torch.no_grad()
def registered(burst: Tensor, steps: int = 8) -> tuple[Tensor, Tensor]:
    """Shifts (N, T, 2) in pixels along H and W of the frames of (N, T, C, H, W), and their correlations (N, T).

    Frame t at p shows what the reference shows at p + shift. The shift is one for the whole frame: rotation and parallax are
    not estimated. The correlation with the reference, after registration, is at most 1; frames below `FOUND` could not be
    registered, and their shift is 0. Shifts of up to a quarter of a side are found; frames
    with a side below 8 pixels are taken as they are.
    """
    check_clip(burst, "burst")
    if min(burst.shape[-2:]) < _LEAST:
        return burst.new_zeros(*burst.shape[:2], 2), burst.new_ones(burst.shape[:2])
    with torch.autocast(burst.device.type, enabled=False):
        gray = _smoothed(burst.float().mean(2))
        window = _hann(gray)
        shift = _whole(gray, window)
        reference, frames = gray[:, :1].expand_as(gray).flatten(0, 1), gray.flatten(0, 1)
        shift, start = shift.flatten(0, 1), shift.flatten(0, 1)
        slope = torch.stack(torch.gradient(reference, dim=(-2, -1)), 1)  # of the reference: frames are moved, not it
        weighted = slope * window
        inverse = torch.linalg.pinv(torch.einsum("niyx,njyx->nij", weighted, slope).double())
        for _ in range(steps):
            error = moved(frames, -shift) - reference
            step = (inverse @ torch.einsum("niyx,nyx->ni", weighted, error)[..., None].double())[..., 0]
            shift = start + (shift + step.to(shift.dtype) - start).clamp(-4, 4)  # a flat picture must not run away
            if step.abs().max() < 1e-3:
                break
        correlation = _correlation(moved(frames, -shift), reference, window)
    found = correlation >= FOUND
    found = found.unflatten(0, burst.shape[:2]).index_fill(1, torch.zeros(1, dtype=torch.long, device=burst.device), True)
    shift = shift.unflatten(0, burst.shape[:2]) * found[..., None]
    shift[:, 0] = 0
    return shift, correlation.unflatten(0, burst.shape[:2])


def _smoothed(gray: Tensor) -> Tensor:
    """Gaussian of one pixel: aliasing and noise are strongest in the finest detail."""
    taps = torch.exp(-(torch.arange(-3.0, 4.0, device=gray.device) ** 2) / 2)
    flat = gray.flatten(0, 1)[:, None]
    for shape, dim in (((1, 1, -1, 1), -2), ((1, 1, 1, -1), -1)):
        flat = F.conv2d(pad_symmetric(flat, dim, 3, 3), (taps / taps.sum()).view(shape))
    return flat[:, 0].unflatten(0, gray.shape[:2])


def _hann(gray: Tensor) -> Tensor:
    rows, columns = (torch.hann_window(n + 2, periodic=False, device=gray.device)[1:-1] for n in gray.shape[-2:])
    return rows[:, None] * columns


def _whole(gray: Tensor, window: Tensor) -> Tensor:
    """The peak of the circular cross-correlation of the slopes, as signed shifts (N, T, 2)."""
    height, width = gray.shape[-2:]
    mean = (gray * window).sum((-2, -1), keepdim=True) / window.sum()
    spectrum = torch.fft.rfft2((gray - mean) * window)
    rows, columns = torch.fft.fftfreq(height, device=gray.device), torch.fft.rfftfreq(width, device=gray.device)
    slope = rows[:, None] ** 2 + columns**2  # of slopes: the mean and slow changes of a picture have no sharp peak
    correlation = torch.fft.irfft2(spectrum[:, :1] * spectrum.conj() * slope, s=(height, width))
    near = [(torch.fft.fftfreq(n, device=gray.device).abs() * n <= max(n // 4, 1)) for n in (height, width)]
    correlation = correlation.masked_fill(~(near[0][:, None] & near[1]), -math.inf)
    peak = correlation.flatten(-2).argmax(-1)
    found = torch.stack([peak // width, peak % width], -1)
    sizes = torch.tensor([height, width], device=gray.device)
    return torch.where(found > sizes // 2, found - sizes, found).to(gray.dtype)


def _correlation(a: Tensor, b: Tensor, window: Tensor) -> Tensor:
    a, b = (one - (one * window).sum((-2, -1), keepdim=True) / window.sum() for one in (a, b))
    product, *squares = ((x * y * window).sum((-2, -1)) for x, y in ((a, b), (a, a), (b, b)))
    return product / (squares[0] * squares[1]).sqrt().clamp_min(1e-12)
