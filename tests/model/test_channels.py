"""Structured pruning: what is removed, what is kept, and that the network's own class builds it."""

import pytest
import torch

from sr.device.count import multiply_adds
from sr.errors import InputError
from sr.model.channels import Channels, least_important, prunable, widths, without
from sr.model.narrow import narrow
from sr.network.compact import Compact
from sr.network.edsr import EDSR
from sr.network.imdn import IMDN
from sr.weights.recognise import candidates
from tests.model.test_regression import batch, regression

DROPPED = [[1, 4], [], [0]]
NETWORKS = {"compact": lambda **more: Compact(scale=2, n_feats=6, n_blocks=2, **more),
            "edsr": lambda **more: EDSR(scale=2, n_feats=6, n_blocks=3, res_scale=1.0, **more)}  # fmt: skip


@pytest.fixture(params=NETWORKS)
def built(request):
    torch.manual_seed(0)
    return NETWORKS[request.param]


def silenced(network: torch.nn.Module) -> torch.nn.Module:
    """With channels that the layers behind do not see."""
    plain = isinstance(network, Compact)
    behind = network.body[2::2] if plain else [block.body[2] for block in network.body[:3]]
    with torch.no_grad():
        for conv, channels in zip(behind, DROPPED, strict=True):
            conv.weight[:, channels] = 0
    return network.eval()


def test_channels_that_nobody_sees_can_go(built):
    network, lr = silenced(built()), torch.rand(1, 3, 9, 8)
    small = without(network, DROPPED)
    assert widths(network) == [6, 6, 6] and widths(small) == [4, 6, 5]
    torch.testing.assert_close(small(lr), network(lr), atol=1e-4, rtol=1e-5)
    again = built(widths=[4, 6, 5]).eval()  # an ordinary network: no trace of pruning
    again.load_state_dict(small.state_dict())
    torch.testing.assert_close(again(lr), small(lr), atol=1e-4, rtol=1e-5)
    assert list(again.state_dict()) == list(network.state_dict())


def test_a_file_of_a_pruned_network_is_recognised(built):
    network = built(widths=[4, 6, 5])
    (found, *_), _ = candidates(network.state_dict(), "small.pth")
    assert widths(found.build()) == [4, 6, 5]


def test_an_optimizer_and_an_average_go_on_with_what_is_kept():
    torch.manual_seed(0)
    model = regression(Compact(scale=2, n_feats=6, n_blocks=2), ema=0.5)
    optimizer = torch.optim.Adam([{"params": list(model.network.parameters()), "lr": 1e-3}])
    for _ in range(2):
        model.training_step(batch(), 0)["loss"].backward()
        optimizer.step()
        model.update_average()
    names = [name for name, _ in model.network.named_parameters()]
    before = [{key: value.clone() for key, value in state.items()} for state in optimizer.state.values()]
    kept = [[channel for channel in range(6) if channel not in dropped] for dropped in DROPPED]
    average = model.average.module.body[2].weight.clone()

    narrow(model, optimizer, DROPPED)
    rows, columns = {"0": kept[0], "2": kept[1], "4": kept[2]}, {"2": kept[0], "4": kept[1], "6": kept[2]}
    for name, weight, old in zip(names, optimizer.param_groups[0]["params"], before, strict=True):
        layer, kind = name.split(".")[1:]
        layer = str(int(layer) // 2 * 2)  # of an activation: its convolution
        state = optimizer.state[weight]
        for moment in ("exp_avg", "exp_avg_sq"):
            expected = old[moment][rows[layer]] if layer in rows else old[moment]
            expected = expected[:, columns[layer]] if expected.ndim == 4 and layer in columns else expected
            assert torch.equal(state[moment], expected), (name, kind, moment)
        assert state["step"] == 2
    assert torch.equal(model.average.module.body[2].weight, average[kept[1]][:, kept[0]])
    assert not any(weight.requires_grad for weight in model.average.parameters())
    model.training_step(batch(), 0)["loss"].backward()
    optimizer.step()
    model.update_average()
    assert widths(model.evaluated) == widths(model.network) == [4, 6, 5]


def test_taylor_is_the_change_of_the_loss_to_first_order():
    torch.manual_seed(0)
    network = Compact(scale=2, n_feats=6, n_blocks=2)
    network(batch()["lr"]).square().mean().backward()
    (first, *_) = Channels(network).scores("taylor")
    out, behind = network.body[0].weight, network.body[2].weight
    own = (out * out.grad).sum((1, 2, 3)).abs()
    seen = (behind * behind.grad).sum((0, 2, 3)).abs()
    torch.testing.assert_close(first, ((own + seen) / 2).detach())


@pytest.mark.parametrize("multiple", [1, 3])
def test_as_few_channels_as_possible_go(multiple):
    network = NETWORKS["compact"]()
    generator = torch.Generator().manual_seed(0)
    scores = [torch.rand(width, generator=generator) for width in widths(network)]
    limit = 0.6 * multiply_adds(network)
    small = without(network, least_important(network, scores, limit, multiple))
    assert 0.4 * limit < multiply_adds(small) <= limit
    assert all(width % multiple == 0 for width in widths(small))
    kept = least_important(network, scores, limit)
    worst = min(float(one[c]) for one, gone in zip(scores, kept, strict=True) for c in range(6) if c not in gone)
    assert all(float(one[c]) <= worst for one, gone in zip(scores, kept, strict=True) for c in gone)


def test_what_cannot_be_pruned_is_one_line():
    with pytest.raises(InputError, match="IMDN cannot be pruned: pass network=compact"):
        prunable(IMDN(scale=2, n_feats=8, n_blocks=1))
    network = NETWORKS["compact"]()
    with pytest.raises(InputError, match=r"callback.slim.macs: Compact needs at least 0\.\d\d of its multiply-adds"):
        least_important(network, [torch.rand(6)] * 3, 1.0)
    with pytest.raises(InputError, match=r"network.widths=\[4, 5\]: pass 3 whole numbers from 1 up"):
        NETWORKS["compact"](widths=[4, 5])
