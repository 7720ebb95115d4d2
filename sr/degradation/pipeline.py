"""A run's whole degradation with what identifies it: results on LR of two pipelines cannot be compared."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sr.cli.aliases import without_modules
from sr.degradation.chain import Chain

# Raise it when a change of the code makes other LR of the same config: stored LR is then made again, and results on the old one
# are not compared with results on the new one. `tests/degradation/test_pipeline.py` tells when that is.
VERSION = 2


class Pipeline:
    """The stages of a degradation, and their config.

    Args:
        name: of its stages in the config: "realesrgan", "blur,bicubic".
        degradation: HR to LR.
        config: of the stages, plain values, all filled in.
    """

    def __init__(self, name: str, degradation: Chain, config: Mapping[str, Any]) -> None:
        self.name, self.degradation, self.config = name, degradation, config

    @property
    def hash(self) -> str:
        """12 hexadecimal digits: of the config, the scale, the levels and the version of the code."""
        chain = self.degradation
        return digest_of(
            {"stages": without_modules(self.config), "scale": chain.scale, "levels": chain.levels, "version": VERSION}
        )


def digest_of(values: Any) -> str:
    """12 hexadecimal digits of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=False, default=str).encode()).hexdigest()[:12]
