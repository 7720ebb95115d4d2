"""Unpaired training: a network learns to degrade HR as an LR set is degraded, and the SR network learns to undo that.

Bulat, Yang, Tzimiropoulos: To learn image super-resolution, use a GAN to learn how to do image degradation first, 2018,
arXiv:1807.11458; colours and detail are divided as in Fritsche, Gu, Timofte: Frequency Separation for Real-World
Super-Resolution (DSGAN), 2019, arXiv:1911.07850, section 3.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sr.data.unpaired import KEY
from sr.degradation.chain import quantise
from sr.errors import InputError
from sr.image.kind import of_data
from sr.model import manual
from sr.model.gan import GAN

CONTRAST = 8.0  # of detail, which has about an eighth of an image's; layers with spectral norm cannot amplify it


class DegradationGAN(GAN):
    """A GAN whose generator is a degrader, and a network that learns from the pairs which the degrader makes.

    In an iteration the degrader makes LR of HR. It learns to deceive the `discriminator`, which tells its LR from the real LR
    of the batch (`unpaired_lr`), and to keep the colours of clean LR (`lr`). The network learns HR from that LR, rounded as
    files are, with the run's losses. All gradients are computed with the same weights; then all step; this counts as one
    iteration.

    Args:
        degrader: HR (N, C, sH, sW), noise (N, 1, sH, sW) -> LR (N, C, H, W).
        degrader_optimizer, degrader_schedule: as `optimizer` and `schedule`, of the degrader.
        content: weight of the L1 distance of colours from those of clean LR.
        low_pass: side in LR pixels of the mean filter whose result is an image's colours; the rest is the detail that the
            discriminators see. 1: the whole image for both, as Bulat et al. have it.
        network_from: iteration from which the network learns.
        degrader_until: iteration from which degrader and discriminator rest; None: never. 0: a second stage with the degrader
            of `init_from`.
        gan: arguments of GAN. The adversarial loss is the degrader's; `discriminator` judges LR.

    Raises:
        InputError: an option that does not fit; iterations in which nothing learns; data without unpaired LR.
    """

    saved = (*GAN.saved, "degrader")
    learners = ("", "discriminator_", "degrader_")

    def __init__(
        self,
        *,
        degrader: nn.Module,
        degrader_optimizer: Callable[..., Optimizer],
        degrader_schedule: Callable[[Optimizer], LRScheduler],
        content: float = 1.0,
        low_pass: int = 5,
        network_from: int = 0,
        degrader_until: int | None = None,
        **gan: Any,
    ) -> None:
        super().__init__(**gan)
        self.only(n_discriminator_steps=1, pretrain_steps=0, adversarial_from=0)
        if low_pass < 1 or low_pass % 2 == 0:
            raise InputError(f"model.low_pass={low_pass}: pass an odd number, 1 for no filter")
        if not content >= 0:
            raise InputError(f"model.content={content}: pass a number from 0 up")
        if degrader_until is not None and degrader_until < network_from:
            raise InputError(
                f"model.network_from={network_from} is after model.degrader_until={degrader_until}: nothing would learn between"
            )
        self.degrader = degrader.to(memory_format=torch.channels_last)
        self.degrader_optimizer, self.degrader_schedule = degrader_optimizer, degrader_schedule
        self.content, self.low_pass = content, low_pass
        self.network_from, self.degrader_until = network_from, degrader_until

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Any]:
        step, loss, parts = self.trainer.global_step, None, {}
        network, discriminator, degrader = self.optimizers()
        learns, degrades = step >= self.network_from, self.degrader_until is None or step < self.degrader_until
        with manual.unsynchronised(self.trainer):
            with torch.set_grad_enabled(degrades):
                fake = self.degraded(self.real(batch))
            if degrades:
                deceived, found = self._degrader_loss(fake, batch)
                self._backward(deceived, degrader)
                told_apart, judged = self._discriminator_loss(self.detail(batch[KEY]), self.detail(fake.detach()))
                self._backward(told_apart, discriminator)
                parts |= found | judged
            if learns:
                _, loss, losses = self._network_loss({**batch, "lr": self.rounded(fake.detach())}, adversarial=False)
                self._backward(loss, network)
                parts |= losses
                if degrades:  # NaN if one of them is: Finite then stops the run
                    loss = loss.detach() + 0 * (deceived.detach() + told_apart.detach())
        parts |= self._stepped([network] * learns + [discriminator, degrader] * degrades)
        return {"parts": parts} if loss is None else {"loss": loss.detach(), "parts": parts}

    def degraded(self, hr: Tensor, stream: str = "") -> Tensor:
        """The degrader's LR of HR; its noise is a function of the sample, and of a name if a batch has several."""
        draws = self.draws("degrader")
        seeds = (draws.stream(stream) if stream else draws).seeds().tolist()
        generators = (torch.Generator(hr.device).manual_seed(seed) for seed in seeds)
        noise = [torch.randn(1, *hr.shape[-2:], generator=one, device=hr.device) for one in generators]
        return self.trained("degrader")(hr, torch.stack(noise))

    def rounded(self, lr: Tensor) -> Tensor:
        """LR with the levels of files, to which gradients are blind."""
        levels = of_data(self.trainer.datamodule).levels
        return lr if levels is None else lr + (quantise(lr.detach().float(), levels) - lr.detach()).to(lr.dtype)

    def colours(self, image: Tensor, scale: int = 1) -> Tensor:
        """The mean around each pixel, where the filter lies inside the image; `scale`: pixels per LR pixel."""
        return F.avg_pool2d(image, self._filter(scale), stride=1) if self.low_pass > 1 else image

    def detail(self, image: Tensor, scale: int = 1) -> Tensor:
        """What discriminators see: the image, or the rest beside its `colours`, with the contrast of an image."""
        if self.low_pass == 1:
            return image
        cut = self._filter(scale) // 2
        inner = image[..., cut : image.shape[-2] - cut, cut : image.shape[-1] - cut]
        return CONTRAST * (inner - self.colours(image, scale))

    def _filter(self, scale: int) -> int:
        """Side of the mean filter, an odd number of pixels."""
        return self.low_pass if self.low_pass == 1 else self.low_pass * scale // 2 * 2 + 1

    def _degrader_loss(self, fake: Tensor, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The degrader's loss, and its parts by name, with what shows that it collapses."""
        clean, real = batch["lr"], batch[KEY]
        content = (self.colours(fake) - self.colours(clean)).abs().mean()
        fooled = self._fooled(self.detail(fake), self.detail(real))
        parts = {"content": content.detach(), "adversarial": fooled.detach()}
        parts |= watched("degrader", clean, fake)
        return self.content * content + self.adversarial.weight * fooled, parts

    def _stepped(self, learning: list[Any]) -> dict[str, Tensor]:
        """Step after the last batch of an iteration; the norms of the gradients."""
        self._batch = (self._batch + 1) % self.accumulate
        if self._batch:
            return {}
        with self.trainer.profiler.profile("optimizer"):
            return self._step(learning)

    def others_learning(self) -> list[tuple[Any, Any, Any]]:
        own = (self.degrader_optimizer, self.degrader.parameters(), self.degrader_schedule)
        return [*super().others_learning(), own]

    def judged(self, patch: int) -> dict[str, int]:
        return {"discriminator": patch - self._filter(1) + 1}

    def on_fit_start(self) -> None:
        data = self.trainer.datamodule
        if not hasattr(data, "unpaired"):
            raise InputError(f"{type(self).__name__} learns from LR that belongs to no HR: pass data=unpaired data.lr=FOLDER")
        if self.degrader.scale != data.scale:
            raise InputError(f"degrader.scale={self.degrader.scale}, but the run has scale={data.scale}")
        if (smallest := min(phase.patch_size for phase in data.phases)) <= self.low_pass:
            raise InputError(f"model.low_pass={self.low_pass} leaves nothing of patches of data.patch_size={smallest}")
        super().on_fit_start()


def watched(who: str, given: Tensor, made: Tensor) -> dict[str, Tensor]:
    """How far a generator's images are from what it was given; both (N, C, H, W), the sizes may differ. Scalars:

    "<who>_spread": how much images of a batch (or pixels of one) differ, relative to what was given: 0 if all are alike;
    "<who>_cast": distance of the mean colours, averaged over the images, of the band in which it is largest.
    """
    with torch.no_grad():
        given, made = given.detach().float(), made.detach().float()
        cast = (made.mean((-2, -1)) - given.mean((-2, -1))).abs().mean(0).max()
        return {f"{who}_spread": _spread(made) / _spread(given).clamp(min=1e-6), f"{who}_cast": cast}


def _spread(images: Tensor) -> Tensor:
    return images.std(0).mean() if len(images) > 1 else images.std((-2, -1)).mean()
