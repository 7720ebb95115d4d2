"""W&B: best scores in the summary, a table of test images, checkpoints as artifacts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import Tensor

from sr.callback.privacy import with_pictures
from sr.data.share import position
from sr.device.gather import gathered
from sr.files import run_of
from sr.functional.volume import KERNELS
from sr.image.file import to_pixels
from sr.image.kind import PHOTO, Kind, of_data
from sr.metric.frames import middle_frame
from sr.run.read import content
from sr.view.panel import shown, worst_place
from sr.view.table import directed, plain_name


class Wandb(pl.Callback):
    """Does nothing without W&B's logger.

    The summary has the best validation scores (`val/set5/psnr.max`, `val/set5/lpips.min`) and the test scores. `test/images`
    is a table with a row per test image: LR, SR, HR, error and scores, at the place where bicubic is worst. The artifact
    `model-RUN` has best.ckpt with the alias `best` and last.ckpt with `latest`. Its metadata name the checkpoint the run
    started from, and that checkpoint's artifact; online the run is also linked to that artifact.

    Args:
        folder: folder of the checkpoints.
        crop: side of the pictures in HR pixels.
        n_images: rows per set with pictures; further rows have only scores.
        checkpoints: whether to upload them as artifacts.
        init_from: the file that the run started from, if any.
        bands: the bands shown as red, green and blue, or as gray (`sr.view.panel.shown`); None: RGB, gray, or the first
            three.
    """

    def __init__(
        self,
        *,
        folder: str,
        crop: int = 128,
        n_images: int = 100,
        checkpoints: bool = True,
        init_from: Any = None,
        bands: Sequence[int] | None = None,
    ) -> None:
        self.folder, self.crop, self.n_images, self.checkpoints = Path(folder), crop, n_images, checkpoints
        self.init_from, self.bands = init_from, bands
        self._pictures: dict[tuple[str, str], list[np.ndarray]] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if run := _run(trainer):
            for metric, score in pl_module.metric.items():
                best = "max,last" if getattr(score, "higher_is_better", True) else "min,last"
                for name in ("", *(f"{name}/" for name in trainer.datamodule.sets("val"))):
                    run.define_metric(f"val/{name}{metric}", summary=best)
            run.define_metric("train/*", summary="last")
            parent = _artifact_of(self.init_from)
            if parent and not run.offline:
                with suppress(Exception):  # deleted, in another project, or no network: it is only a link
                    run.use_artifact(parent)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        pictures = "factors" not in outputs and any(logger in with_pictures(trainer) for logger in _loggers(trainer))
        if pictures and position(trainer, batch_idx) < self.n_images:
            images = [outputs[name] for name in ("lr", "sr", "hr")]
            if images[0].ndim == 5:  # of a clip the middle frame
                images = [middle if middle is None else middle[:, 0] for middle in map(middle_frame, images)]
            self._pictures[outputs["set"], outputs["name"]] = _crops(
                *images, self.crop, self.bands, of_data(trainer.datamodule)
            )

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not _loggers(trainer):
            return
        pictures_of = {image: crops for part in gathered(trainer, self._pictures) for image, crops in part.items()}
        self._pictures = {}
        run = _run(trainer)
        if run is None:
            return
        import wandb

        metrics, run_logger = list(pl_module.metric), _loggers(trainer)[0]
        heads = [directed(name, getattr(metric, "higher_is_better", True)) for name, metric in pl_module.metric.items()]
        table = wandb.Table(columns=["set", "image", "LR", "SR", "HR", "error x4", *heads])
        for name, scores in pl_module.results.items():
            scale = getattr(trainer.datamodule.sets("test")[name], "scale", None)
            run.summary.update(summary(name, scores, metrics, scale))
            for number, (image, values) in enumerate(scores["images"].items()):
                pictures = [wandb.Image(pixels) for pixels in pictures_of.get((name, image), [])]
                pictures += [None] * (4 - len(pictures))
                known = image if run_logger in with_pictures(trainer) else str(number)  # file names may name patients
                table.add_data(name, known, *pictures, *(values[metric] for metric in metrics))
        run.log({"test/images": table, "trainer/global_step": trainer.global_step})
        if self.checkpoints:
            self._keep(run)

    def _keep(self, run: Any) -> None:
        """Both checkpoints as versions of one artifact; W&B gives the last one the alias `latest`."""
        import wandb

        origin = {"init_from": str(self.init_from), "parent": _artifact_of(self.init_from)} if self.init_from else {}
        for stem in ("best", "last"):
            file = self.folder / f"{stem}.ckpt"
            if file.is_file():
                artifact = wandb.Artifact(f"model-{run.id}", "model", metadata={"file": file.name, **origin})
                artifact.add_file(str(file), policy="immutable", skip_cache=True)
                run.log_artifact(artifact, aliases=["best"] if stem == "best" else ["latest"])


def summary(name: str, scores: Mapping[str, Any], metrics: Sequence[str], scale: float | None) -> dict[str, float]:
    """Keys of the summary for a test set: the network's means, those of bicubic, which at scale 1 is the input unchanged, or of
    the classical interpolations of volumes, and those of HR itself."""
    found = {f"best/{name}/{metric}": scores[metric] for metric in metrics}
    for classical in (key for key in ("bicubic", *KERNELS, "hr") if key in scores):
        found |= {f"{plain_name(scale, classical)}/{name}/{metric}": value for metric, value in scores[classical].items()}
    return found


def _loggers(trainer: pl.Trainer) -> list[pl.loggers.WandbLogger]:
    """W&B's loggers, in each process."""
    return [logger for logger in trainer.loggers if isinstance(logger, pl.loggers.WandbLogger)]


def _run(trainer: pl.Trainer) -> Any:
    """The W&B run of the first process, if there is one."""
    loggers = _loggers(trainer)
    return loggers[0].experiment if loggers and trainer.is_global_zero else None


def _artifact_of(file: Any) -> str | None:
    """The artifact that contains a checkpoint file, if its run was logged to W&B."""
    if not file or not (config := run_of(str(file)) / "config.yaml").is_file():
        return None
    run_id = ((content(config).get("logger") or {}).get("wandb") or {}).get("run_id")
    return run_id and f"model-{run_id}:{'best' if Path(str(file)).stem == 'best' else 'latest'}"


def _crops(
    lr: Tensor, sr: Tensor, hr: Tensor | None, crop: int, bands: Sequence[int] | None = None, kind: Kind = PHOTO
) -> list[np.ndarray]:
    """LR, SR, HR and four times |SR - HR| where bicubic is worst, with LR in its own resolution; `bands` of each.

    Without HR: LR and SR where bicubic is furthest from SR.
    """
    scale = sr.shape[-1] // lr.shape[-1]
    top, left, side = (
        value // scale * scale for value in worst_place(lr, sr if hr is None else hr, crop, kind.levels, kind.contrast)
    )
    low = lr[..., top // scale : (top + side) // scale, left // scale : (left + side) // scale]
    cut = [image[..., top : top + side, left : left + side].cpu() for image in (sr, hr) if image is not None]
    pictures = [shown(image, bands, kind.contrast) for image in (low.cpu(), *cut)]
    if hr is not None:
        first, last = kind.contrast or (0, 1)
        pictures.append(shown(4 * (cut[0] - cut[1]).abs() / (last - first), bands))
    return [to_pixels(picture) for picture in pictures]
