"""Iterative back-projection of a burst, without anything that is trained.

Irani, Peleg: Improving Resolution by Image Registration, 1991, doi:10.1016/1049-9652(91)90045-L.
"""

from torch import Tensor

from sr.errors import InputError
from sr.functional.fusion import back_projected
from sr.network.shift_and_add import ShiftAndAdd


class BackProjection(ShiftAndAdd):
    """Iterative back-projection from shift-and-add on, `steps` times; otherwise as ShiftAndAdd.

    It sharpens, and brings noise back: more steps for clean frames, fewer for noisy ones. InputError: steps below 0.
    """

    def __init__(self, *, scale: int = 2, channels: int = 3, steps: int = 5) -> None:
        super().__init__(scale=scale, channels=channels)
        if type(steps) is not int or steps < 0:
            raise InputError(f"steps={steps}: pass a whole number from 0 up")
        self.steps = steps

    def fused(self, lr: Tensor, shift: Tensor, weight: Tensor) -> Tensor:
        return back_projected(lr, shift, weight, self.scale, self.steps)
