"""Unpaired training by two cycles: LR to SR and back is LR again, HR degraded and enlarged is HR again.

Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017,
arXiv:1703.10593, between images of two sizes; and Yuan et al.: Unsupervised Image Super-Resolution using Cycle-in-Cycle
Generative Adversarial Networks (CinCGAN), 2018, arXiv:1809.00437, whose outer cycle is the first of the two, with its identity
loss. Here one network cleans and enlarges, so CinCGAN's inner cycle, which trains a network for cleaning alone, is left out.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sr.data.unpaired import KEY
from sr.errors import InputError
from sr.model import manual
from sr.model.degradation_gan import DegradationGAN, watched


class CycleGANSR(DegradationGAN):
    """Four networks: `network` enlarges, `degrader` degrades, `discriminator` judges LR and `hr_discriminator` HR.

    The loss of network and degrader together has these terms, for HR z, clean LR c of it, and unpaired LR x:

    - the run's losses between network(degrader(z)) and z: the cycle of HR;
    - `cycle` times the L1 distance of degrader(network(x)) from x: the cycle of LR;
    - `identity` times the L1 distance of network(c) from z, which keeps the network from changing colours;
    - `content` times the distance of colours of degrader(z) from those of c, as in DegradationGAN;
    - the adversarial losses of degrader(z) among LR, and of network(x) among HR.

    Args:
        hr_discriminator: (N, C, sH, sW) -> logits; it has the optimizer of `discriminator`.
        cycle, identity: see above; 10 and 5 in CinCGAN.
        degradation_gan: arguments of DegradationGAN; both generators learn in all iterations.
    """

    saved = (*DegradationGAN.saved, "hr_discriminator")

    def __init__(
        self, *, hr_discriminator: nn.Module, cycle: float = 10.0, identity: float = 5.0, **degradation_gan: Any
    ) -> None:
        super().__init__(**degradation_gan)
        self.only(network_from=0, degrader_until=None)
        for name, weight in (("cycle", cycle), ("identity", identity)):
            if not weight >= 0:
                raise InputError(f"model.{name}={weight}: pass a number from 0 up")
        self.hr_discriminator = hr_discriminator.to(memory_format=torch.channels_last)
        self.cycle, self.identity = cycle, identity

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Any]:
        network, discriminators, degrader = self.optimizers()
        hr, scale = self.real(batch), self.trainer.datamodule.scale
        with manual.unsynchronised(self.trainer):
            fake = self.degraded(hr)
            deceived, parts = self._degrader_loss(fake, batch)
            sr, enlarged, found = self._enlarged_loss(fake, batch)
            total = deceived + enlarged
            self._backward(total, network, degrader)
            low, judged = self._discriminator_loss(self.detail(batch[KEY]), self.detail(fake.detach()))
            high, seen = self._discriminator_loss(
                self.detail(hr, scale), self.detail(sr.detach(), scale), "hr_discriminator", "judge_hr"
            )
            self._backward(low + high, discriminators)
        parts |= found | judged | {f"hr_{name}": value for name, value in seen.items()}
        parts |= self._stepped([network, discriminators, degrader])
        return {"loss": total.detach() + 0 * (low + high).detach(), "parts": parts}  # NaN if one is: Finite then stops the run

    def _enlarged_loss(self, fake: Tensor, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """SR of the unpaired LR, the loss of everything that the network made, and its parts by name."""
        lr, hr, scale = batch[KEY], self.real(batch), self.trainer.datamodule.scale
        _, loss, parts = self._network_loss({**batch, "lr": self.rounded(fake)}, adversarial=False)
        sr = self._enlarged(lr, batch)
        again = self.degraded(sr, "cycle")
        cycle, identity = (again - lr).abs().mean(), (self._enlarged(batch["lr"], batch) - hr).abs().mean()
        fooled = self._fooled(self.detail(sr, scale), self.detail(hr, scale), "hr_discriminator")
        flat = (lr - lr.mean((-2, -1), keepdim=True)).abs().mean()  # the cycle loss of a network that gives the mean colour
        parts |= {"cycle": cycle.detach(), "identity": identity.detach(), "hr_adversarial": fooled.detach()}
        parts |= watched("network", lr, sr) | {"cycle_share": cycle.detach() / flat.clamp(min=1e-6)}
        loss = loss + self.cycle * cycle + self.identity * identity + self.adversarial.weight * fooled
        return sr, loss, parts

    def _enlarged(self, lr: Tensor, batch: Mapping[str, Any]) -> Tensor:
        given, others = self.inputs({**batch, "lr": lr})
        return self.trained("network")(given, **others)

    def judge_hr(self, hr: Tensor, sr: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both, in one graph if compiled, as `judge`."""
        return self.hr_discriminator(hr), self.hr_discriminator(sr)

    def others_learning(self) -> list[tuple[Any, Any, Any]]:
        (make, parameters, schedule), *others = super().others_learning()
        return [(make, [*parameters, *self.hr_discriminator.parameters()], schedule), *others]

    def judged(self, patch: int) -> dict[str, int]:
        scale = self.trainer.datamodule.scale
        return {**super().judged(patch), "hr_discriminator": patch * scale - self._filter(scale) + 1}
