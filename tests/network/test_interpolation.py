import numpy as np
import pytest
import torch
from PIL import Image

from sr.network.interpolation import Interpolation

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


# Published: 33.67, 30.40, 28.43, from a result rounded to uint8 after each pass; in float it gains 0.005 dB.
@pytest.mark.parametrize(("scale", "published"), [(2, 33.67), (3, 30.40), (4, 28.43)])
def test_bicubic_psnr_on_set5(psnr_on_set5, scale, published):
    assert psnr_on_set5(Interpolation(scale=scale, kernel="bicubic")) == pytest.approx(published, abs=0.01)


def test_better_kernels_give_better_images(psnr_on_set5):
    kernels = ("nearest", "bilinear", "bicubic", "lanczos")
    scores = [psnr_on_set5(Interpolation(scale=2, kernel=kernel)) for kernel in kernels]
    assert scores == sorted(scores) and scores[0] < scores[1] < scores[2] < scores[3]


@pytest.mark.parametrize(("kernel", "pillow"), PILLOW.items())
def test_agrees_with_pillow(kernel, pillow):
    plane = torch.rand(17, 23, generator=torch.Generator().manual_seed(0))
    ours = Interpolation(scale=3, kernel=kernel)(plane[None, None])[0, 0]
    theirs = torch.from_numpy(np.array(Image.fromarray(plane.numpy()).resize((69, 51), pillow)))
    # Pillow renormalises the kernel at borders, where MATLAB repeats the image.
    torch.testing.assert_close(ours[9:-9, 9:-9], theirs[9:-9, 9:-9], atol=1e-5, rtol=0)


def test_unknown_kernel():
    with pytest.raises(ValueError, match="^unknown kernel 'cubic'; choose one of nearest, bilinear, bicubic, lanczos$"):
        Interpolation(kernel="cubic")
