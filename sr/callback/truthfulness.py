"""Saves maps of improvement, omission and hallucination at the test, as files and in the loggers."""

from typing import Any

import pytorch_lightning as pl
from PIL import Image

from sr.callback.panels import Panels
from sr.image.kind import of_data
from sr.view.truthfulness import truth_panel


class Truthfulness(Panels):
    """Writes `images/test/set5_baby_truthfulness.png` at the test: SR | HR | improvement | omission | hallucination.

    Args as of Panels. Sets without HR, and volumes, have no maps.
    """

    key, suffix = "truthfulness", "_truthfulness"

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """Nothing: maps are made at the test."""

    def picture(self, trainer: pl.Trainer, outputs: dict[str, Any]) -> Image.Image | None:
        if outputs["hr"] is None or "factors" in outputs:
            return None
        images = (outputs[name] for name in ("lr", "sr", "hr"))
        kind = of_data(trainer.datamodule)
        return truth_panel(*images, self.crop, bands=self.bands, levels=kind.levels, contrast=kind.contrast)
