"""Training with one optimizer: a network with pixel losses (SRCNN to SwinIR)."""

from collections.abc import Callable, Mapping
from typing import Any

from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sr.errors import InputError
from sr.functional.color import has_luma, rgb_to_y
from sr.loss.weighted_sum import WeightedSum
from sr.model import manual
from sr.model.base import SRModule
from sr.model.optimizer import follow_config, on_device, options, parameter_groups
from sr.network.luma import LumaNetwork


class Regression(SRModule):
    """A network, a weighted sum of losses, one optimizer.

    Args:
        network, metric, ema, compile, checkpoint_activations, frozen_until: see SRModule.
        loss: name -> loss with a weight.
        optimizer: parameter groups -> optimizer.
        schedule: optimizer -> learning-rate schedule, stepped once per optimizer step.
        channel: input of the network and of the losses: "rgb", or "y" as for SRCNN, FSRCNN, ESPCN and VDSR.
        lr_factors: prefix of parameter names -> factor of the learning rate (a tenth for SRCNN's last layer).
        l1_regularisation: weight of the sum of the absolute trained weights; for L2 use the optimizer's weight_decay.

    Raises:
        InputError: channel="y" for a network that needs RGB.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        metric: Mapping[str, nn.Module],
        loss: Mapping[str, nn.Module],
        optimizer: Callable[..., Optimizer],
        schedule: Callable[[Optimizer], LRScheduler],
        channel: str = "rgb",
        ema: float | None = None,
        compile: bool | str = False,
        checkpoint_activations: bool = False,
        lr_factors: Mapping[str, float] | None = None,
        frozen_until: Mapping[str, int | str] | None = None,
        l1_regularisation: float = 0.0,
    ) -> None:
        super().__init__(
            network=network,
            metric=metric,
            ema=ema,
            compile=compile,
            checkpoint_activations=checkpoint_activations,
            frozen_until=frozen_until,
        )
        self._options: list[dict[str, Any]] = []
        if channel not in ("rgb", "y"):
            raise InputError(f"model.channel={channel}: choose rgb or y")
        if channel == "y" and not isinstance(network, LumaNetwork):
            raise InputError(
                f"model.channel=y: {type(network).__name__} needs RGB; only network=srcnn, fsrcnn, espcn and vdsr work on luma"
            )
        self.loss = WeightedSum(loss)
        self.optimizer, self.schedule = optimizer, schedule
        self.channel, self.lr_factors, self.l1_regularisation = channel, dict(lr_factors or {}), l1_regularisation

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Any]:
        (lr, others), hr = self.inputs(batch), self.target(batch)
        if self.channel == "y" and has_luma(lr.shape[-3]):  # other bands are used unchanged
            lr, hr = rgb_to_y(lr), rgb_to_y(hr)
        _, total, parts = self.compared(lr, others, hr, batch)
        if self.l1_regularisation:
            parts["l1_regularisation"] = sum(p.abs().sum() for p in self.network.parameters() if p.requires_grad)
            total = total + self.l1_regularisation * parts["l1_regularisation"]
            parts["l1_regularisation"] = parts["l1_regularisation"].detach()
        return {"loss": total, "parts": parts}

    def configure_optimizers(self) -> dict[str, Any]:
        groups = parameter_groups(self.network, self.optimizer.keywords["lr"], self.lr_factors)
        if not groups:
            raise InputError(f"{type(self.network).__name__} has nothing to train; test.py scores it as it is")
        optimizer = self.averaged(on_device(self.optimizer, groups, self))
        self._options = options(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.schedule(optimizer), "interval": "step"}}

    def on_train_start(self) -> None:
        follow_config(self.optimizers().optimizer, self._options)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.frozen.rest(self.trainer.global_step)

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        plugin = self.trainer.precision_plugin
        if gradient_clip_val and isinstance(plugin, MixedPrecision) and plugin.scaler is None:
            # Lightning refuses to clip gradients for fused optimizers, but in bf16 nothing needs to be unscaled before.
            manual.clip(optimizer, gradient_clip_val, gradient_clip_algorithm)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
