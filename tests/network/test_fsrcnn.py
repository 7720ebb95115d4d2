import pytest
import torch


@pytest.mark.parametrize(("name", "n_weights"), [("fsrcnn", 12464), ("fsrcnn_small", 3937)])
def test_n_weights(build, name, n_weights):
    """Dong et al. 2016, tables 1 and 3, count the weights of convolutions: 12464 and 3937."""
    assert sum(p.numel() for p in build(name, 3).parameters() if p.ndim == 4) == n_weights


# Trained by yjn870, whose README gives 37.12 and 30.50 at x2 and x4 (and 33.22 at x3, which its x3 file does not reach
# on MATLAB's LR images); the paper has 37.00, 33.16, 30.72. The files want studio-range Y/255, as in sr.color.
@pytest.mark.parametrize(("scale", "psnr"), [(2, 37.13), (3, 32.60), (4, 30.52)])
def test_weights_of_yjn870_on_set5(build, psnr_on_set5, sr_data, scale, psnr):
    network = build("fsrcnn", scale)
    weights = torch.load(sr_data / "weights" / f"fsrcnn_x{scale}.pth", map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    assert psnr_on_set5(network) == pytest.approx(psnr, abs=0.01)
