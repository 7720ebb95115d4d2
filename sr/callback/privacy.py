"""Which loggers get pictures: those of patients reach none, unless asked for by `logger.wandb.pictures=true`."""

from typing import Any

import pytorch_lightning as pl

from sr.image.kind import of_data


def with_pictures(trainer: pl.Trainer) -> list[Any]:
    """The loggers that get pictures of this run: all, or, if its images are private (`Kind.private`), those that ask for them.

    A logger with an attribute `pictures` of False (`logger.wandb.pictures=false`) never gets any.
    """
    usual = not of_data(trainer.datamodule).private
    asked = ((logger, getattr(logger, "pictures", None)) for logger in trainer.loggers)
    return [logger for logger, wanted in asked if (usual if wanted is None else wanted)]
