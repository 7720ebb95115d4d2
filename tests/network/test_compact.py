import pytest
import torch


@pytest.fixture(scope="module")
def weights(sr_data) -> dict[str, torch.Tensor]:
    """The release wraps them in `params` and saved them on a GPU."""
    path = sr_data / "weights" / "realesr-animevideov3.pth"
    return torch.load(path, map_location="cpu", weights_only=True)["params"]


def test_official_weights_agree_with_spandrel(build, weights, read, sr_data):
    from spandrel.architectures.Compact import Compact

    ours, theirs = build("compact", 4), Compact(upscale=4)
    ours.load_state_dict(weights)
    theirs.load_state_dict(weights)
    pixels = read(sr_data / "benchmark" / "Set5" / "LR_bicubic" / "X4" / "butterflyx4.png")
    lr = torch.from_numpy(pixels / 255).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        torch.testing.assert_close(ours(lr), theirs(lr), atol=1e-5, rtol=0)


def test_light_has_60k_parameters(build):
    assert sum(p.numel() for p in build("compact_light", 2).parameters()) == 60076


def test_zero_residual_is_nearest(build):
    network = build("compact_light", 3)
    torch.nn.init.zeros_(network.body[-1].weight)
    torch.nn.init.zeros_(network.body[-1].bias)
    lr = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(lr), build("interpolation_nearest", 3)(lr))
