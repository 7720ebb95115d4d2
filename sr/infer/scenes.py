"""Scene cuts by the score of FFmpeg's filter scdet."""

from typing import Any

import numpy as np

from sr.errors import InputError


class SceneCuts:
    """Notices the first frame of a scene, from frame to frame.

    The score is min(d, |d - d of the frame before|), d the mean absolute difference of a frame from the one before in percent
    of white: a cut is large, and larger than the motion around it (FFmpeg, libavfilter/vf_scdet.c).

    Args:
        threshold: the score from which a frame begins a scene; FFmpeg's default is 10. None: there are no cuts.
        shortest: frames of the shortest scene; an earlier cut is ignored.
        white: difference of white from black; None: the number of values of the frames' type, as in FFmpeg.
    """

    def __init__(self, threshold: float | None = 10.0, shortest: int = 2, white: float | None = None) -> None:
        self.threshold, self.shortest, self.white = threshold, shortest, white
        self._previous: np.ndarray | None = None
        self._difference, self._length = 0.0, 0

    def score(self, frame: np.ndarray) -> float:
        """Of the next frame (H, W, C), integers or, with `white`, floats: 0 to 100; 0 for the first one."""
        if self._previous is None:
            self._previous = frame
            return 0.0
        wide = {"uint8": np.int16, "float32": np.float32}.get(frame.dtype.name, np.int32)
        white = self.white or np.iinfo(frame.dtype).max + 1
        difference = 100 * float(np.abs(frame.astype(wide) - self._previous).mean(dtype=np.float64)) / white
        found = min(difference, abs(difference - self._difference))
        self._previous, self._difference = frame, difference
        return found

    def begins(self, frame: np.ndarray) -> bool:
        """Whether the next frame begins another scene than the frame before."""
        if self.threshold is None:
            return False
        cut = self.score(frame) >= self.threshold and self._length >= self.shortest
        self._length = 1 if cut else self._length + 1
        return cut


def check_threshold(key: str, threshold: Any) -> float | None:
    """Return a threshold of SceneCuts. InputError: it is no number above 0 and up to 100, and not None."""
    if threshold is not None and not (type(threshold) in (int, float) and 0 < threshold <= 100):
        raise InputError(f"{key}={threshold}: pass a score from 0 to 100, such as 10, or null")
    return threshold
