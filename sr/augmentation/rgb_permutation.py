"""RGB permutation (Yoo, Ahn, Sohn 2020, arXiv:2004.00448, section 2: it does not change the structure of an image)."""

from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair
from sr.errors import InputError
from sr.functional.draws import Draws

_ORDERS = np.array(list(permutations(range(3))))  # the first is RGB itself


class RGBPermutation(Augmentation):
    """The three channels in one of their six orders, including the original; gray is unchanged. InputError: other bands."""

    def __init__(self, probability: float = 1.0) -> None:
        super().__init__(probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "order": int64 (count, 3)}."""
        return super().sample(draws) | {"order": _ORDERS[draws.integers(len(_ORDERS))]}

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        if lr.shape[1] == 1:
            return lr, hr
        if lr.shape[1] != 3:  # with more bands, which three?
            raise InputError(f"rgb_permutation is for RGB, not for {lr.shape[1]} bands: remove it from augmentation=[...]")
        order = parameters["order"]
        order = torch.where(parameters["on"].view(-1, 1), order, torch.arange(3, device=order.device))
        images = torch.arange(len(order), device=order.device).view(-1, 1)
        return lr[images, order], hr[images, order]

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        """Numbers, kernels and masks are unchanged; three channels might be colours."""
        if isinstance(value, Tensor) and value.ndim >= 3 and value.shape[-3] == 3:
            return super().follow(key, value, parameters)
        return value
