import pytest
import torch


def test_keys_and_shapes(build):
    """Lornatang/SRGAN-PyTorch at x4: 1.5M parameters."""
    norm = {"weight": (64,), "bias": (64,), "running_mean": (64,), "running_var": (64,), "num_batches_tracked": ()}
    expected = {
        "conv1.0.weight": (64, 3, 9, 9),
        "conv1.0.bias": (64,),
        "conv1.1.weight": (1,),
        "conv2.0.weight": (64, 64, 3, 3),
        **{f"conv2.1.{key}": shape for key, shape in norm.items()},
        "conv3.weight": (3, 64, 9, 9),
        "conv3.bias": (3,),
    }
    for i in range(16):
        expected |= {f"trunk.{i}.rcb.{j}.weight": (64, 64, 3, 3) for j in (0, 3)}
        expected |= {f"trunk.{i}.rcb.{j}.{key}": shape for j in (1, 4) for key, shape in norm.items()}
        expected[f"trunk.{i}.rcb.2.weight"] = (1,)
    for i in range(2):
        expected[f"upsampling.{i}.upsample_block.0.weight"] = (256, 64, 3, 3)
        expected[f"upsampling.{i}.upsample_block.0.bias"] = (256,)
        expected[f"upsampling.{i}.upsample_block.2.weight"] = (1,)
    network = build("srresnet", 4)
    assert {key: value.shape for key, value in network.state_dict().items()} == expected
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(1.5e6, rel=0.04)


@pytest.mark.parametrize("name", ["srresnet", "resize_conv", "unet"])
def test_dropout_acts_in_training_only(build, name):
    network = build(name, 2, dropout=0.5)
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(lr), build(name, 2, dropout=0.0)(lr))
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout2d):
                module.train()  # alone: batch norm in training would change the result too
        assert not torch.equal(network(lr), network(lr))
