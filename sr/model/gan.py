"""Adversarial training: a network and a discriminator, with two optimizers (SRGAN, ESRGAN, Real-ESRGAN)."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.image.kind import of_data
from sr.loss.weighted_sum import WeightedSum
from sr.model import manual
from sr.model.base import SRModule
from sr.model.compared import enlarged, frames
from sr.model.optimizer import follow_config, on_device, options, parameter_groups


class GAN(SRModule):
    """A network (the generator) with a weighted sum of losses and an adversarial loss, and its discriminator.

    One iteration is one batch of `data.batch_size`: the gradients of both networks are computed with the same weights, then
    both step. `trainer.global_step`, and everything that depends on it, counts iterations.

    Args:
        network, metric, ema, compile, checkpoint_activations, frozen_until: see SRModule; only the network is averaged; the
            discriminator is also compiled. It judges the frames of clips one by one.
        loss: name -> loss with a weight.
        discriminator: (N, 3, H, W) -> logits.
        adversarial: see sr.adversarial.base.
        optimizer, discriminator_optimizer: parameter groups -> optimizer.
        schedule, discriminator_schedule: optimizer -> learning-rate schedule, stepped once per iteration.
        lr_factors: prefix of the network's parameter names -> factor of the learning rate.
        n_discriminator_steps: discriminator steps per network step.
        pretrain_steps: iterations without the discriminator at the start.
        adversarial_from: iteration from which the network's loss includes the adversarial term; the discriminator learns
            before.
        seed: for the random numbers of a gradient penalty.
        accumulate: batches per iteration.
        gradient_clip_val, gradient_clip_algorithm: for each network's gradients separately; norm or value.
    """

    saved = ("network", "average", "discriminator")
    learners = ("", "discriminator_")  # what logs write before the rate and the gradient norm of each optimizer

    def __init__(
        self,
        *,
        network: nn.Module,
        metric: Mapping[str, nn.Module],
        loss: Mapping[str, nn.Module],
        discriminator: nn.Module,
        adversarial: nn.Module,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[[Optimizer], LRScheduler],
        discriminator_optimizer: Callable[..., Optimizer],
        discriminator_schedule: Callable[[Optimizer], LRScheduler],
        ema: float | None = None,
        compile: bool | str = False,
        checkpoint_activations: bool = False,
        lr_factors: Mapping[str, float] | None = None,
        frozen_until: Mapping[str, int | str] | None = None,
        n_discriminator_steps: int = 1,
        pretrain_steps: int = 0,
        adversarial_from: int = 0,
        seed: int = 0,
        accumulate: int = 1,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str = "norm",
    ) -> None:
        super().__init__(
            network=network,
            metric=metric,
            ema=ema,
            compile=compile,
            checkpoint_activations=checkpoint_activations,
            frozen_until=frozen_until,
        )
        self.automatic_optimization = False
        if n_discriminator_steps < 1:
            raise InputError(f"model.n_discriminator_steps={n_discriminator_steps}: must be at least 1")
        self.loss, self.adversarial = WeightedSum(loss), adversarial
        self.discriminator = discriminator.to(memory_format=torch.channels_last)  # as the network, and the images
        self.optimizer, self.schedule = optimizer, schedule
        self.discriminator_optimizer, self.discriminator_schedule = discriminator_optimizer, discriminator_schedule
        self.lr_factors = dict(lr_factors or {})
        self.n_discriminator_steps, self.pretrain_steps = n_discriminator_steps, pretrain_steps
        self.adversarial_from, self.seed, self.accumulate = adversarial_from, seed, accumulate
        self.gradient_clip_val, self.gradient_clip_algorithm = gradient_clip_val, gradient_clip_algorithm
        self._options: list[list[dict[str, Any]]] = []
        self._batch = 0  # number within the iteration

    def only(self, **values: int) -> None:
        """InputError: an option that has another value than the only one that this class has a meaning for."""
        for name, value in values.items():
            if getattr(self, name) != value:
                raise InputError(f"{name}={getattr(self, name)}: {type(self).__name__} has only {name}={value}")

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Any]:
        iteration = self.trainer.global_step
        duel = iteration >= self.pretrain_steps
        network_learns = not duel or (iteration + 1) % self.n_discriminator_steps == 0
        both = self.optimizers()
        learning = [optimizer for optimizer, learns in zip(both, (network_learns, duel), strict=True) if learns]

        with manual.unsynchronised(self.trainer):
            if network_learns:
                sr, loss, parts = self._network_loss(batch, adversarial=duel and iteration >= self.adversarial_from)
                self._backward(loss, both[0])
            else:
                sr, loss, parts = self._image(batch), None, {}
            if duel:
                discriminator_loss, judged = self._discriminator_loss(frames(self.network, self.real(batch)), sr.detach())
                self._backward(discriminator_loss, both[1])
                parts |= judged
                if loss is not None:
                    loss = loss.detach() + 0 * discriminator_loss.detach()  # NaN if either is: Finite then stops the run

        self._batch = (self._batch + 1) % self.accumulate
        if self._batch == 0:
            with self.trainer.profiler.profile("optimizer"):
                parts |= self._step(learning)
        return {"parts": parts} if loss is None else {"loss": loss.detach(), "parts": parts}

    def _backward(self, loss: Tensor, *optimizers: Any) -> None:
        """Accumulate gradients; the first batch of an iteration replaces the previous iteration's gradients."""
        if self._batch == 0:
            for optimizer in optimizers:
                optimizer.optimizer.zero_grad()
        with self.trainer.profiler.profile("GAN.backward"):
            self.manual_backward(loss / self.accumulate)

    @torch.no_grad()
    def _image(self, batch: dict[str, Tensor]) -> Tensor:
        """SR while the network rests: its losses are not computed, and not logged."""
        lr, others = self.inputs(batch)
        return enlarged(self, lr, others, self.target(batch), batch)[0]

    def _network_loss(self, batch: dict[str, Tensor], adversarial: bool) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """SR, the network's loss, and its parts by name."""
        (lr, others), hr = self.inputs(batch), self.target(batch)
        sr, loss, parts = self.compared(lr, others, hr, batch)
        if adversarial:
            fooled = self._fooled(sr, frames(self.network, batch.get("real", hr)))
            loss = loss + self.adversarial.weight * fooled
            parts["adversarial"] = fooled.detach()
        return sr, loss, parts

    def _fooled(self, sr: Tensor, real: Tensor, discriminator: str = "discriminator") -> Tensor:
        """The adversarial loss of the network's images, without its weight."""
        judge = self.trained(discriminator)
        with manual.passing(getattr(self, discriminator)):
            with torch.no_grad():
                logits = judge(real) if self.adversarial.relativistic else None
            return self.adversarial.generator(judge(sr), logits)

    def _discriminator_loss(
        self, hr: Tensor, sr: Tensor, discriminator: str = "discriminator", together: str = "judge"
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a discriminator, whose method `together` gives the logits of both, and its parts by name."""
        mix = self._mix()
        penalty = self.adversarial.penalty(
            getattr(self, discriminator),
            hr,
            sr.to(hr),
            mix.repeat_interleave(len(hr) // len(mix)),  # one for all frames of a clip
        )
        # A penalty differentiates twice, which compiled graphs cannot; they also change statistics in place that it needs.
        judge = self.trained(together) if penalty is None else getattr(self, together)
        with manual.shared_casts(hr.device.type):
            real, fake = judge(hr, sr)
        loss = self.adversarial.discriminator(real, fake)
        parts = {"discriminator": loss.detach(), "d_real": real.detach().mean(), "d_fake": fake.detach().mean()}
        parts |= dict(zip(("accuracy_real", "accuracy_fake"), self.adversarial.accuracy(real, fake), strict=True))
        if penalty is not None:
            loss = loss + penalty
            parts["penalty"] = penalty.detach()
        return loss, parts

    def judge(self, hr: Tensor, sr: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both, in one graph if compiled: a second graph would change spectral norms under the first."""
        return self.discriminator(hr), self.discriminator(sr)

    def _mix(self) -> Tensor:
        """(N,) in [0, 1): a function of the sample alone, not of devices, accumulation or resumes."""
        return torch.from_numpy(self.draws("gradient penalty").uniform())

    def draws(self, stream: str) -> Draws:
        """Random numbers of the samples of this batch."""
        batch = self.trainer.global_step * self.accumulate + self._batch
        return Draws(self.seed, *self.trainer.datamodule.plan.samples(batch), stream)

    def _step(self, learning: list[Any]) -> dict[str, Tensor]:
        self.frozen.rest(self.trainer.global_step)
        norms = manual.step(self.trainer, learning, self.gradient_clip_val, self.gradient_clip_algorithm)
        for schedule in self.lr_schedulers():
            schedule.step()
        names = {id(one): f"{part}gradient_norm" for one, part in zip(self.optimizers(), self.learners, strict=True)}
        return {names[id(one)]: norm for one, norm in zip(learning, norms, strict=True) if norm is not None}

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LRScheduler]]:
        groups = parameter_groups(self.network, self.optimizer.keywords["lr"], self.lr_factors)
        if not groups:
            raise InputError(f"{type(self.network).__name__} has nothing to train; test.py scores it as it is")
        wanted = [(self.optimizer, groups, self.schedule), *self.others_learning()]
        optimizers = [on_device(make, parameters, self) for make, parameters, _ in wanted]
        self.averaged(optimizers[0])
        self._options = [options(optimizer) for optimizer in optimizers]
        return optimizers, [schedule(one) for one, (*_, schedule) in zip(optimizers, wanted, strict=True)]

    def others_learning(self) -> list[tuple[Any, Any, Any]]:
        """(optimizer, parameters, schedule) of each further optimizer, in the order of `learners`."""
        return [(self.discriminator_optimizer, self.discriminator.parameters(), self.discriminator_schedule)]

    def on_fit_start(self) -> None:
        """Run each discriminator on blank patches: if it does not support their size, it fails now and not in iteration k."""
        super().on_fit_start()
        for patch in {phase.patch_size for phase in self.trainer.datamodule.phases}:
            for name, side in self.judged(patch).items():
                self._try(getattr(self, name), side)

    def judged(self, patch: int) -> dict[str, int]:
        """Discriminator -> side of the images that it gets, of LR patches of this side."""
        return {"discriminator": patch * self.trainer.datamodule.scale}

    def _try(self, discriminator: nn.Module, side: int) -> None:
        modes = {part: part.training for part in discriminator.modules()}
        discriminator.eval()  # a blank patch must not change statistics
        with torch.no_grad():
            discriminator(torch.zeros(1, of_data(self.trainer.datamodule).bands, side, side, device=self.device))
        for part, mode in modes.items():
            part.training = mode

    def on_train_start(self) -> None:
        self._batch = 0
        # A schedule continues while its optimizer pauses: in the first iterations, or when 16-bit gradients overflow.
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        for optimizer, wanted in zip(self.optimizers(), self._options, strict=True):
            follow_config(optimizer.optimizer, wanted)
