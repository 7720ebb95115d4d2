"""Base class of our LightningModules: a network, its average, and evaluation by the papers' protocol."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sr.device.float32 import float32
from sr.device.gather import gathered
from sr.errors import InputError, NotFiniteError
from sr.functional.axes import is_volume, layout
from sr.functional.draws import Draws
from sr.image.kind import of_data
from sr.metric.base import check_scores
from sr.metric.frames import each_score, means, middle_frame, numbers, one_score
from sr.model.average import Average
from sr.model.baseline import baselines
from sr.model.bursts import reference, seen
from sr.model.compared import compared
from sr.model.compiled import check, compiled
from sr.model.enlarge import Enlarger, memory_for
from sr.model.frozen import Frozen
from sr.model.recompute import recompute
from sr.model.results import results_of
from sr.model.sets import check_sets
from sr.network.inputs import SCALE, SIZE, check_known, chosen, further, required


class SRModule(pl.LightningModule):
    """Evaluates a network on benchmarks; subclasses train it.

    Args:
        network: (N, C, H, W) -> (N, C, sH, sW), or clips; `forward` may name further keys of a batch (sr/network/inputs.py).
        metric: name -> metric, one score per image; of a clip the mean over its frames.
        ema: decay of the exponential moving average of the weights, which is evaluated and released (0.999 in ESRGAN's code);
            None: no averaging.
        compile: whether training is compiled: false, true, a mode of torch.compile ("max-autotune"), or one of its backends.
            Evaluation is never compiled, because image sizes differ.
        checkpoint_activations: recompute blocks in the backward pass: far less memory, a third more time.
        frozen_until: prefix of the network's parameter names -> first step in which they learn, or "always".
    """

    saved = ("network", "average")  # parts that a checkpoint keeps; a perceptual loss's VGG is not one of them

    def __init__(
        self,
        *,
        network: nn.Module,
        metric: Mapping[str, nn.Module],
        ema: float | None = None,
        compile: bool | str = False,
        checkpoint_activations: bool = False,
        frozen_until: Mapping[str, int | str] | None = None,
    ) -> None:
        super().__init__()
        check(compile)
        self.strict_loading = False  # only `saved` parts are in the file; on_load_checkpoint checks them
        self.network = network.to(memory_format=layout(network))  # the layout of batches: no conversions
        self.metric = nn.ModuleDict(metric)
        self.average = Average(network, ema) if ema else None
        self.frozen = Frozen(self.network, frozen_until or {})
        if checkpoint_activations:
            recompute(self.network)  # after the average was copied: it has no backward pass
        self.results: dict[str, Any] = {}  # of the last test: the content of metrics.json
        self._scores: dict[str, dict[str, dict[str, float]]] = {}
        self._frames: dict[str, dict[str, dict[str, list[float]]]] = {}  # of clips: the scores of each frame
        self._not_validated: dict[str, set[str]] = {}  # validation set -> metrics whose keys it does not have
        self._enlarge = Enlarger()
        self._seed = torch.initial_seed()  # the run's seed
        self._how = compile
        self._compiled: dict[str, Callable[..., Any]] = {}  # not sub-modules: keys in checkpoints stay plain

    def inputs(self, batch: Mapping[str, Any], network: nn.Module | None = None) -> tuple[Tensor, dict[str, Any]]:
        """Inputs of the network (or of another one), `network(lr, **others)`: LR, and the keys of the batch that its `forward`
        names.

        `size` is the batch's, or the height and width of HR, or of LR times the scale without HR. InputError: the batch lacks a
        key.
        """
        network = self.network if network is None else network
        lr = seen(network, batch)
        if SIZE in batch:
            return lr, chosen(network, batch)
        size = batch["hr"].shape[-2:] if "hr" in batch else (round(side * float(batch[SCALE][0])) for side in lr.shape[-2:])
        return lr, chosen(network, {**batch, SIZE: tuple(size)})

    def target(self, batch: Mapping[str, Any]) -> Tensor | None:
        """The target of the network's output, HR or its sampled pixels; None in a set without HR."""
        return batch.get("hr")

    def mask(self, batch: Mapping[str, Any]) -> Tensor | None:
        """(N, 1, H, W) bool, False where the target has no data; None: it has data everywhere."""
        return batch.get("mask")

    def learned(self, sr: Tensor, hr: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """SR as losses see it: where the target `hr` has no data, it is `hr`, so that these pixels have no gradient."""
        mask = self.mask(batch)
        return sr if mask is None else torch.where(mask, sr, hr.to(sr.dtype))

    def real(self, batch: Mapping[str, Any]) -> Tensor:
        """The real images for a discriminator: the target, unless the degradation sharpens only the network's target."""
        return batch.get("real", self.target(batch))

    @property
    def wanted(self) -> list[str]:
        """The further keys of a batch that are used; the data omits unused ones that are expensive (blur kernels)."""
        return list(further(self.network))

    @property
    def evaluated(self) -> nn.Module:
        """The network for validation, test and prediction: the average, if there is one."""
        return self.average.module if self.average is not None else self.network

    def trained(self, part: str) -> Callable[..., Any]:
        """The attribute with that name (network, discriminator) as training calls it."""
        if part not in self._compiled:
            self._compiled[part] = compiled(getattr(self, part), self._how)
        return self._compiled[part]

    def reshaped(self) -> None:
        """Parts have weights of other shapes from now on."""
        self._compiled.clear()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed a network's own random numbers (dropout, stochastic depth) from the seed and the batch's first sample only.

        So a resumed run draws the same numbers as an uninterrupted one.
        """
        accumulate = self.trainer.datamodule.accumulate
        first, _ = self.trainer.datamodule.plan.samples(self.trainer.global_step * accumulate + batch_idx % accumulate)
        seed = int(Draws(self._seed, first, 1, "network").seeds()[0])
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":  # not torch.manual_seed, which takes a stack trace without a GPU
            torch.get_device_module(self.device).manual_seed(seed)

    def train(self, mode: bool = True) -> "SRModule":
        """Set training mode only for trained parts: metrics, losses and frozen parts (a teacher) may be networks with
        statistics and dropout too."""
        super().train(mode)
        self._rest()
        return self

    def _rest(self) -> None:
        for part in (self.average, self.metric, getattr(self, "loss", None)):
            if part is not None:
                part.eval()
        for part in self.children():
            if (weights := list(part.parameters())) and not any(weight.requires_grad for weight in weights):
                part.eval()

    def on_fit_start(self) -> None:
        self._rest()  # Lightning keeps the modes it finds
        if self.average is not None:
            self.average.begin()
        if required(self.network) and self.trainer.datamodule is not None:  # now, not at the first validation
            for name, images in self.trainer.datamodule.sets("val").items():
                check_known(self.network, {*images[0], SIZE, SCALE}, f"the validation set {name}")

    def averaged(self, optimizer: Optimizer) -> Optimizer:
        """The network's optimizer; the average is updated after each step.

        A GradScaler (16-mixed) skips a step whose gradients overflowed, or tells a fused kernel to skip it. The weights are
        then unchanged, and are not averaged again.
        """

        def follow(stepped: Optimizer, *_: Any) -> None:
            self.update_average(getattr(stepped, "found_inf", None))

        optimizer.register_step_post_hook(follow)
        return optimizer

    def compared(
        self, lr: Tensor, others: Mapping[str, Any], hr: Tensor, batch: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """SR, the weighted sum of the losses, and each by name, in a training step; see sr/model/compared.py."""
        return compared(self, lr, others, hr, batch)

    def average_image(self, lr: Tensor, **others: Any) -> Tensor | None:
        """The average's result for (N, C, H, W) and its `inputs`, for losses that use it (`uses_average`); None without
        one."""
        if self.average is None or not self.loss.uses_average:
            return None
        with torch.no_grad():
            return self.average.module(lr, **others)

    def update_average(self, overflow: Tensor | None = None) -> None:
        """Update the average, if there is one; not where `overflow` on the device is above 0."""
        if self.average is not None:
            self.average.update_parameters(self.network, overflow)

    # -- evaluation ------------------------------------------------------------------------------------------------

    def setup(self, stage: str) -> None:
        """InputError, before anything is trained or measured: a metric needs HR or a key, such as a text, and a set has none.

        A validation set without the key is measured without the metric, with a warning.
        """
        data = getattr(self.trainer, "datamodule", None)
        self._not_validated |= check_sets(self.metric, data, stage, self.network) if hasattr(data, "sets") else {}

    def validation_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> dict[str, Any]:
        return self._evaluate(batch, dataloader_idx, with_baselines=False)

    def test_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> dict[str, Any]:
        return self._evaluate(batch, dataloader_idx, with_baselines=True)

    def _evaluate(self, batch: dict[str, Any], dataloader_idx: int, with_baselines: bool) -> dict[str, Any]:
        name, images = list(self._sets().items())[dataloader_idx]
        (lr, others), hr, image = self.inputs(batch), self.target(batch), f"{name}/{batch['name'][0]}"
        with float32(lr.device.type), memory_for(image):  # as published scores are measured
            sr = self._enlarge(self.evaluated, lr, image, others, getattr(images, "flip_seq", False))
            shown = reference(batch)
            if getattr(images, "centre", False):
                shown, sr, hr = map(middle_frame, (shown, sr, hr))
            if with_baselines and not torch.isfinite(sr.sum()):  # a validation continues: this checkpoint is never the best
                raise NotFiniteError(f"{image}: the network returns NaN or infinite pixels; its weights are broken")
            given = {"lr": shown, "mask": self.mask(batch), "batch": batch}
            left_out = set() if with_baselines else self._not_validated.get(name, set())
            measured = {key: metric for key, metric in self.metric.items() if key not in left_out}
            scores = self._score(measured, sr, hr, image, **given)
            if with_baselines:
                levels, factors = of_data(self.trainer.datamodule).levels, getattr(self.network, "factors", None)
                on_hr = {key: one for key, one in measured.items() if hr is not None and getattr(one, "scores_hr", False)}
                low = shown[0] if "frames" in batch else batch["lr"]  # of clips frame by frame
                rows = ((row, measured, made.view_as(sr)) for row, made in baselines(low, sr.shape[-2:], levels, factors))
                for row, metrics, made in chain(rows, [("hr", on_hr, hr)]):
                    found = self._score(metrics, made, hr, image, **given)
                    scores |= {f"{row}/{metric}": score for metric, score in found.items()}
        each = numbers(scores)
        scores = means(each)
        if with_baselines:
            check_scores(scores, image)
        if "frames" in batch:
            self._frames.setdefault(name, {})[batch["name"][0]] = {key: each[key] for key in measured}
        self._scores.setdefault(name, {})[batch["name"][0]] = scores
        made = {"set": name, "name": batch["name"][0], "lr": shown, "sr": sr, "hr": hr}
        return made | ({"factors": self.network.factors} if is_volume(self.network) else {})

    def _score(
        self, metrics: Mapping[str, nn.Module], sr: Tensor, hr: Tensor | None, image: str, **given: Any
    ) -> dict[str, Tensor]:
        """Metric -> the score (1,) of an image, or those of the frames of a clip."""
        score = each_score if "frames" in given["batch"] else one_score
        try:
            return {name: score(metric, sr, hr, **given) for name, metric in metrics.items()}
        except InputError as error:  # such as an image that is too small for SSIM
            raise InputError(f"{image}: {error}") from error

    def on_validation_epoch_start(self) -> None:
        self._scores, self._frames = {}, {}

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_epoch_end(self) -> None:
        results = self._gather()
        values = {}
        for metric in self.metric:
            found = {f"val/{name}/{metric}": scores[metric] for name, scores in results.items() if metric in scores}
            values |= found
            if found:
                values[f"val/{metric}"] = sum(found.values()) / len(found)
        self._record(values)

    def on_test_epoch_end(self) -> None:
        self.results = self._gather()
        self._record(
            {f"test/{name}/{metric}": scores[metric] for name, scores in self.results.items() for metric in self.metric}
        )

    def _record(self, values: dict[str, float]) -> None:
        """Log for callbacks (best checkpoint, early stopping) and loggers, at the current step."""
        self.log_dict(values, logger=False)
        for logger in self.trainer.loggers:
            logger.log_metrics(values, self.trainer.global_step)

    def _sets(self) -> Mapping[str, Any]:
        """The sets being measured: the benchmarks at the test, otherwise the validation sets."""
        return self.trainer.datamodule.sets("test" if self.trainer.testing else "val")

    def _gather(self) -> dict[str, Any]:
        """The results of all sets, from all processes."""
        parts, frames = zip(*gathered(self.trainer, (self._scores, self._frames)), strict=True)
        return results_of(self._sets(), parts, frames)

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {key: value for key, value in state.items() if key.split(".")[0] in self.saved}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = {key for key in self.state_dict() if key.split(".")[0] in self.saved}
        if different := sorted(own ^ checkpoint["state_dict"].keys()):
            raise InputError(f"the checkpoint has another network: {len(different)} keys differ, such as {different[0]}")
