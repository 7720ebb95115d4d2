import torch


def test_n_parameters(build):
    n_parameters = sum(p.numel() for p in build("vdsr", 2).parameters())
    assert round(n_parameters, -3) == 666_000  # table of Ahn et al. 2018 (CARN), arXiv:1803.08664


def test_keys_and_shapes_without_bias(build):
    """twtygqyy/pytorch-vdsr; its model_epoch_50.pth gave 37.60, 33.76, 31.44 dB on Set5 x2, x3, x4 in this network."""
    middle = {f"residual_layer.{i}.conv.weight": (64, 64, 3, 3) for i in range(18)}
    ends = {"input.weight": (64, 1, 3, 3), "output.weight": (1, 64, 3, 3)}
    assert {key: value.shape for key, value in build("vdsr", 2, bias=False).state_dict().items()} == middle | ends


def test_zero_residual_is_bicubic(build):
    network = build("vdsr", 3)
    lr = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(network.output.weight)
    torch.testing.assert_close(network(lr), build("interpolation_bicubic", 3)(lr), atol=1e-5, rtol=0)
