"""Parameter groups."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from sr.model.optimizer import follow_config, on_device, options, parameter_groups
from tests.trainer import trainer


def network() -> nn.Module:
    return nn.Sequential(*(nn.Linear(2, 2) for _ in range(3)))


def test_factors_apply_by_the_prefix_of_the_name():
    net = network()
    groups = parameter_groups(net, 1e-2, {"2": 0.1, "0.bias": 0.0})
    by_lr = {group["lr"]: {id(parameter) for parameter in group["params"]} for group in groups}
    assert by_lr == {
        1e-2: {id(net[0].weight), id(net[1].weight), id(net[1].bias)},
        1e-3: {id(net[2].weight), id(net[2].bias)},
        0.0: {id(net[0].bias)},
    }


def test_frozen_parameters_are_in_no_group():
    net = network().requires_grad_(False)
    assert parameter_groups(net, 1e-2, {}) == []
    net[1].weight.requires_grad_(True)
    (group,) = parameter_groups(net, 1e-2, {})
    assert [id(parameter) for parameter in group["params"]] == [id(net[1].weight)]


def test_a_prefix_that_no_parameter_has_warns():
    with pytest.warns(UserWarning, match="conv9"):
        parameter_groups(network(), 1e-2, {"conv9": 0.1})


def test_options_of_the_config_win_over_the_restored_ones():
    old = torch.optim.AdamW(network().parameters(), lr=1e-3, weight_decay=0.5, betas=(0.8, 0.9))
    new = torch.optim.AdamW(network().parameters(), lr=2e-3, weight_decay=0.1, betas=(0.9, 0.99))
    wanted = options(new)
    new.load_state_dict(old.state_dict())
    assert new.param_groups[0]["weight_decay"] == 0.5
    follow_config(new, wanted)
    assert (new.param_groups[0]["weight_decay"], new.param_groups[0]["betas"]) == (0.1, (0.9, 0.99))
    assert new.param_groups[0]["lr"] == 1e-3  # that is the schedule's business


@pytest.mark.parametrize("automatic", [False, True])
@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_fused_steps_are_the_plain_ones_in_any_layout(make, automatic):
    """torch's fused kernel on CPUs mixes up weights whose gradient lies in memory in another order. Under automatic
    optimization the step computes the gradients, as Lightning calls it."""
    torch.manual_seed(0)
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    plain = copy.deepcopy(net)
    module = trainer()[0].lightning_module
    fused, other = on_device(partial(make, lr=1e-2), net.parameters(), module), make(plain.parameters(), lr=1e-2)
    assert fused.param_groups[0]["fused"]

    def backward() -> None:
        for p, q in zip(net.parameters(), plain.parameters(), strict=True):
            p.grad, q.grad = (gradient := torch.randn(p.shape)), gradient.clone()

    for _ in range(3):
        if automatic:
            fused.step(closure=backward)
        else:
            backward()
            fused.step()
        other.step()
        assert all(torch.allclose(p, q, atol=1e-7) for p, q in zip(net.parameters(), plain.parameters(), strict=True))
        contiguous = fused.state_dict()
        for state in contiguous["state"].values():
            state.update({name: value.contiguous() for name, value in state.items() if torch.is_tensor(value)})
        fused.load_state_dict(contiguous)


@pytest.mark.parametrize("kernel", ["foreach", "fused", "differentiable"])
def test_a_kernel_that_the_config_names_is_taken(kernel):
    module = trainer()[0].lightning_module
    optimizer = on_device(partial(torch.optim.Adam, lr=1e-2, **{kernel: True}), nn.Conv2d(3, 4, 3).parameters(), module)
    assert {name for name in ("foreach", "fused", "differentiable") if optimizer.defaults[name]} == {kernel}


def test_counters_of_steps_are_where_the_kernel_reads_them():
    """torch loads those of a run without one kernel for all parameters onto the host, where one on the device cannot."""
    module, layer = trainer()[0].lightning_module, nn.Linear(2, 2)
    before = torch.optim.Adam(layer.parameters(), lr=1e-2)
    layer(torch.ones(1, 2)).sum().backward()
    before.step()
    there = nn.Linear(2, 2, device="meta")
    options = {"capturable": True, "foreach": True}
    after = on_device(partial(torch.optim.Adam, lr=1e-2, **options), there.parameters(), module)
    after.load_state_dict(before.state_dict())
    assert [state["step"].device.type for state in after.state.values()] == ["meta", "meta"]
    assert [state["step"].item() for state in before.state.values()] == [1, 1]
