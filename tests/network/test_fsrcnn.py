import numpy as np
import pytest
import torch
from PIL import Image


@pytest.mark.parametrize(("name", "n_weights"), [("fsrcnn", 12464), ("fsrcnn_small", 3937)])
def test_n_weights(build, name, n_weights):
    """Dong et al. 2016, tables 1 and 3, count the weights of convolutions: 12464 and 3937."""
    assert sum(p.numel() for p in build(name, 3).parameters() if p.ndim == 4) == n_weights


# Trained by yjn870; the paper has 37.00, 33.16, 30.72. The files want studio-range Y/255, as in sr.functional.color.
@pytest.mark.parametrize(("scale", "psnr"), [(2, 37.13), (3, 32.60), (4, 30.52)])
def test_weights_of_yjn870_on_set5(build, psnr_on_set5, sr_data, scale, psnr):
    network = build("fsrcnn", scale)
    weights = torch.load(sr_data / "weights" / f"fsrcnn_x{scale}.pth", map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    assert psnr_on_set5(network) == pytest.approx(psnr, abs=0.01)


@pytest.mark.parametrize(("scale", "psnr"), [(2, 37.12), (3, 33.22), (4, 30.50)])
def test_the_readme_of_yjn870_by_its_own_protocol(build, sr_data, scale, psnr):
    """LR by Pillow, Y by its 8-bit coefficients, no border cut, nothing rounded: a protocol of its own, far off at x3."""

    def luma(image):
        return (16 + np.asarray(image, np.float64) @ (64.738, 129.057, 25.064) / 256) / 255

    network = build("fsrcnn", scale)
    network.load_state_dict(torch.load(sr_data / "weights" / f"fsrcnn_x{scale}.pth", weights_only=True, map_location="cpu"))
    scores = []
    for path in (sr_data / "benchmark" / "Set5" / "HR").glob("*.png"):
        photo = Image.open(path).convert("RGB")
        width, height = (side // scale for side in photo.size)
        hr = photo.resize((width * scale, height * scale), Image.Resampling.BICUBIC)
        lr = hr.resize((width, height), Image.Resampling.BICUBIC)
        with torch.inference_mode():
            sr = network(torch.from_numpy(luma(lr)).float()[None, None]).clamp(0, 1)[0, 0].double().numpy()
        scores.append(-10 * np.log10(np.mean((luma(hr) - sr) ** 2)))
    assert np.mean(scores) == pytest.approx(psnr, abs=0.006)
