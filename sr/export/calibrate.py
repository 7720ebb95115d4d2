"""What the features of a graph are on calibration images: the ranges that 8 bits cover, and the means of channels.

ONNX Runtime's own calibrators do not clip by the squared error, and keep the features of all images at once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sr.backend.onnx import session
from sr.export.graph import copied

METHODS = ("minmax", "percentile", "mse")
STEPS = 255  # of 8 bits
_OUTSIDE = 1e-4  # part of the values that "percentile" clips, half of it at each end
_BINS = 2048
_PARTS = np.linspace(1.0, 0.2, 81)  # of the largest range, for "mse"

Range = tuple[float, float]


class Features:
    """Statistics of tensors of a graph over images (1, C, H, W).

    Args:
        model: `onnx.ModelProto` with one image as input.
        tensors: names.
        images: calibration images.
    """

    def __init__(self, model: Any, tensors: Sequence[str], images: Sequence[np.ndarray]) -> None:
        self._images, self._run = images, _watched(model, tensors)
        self.largest: dict[str, Range] = dict.fromkeys(tensors, (0.0, 0.0))  # always with 0, which padding adds
        self.means: dict[str, np.ndarray] = dict.fromkeys(tensors, np.zeros(1))  # (C,) per tensor
        self.pixels: dict[str, int] = dict.fromkeys(tensors, 0)  # of the largest
        for image in images:
            for name, feature in self._run(image).items():
                low, high = self.largest[name]
                self.largest[name] = min(low, float(feature.min())), max(high, float(feature.max()))
                self.means[name] = self.means[name] + feature.mean((0, 2, 3), dtype=np.float64) / len(images)
                self.pixels[name] = max(self.pixels[name], feature.shape[2] * feature.shape[3])

    def ranges(self, method: str) -> dict[str, Range]:
        """Tensor -> its range. minmax: all values; percentile: without the most extreme ones; mse: of the least squared error
        of rounding and clipping."""
        if method == "minmax":
            return self.largest
        counts = {name: np.zeros(_BINS) for name in self.largest}
        for image in self._images:
            for name, feature in self._run(image).items():
                counts[name] += np.histogram(feature, _BINS, _not_empty(self.largest[name]))[0]
        narrowed = percentile if method == "percentile" else least_error
        return {name: narrowed(count, _not_empty(self.largest[name])) for name, count in counts.items()}


def _watched(model: Any, tensors: Sequence[str]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """image -> {tensor: its values}."""
    import onnx

    watched = copied(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in tensors)
    made = session(watched.SerializeToString())
    return lambda image: dict(zip(tensors, made.run(list(tensors), {model.graph.input[0].name: image}), strict=True))


def _not_empty(largest: Range) -> Range:
    return largest if largest[1] > largest[0] else (0.0, 1.0)


def percentile(counts: np.ndarray, largest: Range) -> Range:
    """The range, with 0, of all but the most extreme values of a histogram over `largest`."""
    edges = np.linspace(*largest, len(counts) + 1)
    share = np.cumsum(counts) / counts.sum()
    low = edges[np.searchsorted(share, _OUTSIDE / 2, side="right")]
    high = edges[np.searchsorted(share, 1 - _OUTSIDE / 2) + 1]
    return min(float(low), 0.0), max(float(high), 0.0)


def least_error(counts: np.ndarray, largest: Range) -> Range:
    """The part of `largest` in which 8 bits have the least squared error over a histogram."""
    edges = np.linspace(*largest, len(counts) + 1)
    values = (edges[:-1] + edges[1:]) / 2

    def error(part: float) -> float:
        low, high = largest[0] * part, largest[1] * part
        step = (high - low) / STEPS
        codes = np.round((values.clip(low, high) - low) / step)
        return float((counts * (values - (codes * step + low)) ** 2).sum())

    part = min(_PARTS, key=error)
    return float(largest[0] * part), float(largest[1] * part)
