"""ZSSR: pairs, sons and back-projection as the authors', fits that beat bicubic, and bits that survive an interruption."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.io import savemat
from skimage import data

from sr.errors import InputError, MissingError
from sr.functional.given_kernel import aligned, downscaled, read_kernel
from sr.functional.resize import imresize
from sr.infer.upscaler import Upscaler, upscale
from sr.model.enlarge import Enlarger
from sr.network import zssr
from sr.network.zssr import ZSSR
from sr.network.zssr_cnn import ZSSRCNN
from sr.network.zssr_task import Task

SMALL = {"n_feats": 16, "n_layers": 4}


@pytest.fixture(scope="module")
def photo():
    """(1, 3, 48, 60) of a photo: wider than high."""
    return torch.from_numpy(data.chelsea()[60:108, 100:160].astype(np.float64) / 255).permute(2, 0, 1)[None].float()


def kernel():
    """7x7, lopsided."""
    y, x = np.mgrid[-3:4, -3:4]
    made = np.exp(-((x + 0.5 * y) ** 2) / 3 - (y - 0.3) ** 2 / 2)
    made[0] *= 1.3
    return made / made.sum()


def numbers(image):
    """Mean, deviation, and pixels (channel, row, column) = (0, 0, 0), (1, 5, 7), (2, -1, -1), (0, -1, 3)."""
    a = image[0].double()
    return [a.mean(), a.std(correction=0), a[0, 0, 0], a[1, 5, 7], a[2, -1, -1], a[0, -1, 3]]


# Printed by the authors' imresize.py (assafshocher/ZSSR) for this photo in float64.
THEIRS = {
    2: (0.438396423, 0.170495403, 0.542657471, 0.419640276, 0.360680554, 0.611957864),
    3: (0.438396423, 0.168253225, 0.574353503, 0.47741467, 0.338256065, 0.659593976),
    ("kernel", 2): (0.438388034, 0.166113329, 0.555973125, 0.431303867, 0.343725335, 0.616673441),
    ("kernel", 3): (0.438418042, 0.165981561, 0.570005885, 0.483109909, 0.329261908, 0.657994001),
    "back-projected": (0.438396543, 0.171603683, 0.509682836, 0.434128713, 0.375555429, 0.510122488),
}


@pytest.mark.parametrize("scale", [2, 3])
def test_sons_are_the_authors(photo, scale):
    assert numbers(imresize(photo, 1 / scale)) == pytest.approx(THEIRS[scale], abs=1e-6)
    made = downscaled(photo, aligned(kernel(), scale), scale)
    assert numbers(made) == pytest.approx(THEIRS["kernel", scale], abs=1e-6)


def test_back_projection_is_the_authors(photo):
    son = imresize(photo, 1 / 2)
    made = Task(photo, back_projection=3)._back_projected(imresize(son, 2).clamp(0, 1), son)
    assert numbers(made) == pytest.approx(THEIRS["back-projected"], abs=1e-6)


def test_pairs_are_a_pure_function_of_seed_image_and_index(photo):
    task, again = Task(photo, seed=1), Task(photo.clone(), seed=1)
    pairs = [task.pair(index) for index in range(24)]
    for index in (17, 3, 23):
        assert all(map(torch.equal, again.pair(index), pairs[index]))
    others = Task(photo, seed=2), Task(photo * 0.999, seed=1)
    assert not any(torch.equal(other.pair(3)[1], pairs[3][1]) for other in others)
    for son, father in pairs:
        assert torch.equal(son, imresize(father, 1 / 2).clamp(0, 1))
    sizes = [tuple(father.shape[-2:]) for _, father in pairs]
    assert {size for size in sizes if size[0] * size[1] == photo[0, 0].numel()} == {(48, 60), (60, 48)}
    assert all(16 <= side <= 60 and side % 2 == 0 for size in sizes for side in size) and len(set(sizes)) > 8


def test_a_father_is_the_image_shrunk_turned_and_sheared(photo):
    """Without turn and shear it is the middle of the image, zoomed by OpenCV's cubic: torch's bicubic without antialiasing."""
    task = Task(photo)
    made = task._warped(photo, (0.5, 0.5), (0.5, 0.5), 0.0, (0.0, 0.0), False)
    wanted = F.interpolate(photo, scale_factor=0.5, mode="bicubic").clamp(0, 1)
    assert made.shape == wanted.shape and torch.allclose(made[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2], atol=1e-5)
    turned = task._warped(photo[..., :48], (1.0, 1.0), (0.5, 0.5), np.pi / 2, (0.0, 0.0), True)
    assert torch.allclose(turned, torch.rot90(photo[..., :48].flip(-1), 1, (-2, -1)), atol=1e-4)


def test_noise_is_on_sons_alone(photo):
    (son, father), (plain, same) = Task(photo, noise=0.02).pair(5), Task(photo).pair(5)
    assert torch.equal(father, same) and 0.015 < float((son - plain).std()) < 0.025


@pytest.mark.parametrize(
    "scale, options",
    [
        pytest.param(2, {}, marks=pytest.mark.medium),
        pytest.param(3, {}, marks=pytest.mark.slow),
        pytest.param(2, {"gradual": True}, marks=pytest.mark.slow),
    ],
)
def test_a_fit_beats_bicubic(photo, scale, options):
    """On a real photo of odd sides, without back-projection, which alone beats it."""
    hr = torch.from_numpy(data.chelsea()[40:136, 100:218]).permute(2, 0, 1)[None] / 255
    hr = hr[..., : 96 // scale * scale, : 118 // scale * scale]
    lr = imresize(hr, 1 / scale, rounding=True)
    network = ZSSR(scale=scale, **SMALL, back_projection=0, max_steps=150 // (3 if options else 1), **options)
    error = F.mse_loss(upscale(network, lr), hr)
    assert 10 * torch.log10(F.mse_loss(imresize(lr, scale), hr) / error) > 0.15


def test_an_interrupted_fit_goes_on_with_the_same_bits(photo, tmp_path, monkeypatch):
    options = {**SMALL, "max_steps": 12, "back_projection": 1}
    whole = ZSSR(**options)(photo)
    network, pair = ZSSR(**options, folder=str(tmp_path)), Task.pair
    monkeypatch.setattr(zssr, "_SAVE_EVERY", 5)
    with monkeypatch.context() as patch:
        patch.setattr(
            Task, "pair", lambda task, index: pair(task, index) if index < 8 else (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            network(photo)
    assert len(list(tmp_path.glob("fitted/*.part"))) == 1
    assert torch.equal(network(photo), whole) and not list(tmp_path.glob("fitted/*.part"))
    monkeypatch.setattr(ZSSRCNN, "forward", None)  # from the file: nothing is computed again
    assert torch.equal(network(photo), whole)


def test_each_image_of_a_batch_is_fitted_alone_in_any_mode(photo):
    network = ZSSR(**SMALL, max_steps=3, back_projection=0)
    with torch.inference_mode():
        both = network(torch.cat([photo, photo.flip(-1)]))
    assert both.shape == (2, 3, 96, 120) and torch.equal(both[:1], network(photo))
    gray = ZSSR(**SMALL, max_steps=3, channels=1)(photo[:, :1])
    assert gray.shape == (1, 1, 96, 120)


def test_large_images_in_bands_are_whole_images(photo, monkeypatch):
    network = ZSSRCNN(n_feats=8)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network(photo)
        monkeypatch.setattr("sr.network.zssr_cnn._BAND", 3000)
        assert torch.allclose(network(photo), whole, atol=1e-4) and (whole - imresize(photo, 2)).abs().max() > 0.01


@pytest.mark.parametrize(
    "made, message",
    [
        (np.full((4, 5), 0.05), "is 4x5: its sides must be odd"),
        (np.full((3, 3), np.nan), "has NaN or infinite values"),
        (np.full((3, 3), 0.2), "sums to 1.8, not to 1: divide it by its sum"),
        (np.ones(3) / 3, "is no 2-D array of numbers"),
    ],
)
def test_kernels_that_are_refused(tmp_path, made, message):
    np.save(tmp_path / "k.npy", made)
    with pytest.raises(InputError, match=message):
        ZSSR(kernel=str(tmp_path / "k.npy"))


def test_kernel_files(tmp_path):
    with pytest.raises(MissingError, match="no such file"):
        read_kernel(tmp_path / "k.npy")
    np.save(tmp_path / "k.npy", kernel())
    savemat(tmp_path / "k.mat", {"Kernel": kernel()})
    assert np.allclose(read_kernel(tmp_path / "k.mat"), kernel()) and np.allclose(read_kernel(tmp_path / "k.npy"), kernel())
    savemat(tmp_path / "two.mat", {"a": kernel(), "b": kernel()})
    with pytest.raises(InputError, match=r"two.mat has several arrays \(a, b\): name the kernel Kernel"):
        read_kernel(tmp_path / "two.mat")
    (tmp_path / "k.mat").write_bytes(b"none")
    with pytest.raises(InputError, match="cannot be read"):
        read_kernel(tmp_path / "k.mat")
    with pytest.raises(InputError, match="is for one scale"):
        ZSSR(kernel=str(tmp_path / "k.npy"), gradual=True)


def test_refusals(photo):
    with pytest.raises(InputError, match="an image of 60x48 pixels is too small for ZSSR x8: it needs at least 64x64"):
        ZSSR(scale=8)(photo)
    with pytest.raises(InputError, match="eye: 60x48 pixels are too few for ZSSR x8: it needs 64x64"):
        Enlarger()(ZSSR(scale=8), photo, "eye")
    with pytest.raises(InputError, match="ensemble=true: ZSSR trains on each image"):
        Upscaler(ZSSR(), ensemble=True)
    with pytest.raises(InputError, match="enlarges by a whole number from 2 up"):
        ZSSR(scale=1)
    with pytest.raises(InputError, match="noise and back_projection must be at least 0"):
        ZSSR(noise=float("nan"))
