"""What Lightning does under automatic optimization, for several optimizers: average, clip, step, count one iteration."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer


def unsynchronised(trainer: Any) -> AbstractContextManager:
    """In here DDP leaves gradients alone.

    Its reducer waits in every backward pass for every parameter of the module, and those of two networks never come
    together; `step` averages what has come, once an iteration however many batches were accumulated.
    """
    return trainer.model.no_sync() if trainer.world_size > 1 else nullcontext()


def shared_casts(device: str) -> AbstractContextManager:
    """In here autocast, as it is, casts a weight once for all its uses; Lightning has it cast for each of them."""
    return torch.autocast(
        device, dtype=torch.get_autocast_dtype(device), enabled=torch.is_autocast_enabled(device), cache_enabled=True
    )


@contextmanager
def passing(module: nn.Module) -> Iterator[None]:
    """In here the module passes gradients on and gets none; what was frozen before stays so afterwards."""
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def step(trainer: Any, optimizers: Sequence[Any], clip_val: float | None, clip_algorithm: str) -> list[Tensor | None]:
    """Step Lightning's optimizers with the accumulated gradients; `trainer.global_step` rises by one, not by their number.

    In 16-mixed all gradients are unscaled before any optimizer steps, and the scale changes once, after the last: the
    other order would unscale the second network's gradients by a scale that they were not made with.

    Returns:
        The norm of each optimizer's gradients before they are clipped; None where they overflowed in 16-mixed.
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
    )  # once, not for each (Lightning's issue 17958)
    counted.increment_ready()
    with trainer.profiler.profile("optimizer_step"):
        for optimizer in optimizers:
            if scaler is None:
                optimizer.optimizer.step()
            else:
                scaler.step(optimizer.optimizer)
    if scaler is not None:
        scaler.update()
    counted.increment_completed()
    return norms


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _average(gradients: list[Tensor]) -> None:
    """The mean over processes, in one message."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def clip(optimizer: Optimizer, clip_val: float, algorithm: str | None, norm: Tensor | None = None) -> None:
    """Clip the gradients that an optimizer steps on, each by "value" or all by their "norm" (the default), as Lightning does.

    Args:
        norm: of all gradients, where it is known already.
    """
    parameters = _parameters(optimizer)
    if algorithm == "value":
        torch.nn.utils.clip_grad_value_(parameters, clip_val)
    elif norm is None:
        torch.nn.utils.clip_grad_norm_(parameters, clip_val)
    else:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_val, norm)
