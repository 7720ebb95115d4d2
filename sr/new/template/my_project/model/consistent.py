"""A LightningModule: training in which SR, made small again, has to be LR."""

from typing import Any

import torch.nn.functional as F
from sr.model.regression import Regression


class Consistent(Regression):
    """Regression with a further loss: `consistency` times the L1 distance between LR and SR downscaled by bicubic.

    Args:
        consistency: weight of that loss.
        regression: arguments of Regression: network, metric, loss, optimizer, schedule ...
    """

    def __init__(self, *, consistency: float = 0.1, **regression: Any) -> None:
        super().__init__(**regression)
        self.consistency = consistency

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        (lr, others), hr = self.inputs(batch), self.target(batch)
        sr, loss, parts = self.compared(lr, others, hr, batch)
        small = F.interpolate(sr.float(), size=lr.shape[-2:], mode="bicubic", antialias=True)
        distance = (small - lr).abs().mean()
        return {"loss": loss + self.consistency * distance, "parts": parts | {"consistency": distance.detach()}}
