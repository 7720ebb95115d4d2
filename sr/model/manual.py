"""What Lightning does under automatic optimization, for several optimizers: average gradients, clip, step, count
iterations."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from sr.device.private import copy_each


def unsynchronised(trainer: Any) -> AbstractContextManager:
    """Context in which DDP does not synchronise gradients.

    In every backward pass its reducer waits for every parameter of the module, but gradients of two networks never arrive
    together. `step` averages the gradients, once per iteration, however many batches were accumulated.
    """
    return trainer.model.no_sync() if trainer.world_size > 1 else nullcontext()


def shared_casts(device: str) -> AbstractContextManager:
    """Context in which autocast caches the cast of a weight; Lightning would cast it for each use."""
    return torch.autocast(
        device, dtype=torch.get_autocast_dtype(device), enabled=torch.is_autocast_enabled(device), cache_enabled=True
    )


@contextmanager
def passing(module: nn.Module) -> Iterator[None]:
    """Context in which the module passes gradients through but receives none; frozen parameters stay frozen afterwards."""
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def step(
    trainer: Any, optimizers: Sequence[Any], clip_val: float | None, clip_algorithm: str, counts: bool = True
) -> list[Tensor | None]:
    """Step Lightning's optimizers with the accumulated gradients; `trainer.global_step` increases by one, not by their
    number, and not at all unless it `counts`: another part of the iteration follows.

    In 16-mixed all gradients are unscaled before any optimizer steps, and the scale changes once, after the last: otherwise
    the second network's gradients would be unscaled by a different scale.

    Returns:
        The norm of each optimizer's gradients before clipping; None if they overflowed in 16-mixed.
    """
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    norms = []
    for optimizer in optimizers:
        gradients = [p.grad for p in _parameters(optimizer.optimizer) if p.grad is not None]
        if trainer.world_size > 1:
            _average(gradients)
        if scaler is not None:
            scaler.unscale_(optimizer.optimizer)
        norm = torch.nn.utils.get_total_norm(gradients)
        norms.append(norm if scaler is None or norm.isfinite() else None)
        if clip_val:
            clip(optimizer.optimizer, clip_val, clip_algorithm, norm)
    counted = (
        trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    )  # once, not per optimizer (Lightning's issue 17958)
    if counts:
        counted.increment_ready()
    with trainer.profiler.profile("optimizer_step"):
        for optimizer in optimizers:
            if scaler is None:
                optimizer.optimizer.step()
            else:
                scaler.step(optimizer.optimizer)
    if scaler is not None:
        scaler.update()
    if counts:
        counted.increment_completed()
    return norms


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _average(gradients: list[Tensor]) -> None:
    """The mean over processes, in one message."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    means = flat.split([gradient.numel() for gradient in gradients])
    copy_each(gradients, [mean.view_as(gradient) for mean, gradient in zip(means, gradients, strict=True)])


def clip(optimizer: Optimizer, clip_val: float, algorithm: str | None, norm: Tensor | None = None) -> None:
    """Clip an optimizer's gradients, each by "value" or all by their "norm" (the default), as Lightning does.

    Args:
        norm: of all gradients, if already known.
    """
    parameters = _parameters(optimizer)
    if algorithm == "value":
        torch.nn.utils.clip_grad_value_(parameters, clip_val)
    elif norm is None:
        torch.nn.utils.clip_grad_norm_(parameters, clip_val)
    else:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_val, norm)
