"""The weighted sum of named losses."""

from collections.abc import Mapping

from torch import Tensor, nn

from sr.errors import InputError


class WeightedSum(nn.Module):
    """Several losses as one.

    Args:
        losses: name -> loss with a `weight`; ValueError if there are none.
    """

    def __init__(self, losses: Mapping[str, nn.Module]) -> None:
        super().__init__()
        if not losses:
            raise InputError("no loss: say loss=[l1] or another choice of the loss room")
        self.losses = nn.ModuleDict(losses)

    @property
    def uses_average(self) -> bool:
        """Whether one of them looks at the averaged network's image too (LDL)."""
        return any(loss.uses_average for loss in self.losses.values())

    def forward(self, sr: Tensor, hr: Tensor, average: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """(N, C, H, W) twice -> the weighted sum, and each loss by name before it is weighted (detached)."""
        values = {
            name: loss(sr, hr, average) if loss.uses_average and average is not None else loss(sr, hr)
            for name, loss in self.losses.items()
        }
        total = sum(self.losses[name].weight * value for name, value in values.items())
        return total, {name: value.detach() for name, value in values.items()}
