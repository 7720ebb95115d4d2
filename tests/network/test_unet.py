import pytest
import torch


@pytest.mark.parametrize("n_levels", [1, 2, 4])
def test_multiple_of_is_needed_and_enough(build, n_levels):
    network = build("unet", 2, n_feats=4, n_levels=n_levels)
    n = network.multiple_of
    assert n == 2**n_levels
    with torch.inference_mode():
        assert network(torch.rand(1, 3, n, 3 * n)).shape == (1, 3, 2 * n, 6 * n)
        with pytest.raises(RuntimeError):
            network(torch.rand(1, 3, n, 3 * n + 1))


def test_zero_tail_is_bicubic(build):
    network = build("unet", 2, n_feats=4)
    torch.nn.init.zeros_(network.tail[-1].weight)
    torch.nn.init.zeros_(network.tail[-1].bias)
    lr = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(lr), build("interpolation_bicubic", 2)(lr), atol=1e-6, rtol=0)
