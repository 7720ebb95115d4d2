"""Parameter groups, and optimizer options that follow the config on resume."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sr.errors import InputError, options_of
from sr.say import warn

_KERNELS = {"fused", "foreach", "differentiable"}  # torch accepts one of them
_OWN = ("params", "lr", "initial_lr")  # lr belongs to the schedule, which follows the config itself


def parameter_groups(network: nn.Module, lr: float, factors: Mapping[str, float]) -> list[dict[str, Any]]:
    """Trainable parameters; those whose names start with a prefix in `factors` get that factor of the learning rate.

    A prefix without parameters is a warning, not an error: it comes from the recipe, and network=... may have changed the
    network.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    unused = set(factors)
    for name, parameter in network.named_parameters():
        prefix = next((prefix for prefix in factors if name.startswith(prefix)), None)
        unused.discard(prefix)
        if parameter.requires_grad:
            groups.setdefault(1.0 if prefix is None else factors[prefix], []).append(parameter)
    if unused:
        names = ", ".join(sorted(unused))
        warn(f"model.lr_factors names {names}, but no parameter of the network has this prefix: ignored")
    return [{"params": parameters, "lr": lr * factor} for factor, parameters in groups.items()]


def fuses(make: Callable[..., Optimizer], device: str, precision: str) -> bool:
    """Whether an optimizer on this device type has one kernel for all its parameters.

    The config's options for kernels (`fused`, `foreach`, `differentiable`) take precedence. Not in 16-mixed: a fused kernel
    takes scaled gradients, which cannot be clipped, and whose norm cannot be logged.
    """
    if not _KERNELS.isdisjoint(make.keywords):
        return bool(make.keywords.get("fused"))
    return precision != "16-mixed" and device in ("cpu", "cuda") and "fused" in inspect.signature(make.func).parameters


def on_device(make: Callable[..., Optimizer], parameters: Any, module: Any) -> Optimizer:
    """The optimizer of a LightningModule's parameters, with one kernel for all of them if available (see `fuses`).

    Raises:
        InputError: options that the optimizer does not have; a fused one in 16-mixed.
    """
    precision = str(module.trainer.precision)
    fused = fuses(make, module.device.type, precision)
    if fused and precision == "16-mixed":
        raise InputError(
            "optimizer.fused=true cannot be combined with trainer.precision=16-mixed: remove it, or choose bf16-mixed"
        )
    with options_of("optimizer", make.func):
        optimizer = make(parameters, **({"fused": True} if fused else {}))
    if fused:  # torch's fused kernels on CPUs assume that gradients and state have the memory layout of their parameters
        optimizer.register_step_pre_hook(_matching_gradients)
    optimizer.register_load_state_dict_post_hook(_match_state)
    return optimizer


def _matching_gradients(optimizer: Optimizer, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Before a step: gradients get the memory layout of their parameters.

    Under automatic optimization the step itself computes them, by the closure that it is given; those before are of the step
    before. The closure then gives them their layout.
    """
    closure = named.get("closure") or next(iter(arguments[1:]), None)
    if closure is None:
        return _match_gradient_layout(optimizer)

    def then() -> Any:
        loss = closure()
        _match_gradient_layout(optimizer)
        return loss

    return arguments[:1], {**named, "closure": then}


def _match_gradient_layout(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None and p.grad.stride() != p.stride():
                p.grad = torch.empty_like(p).copy_(p.grad)


def _match_state(optimizer: Optimizer) -> None:
    """State from a checkpoint gets the memory layout of its parameters, and the counters of steps their place.

    torch puts the counters where the saved run had them: with a kernel for all parameters on the device, otherwise on the
    host. A fused kernel cannot read them there, and another one would synchronise the device for each.
    """
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state.get(p, {})
            state |= {k: torch.empty_like(p).copy_(v) for k, v in state.items() if getattr(v, "shape", None) == p.shape}
            if "fused" in optimizer.defaults and isinstance(state.get("step"), torch.Tensor):
                there = optimizer.defaults["fused"] or optimizer.defaults.get("capturable")
                state["step"] = state["step"].to(p.device if there else "cpu")


def options(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The config's options of each parameter group: betas, weight decay and so on."""
    return [{key: value for key, value in group.items() if key not in _OWN} for group in optimizer.param_groups]


def follow_config(optimizer: Optimizer, wanted: list[dict[str, Any]]) -> None:
    """Set the config's options again after a restore, which loaded the saved run's."""
    for group, new in zip(optimizer.param_groups, wanted, strict=True):
        group.update(new)
