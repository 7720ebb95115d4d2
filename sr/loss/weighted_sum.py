"""The weighted sum of named losses."""

from collections.abc import Mapping

from torch import Tensor, nn

from sr.errors import InputError


class WeightedSum(nn.Module):
    """Several losses combined.

    Args:
        losses: name -> loss; InputError if empty. A plain nn.Module without a numeric `weight` has weight 1.
    """

    def __init__(self, losses: Mapping[str, nn.Module]) -> None:
        super().__init__()
        if not losses:
            raise InputError("no loss: pass loss=[l1] or another choice of the config group loss")
        self.losses = nn.ModuleDict(losses)
        weights = {name: getattr(loss, "weight", None) for name, loss in losses.items()}  # torch's losses have tensors there
        self.weights = {name: weight if isinstance(weight, int | float) else 1.0 for name, weight in weights.items()}

    @property
    def uses_average(self) -> bool:
        """Whether one of them also uses the averaged network's image (LDL)."""
        return any(map(_uses_average, self.losses.values()))

    @property
    def of(self) -> set[str]:
        """Further outputs of the network that losses compare with HR (`of`), such as `cleaned`."""
        return {loss.of for loss in self.losses.values() if getattr(loss, "of", None)}

    def forward(
        self, sr: Tensor, hr: Tensor, average: Tensor | None = None, made: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(N, C, H, W) twice -> the weighted sum, and each loss by name before weighting (detached).

        `made` are the further outputs of the network that losses are `of`.
        """
        values = {}
        for name, loss in self.losses.items():
            compared = made[loss.of] if getattr(loss, "of", None) else sr
            more = (average,) if _uses_average(loss) and average is not None else ()
            values[name] = loss(compared, hr, *more)
        total = sum(self.weights[name] * value for name, value in values.items())
        return total, {name: value.detach() for name, value in values.items()}


def _uses_average(loss: nn.Module) -> bool:
    return bool(getattr(loss, "uses_average", False))
