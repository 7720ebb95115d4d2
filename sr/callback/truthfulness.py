"""Saves maps of improvement, omission and hallucination at the test, as files and in the loggers."""

from typing import Any

import pytorch_lightning as pl

from sr.callback.panels import Panels, Picture
from sr.image.kind import of_data
from sr.view.truthfulness import truth_panel


class Truthfulness(Panels):
    """Writes `images/test/set5_baby_truthfulness.png` at the test: SR | HR | improvement | omission | hallucination.

    Args as of Panels. Sets without HR, volumes and clips have no maps.
    """

    key, suffix = "truthfulness", "_truthfulness"

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """Nothing: maps are made at the test."""

    def pictures(self, trainer: pl.Trainer, outputs: dict[str, Any]) -> dict[str, Picture]:
        if outputs["hr"] is None or outputs["hr"].ndim == 5:
            return {}
        images = (outputs[name] for name in ("lr", "sr", "hr"))
        kind = of_data(trainer.datamodule)
        return {"": truth_panel(*images, self.crop, bands=self.bands, levels=kind.levels, contrast=kind.contrast)}
