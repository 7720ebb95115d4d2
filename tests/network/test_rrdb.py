import pytest
import torch


@pytest.mark.parametrize(("scale", "multiple"), [(1, 4), (2, 2), (4, 1)])
def test_equals_spandrel_with_the_same_weights(build, scale, multiple):
    """spandrel's own implementation, which finds everything from the keys."""
    from spandrel.architectures.ESRGAN import ESRGANArch

    network = build("rrdb", scale, n_blocks=2)
    theirs = ESRGANArch().load(network.state_dict())
    assert theirs.scale == network.scale == scale and network.multiple_of == multiple
    lr = torch.rand(1, 3, 12, 20, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(network(lr), theirs.model.eval()(lr), atol=1e-5, rtol=1e-5)


@pytest.mark.medium
def test_size_and_keys_of_the_release(build):
    network = build("rrdb", 4)
    assert sum(p.numel() for p in network.parameters()) == 16_697_987  # RRDBNet of BasicSR's log
    ends = ("conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")
    layers = [*ends, *(f"body.{n}.rdb{i}.conv{j}" for n in range(23) for i in (1, 2, 3) for j in range(1, 6))]
    assert sorted(network.state_dict()) == sorted(f"{name}.{part}" for name in layers for part in ("weight", "bias"))


@pytest.mark.parametrize("block", ["rrdb", "residual"])
@pytest.mark.parametrize("attention", ["none", "channel", "spatial", "self"])
def test_ablations_train_all_their_parameters(build, block, attention):
    network = build("rrdb_light", 2, block=block, attention=attention, batch_norm=True).train()
    lr = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    network(lr).square().mean().backward()
    dead = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not dead and network(lr).shape == (2, 3, 16, 24)
    kinds = {type(module).__name__ for module in network.modules()}
    names = {"channel": "ChannelAttention", "spatial": "SpatialAttention", "self": "SelfAttention"}
    assert kinds & set(names.values()) == ({names[attention]} if attention in names else set())
    assert "BatchNorm2d" in kinds and ("DenseBlock" in kinds) == (block == "rrdb")


def test_residual_scale_0_leaves_the_skip_alone(build):
    """All blocks then pass their input on, whatever their weights."""
    ours, other = build("rrdb_light", 4, residual_scale=0.0), build("rrdb_light", 4, residual_scale=0.0)
    for p in other.body.parameters():
        p.data += 1
    lr = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(ours(lr), other(lr))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attention": "lots"}, "network.attention=lots: choose one of none, channel"),
        ({"block": "dense"}, "network.block=dense"),
    ],
)
def test_unknown_parts_name_the_choices(build, options, says):
    with pytest.raises(Exception, match=says):
        build("rrdb_light", 4, **options)


@pytest.mark.parametrize("scale", [3, 8])
def test_other_scales_are_an_error(build, scale):
    with pytest.raises(Exception, match=f"scale {scale} is not supported; choose one of 1, 2, 4"):
        build("rrdb", scale)
