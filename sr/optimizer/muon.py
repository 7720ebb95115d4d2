"""Muon: momentum whose matrices are made orthogonal before they are applied.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", kellerjordan.github.io/posts/muon. The size of
an update is that of Liu et al. 2025, arXiv:2502.16982, section 2.2, so that learning rates of Adam fit.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adam import adam

from sr.errors import InputError

_QUINTIC = (3.4445, -4.7750, 2.0315)  # the steepest at zero: section "Newton-Schulz" of the post


class Muon(Optimizer):
    """Weights of two and more dimensions learn by Muon, all others (biases, PReLU, norms) by Adam, at the same learning rate.

    A convolution's weights are a matrix of output channels by all the rest. torch's own Muon refuses them.

    Args:
        lr: learning rate of both; that of Adam fits.
        momentum: decay of the average gradient, applied as Nesterov's.
        ns_steps: Newton-Schulz iterations; three are enough for SR networks, five are usual.
        rms: root mean square of an update at lr=1; 0.2 is Adam's usual one.
        betas, eps: Adam's, for the others.
        weight_decay: decoupled, as in AdamW.

    Raises:
        InputError: a value out of its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.9,
        ns_steps: int = 5,
        rms: float = 0.2,
        betas: Sequence[float] = (0.9, 0.99),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if len(betas) != 2:
            raise InputError(f"optimizer.betas={list(betas)}: pass two numbers, such as [0.9,0.99]")
        for name, value in (("momentum", momentum), *(("betas", beta) for beta in betas)):
            if not 0 <= value < 1:
                raise InputError(f"optimizer.{name}: {value} must be at least 0 and below 1")
        if ns_steps < 1:
            raise InputError(f"optimizer.ns_steps={ns_steps} must be at least 1")
        for name, value in (("lr", lr), ("rms", rms), ("eps", eps), ("weight_decay", weight_decay)):
            if not 0 <= value < math.inf or (name == "rms" and not value):
                raise InputError(f"optimizer.{name}={value} must be {'above' if name == 'rms' else 'at least'} 0 and finite")
        own = {"momentum": momentum, "ns_steps": ns_steps, "rms": rms}
        super().__init__(params, {"lr": lr, **own, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            learning = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"]:
                for p in learning:
                    p.mul_(1 - group["lr"] * group["weight_decay"])
            alike: dict[tuple[int, ...], list[Tensor]] = {}  # weights of one shape are made orthogonal together
            for p in learning:
                if p.ndim > 1:
                    alike.setdefault(tuple(p.shape), []).append(p)
            for weights in alike.values():
                self._orthogonal(weights, group)
            self._adam([p for p in learning if p.ndim < 2], group)
        return loss

    def _orthogonal(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        updates = []
        for p in weights:
            state = self.state[p]
            if not state:
                state["average"] = torch.zeros_like(p)
            state["average"].lerp_(p.grad, 1 - group["momentum"])
            updates.append(p.grad.lerp(state["average"], group["momentum"]).flatten(1))
        matrices = orthogonal(torch.stack(updates), group["ns_steps"])
        size = group["rms"] * max(matrices.shape[-2:]) ** 0.5
        for p, update in zip(weights, matrices, strict=True):
            p.add_(update.view(p.shape), alpha=-group["lr"] * size)

    def _adam(self, others: list[Tensor], group: dict[str, Any]) -> None:
        if not others:
            return
        for p in others:
            if not self.state[p]:
                zeros = {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                self.state[p].update(step=torch.tensor(0.0), **zeros)  # on the host, where reading it waits for nothing
        states = [self.state[p] for p in others]
        adam(
            others,
            [p.grad for p in others],
            *([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")),
            [],
            [state["step"] for state in states],
            foreach=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )


def orthogonal(matrices: Tensor, steps: int) -> Tensor:
    """(N, A, B) -> (N, A, B): the singular values of each become about 1 (0.7 to 1.2), their vectors stay.

    Newton-Schulz iterations, in bfloat16 on a GPU, as the authors compute them. Zeros stay zeros.
    """
    a, b, c = _QUINTIC
    x = matrices if matrices.device.type == "cpu" else matrices.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    if wide := x.shape[-2] > x.shape[-1]:
        x = x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if wide else x).to(matrices.dtype)
