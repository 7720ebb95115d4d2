"""Scene cuts by the score of FFmpeg's filter scdet."""

import numpy as np


class SceneCuts:
    """Notices the first frame of a scene, from frame to frame.

    The score is min(d, |d - d of the frame before|), d the mean absolute difference of a frame from the one before in percent
    of white: a cut is large, and larger than the motion around it (FFmpeg, libavfilter/vf_scdet.c).

    Args:
        threshold: the score from which a frame begins a scene; FFmpeg's default is 10. None: there are no cuts.
        shortest: frames of the shortest scene; an earlier cut is ignored.
    """

    def __init__(self, threshold: float | None = 10.0, shortest: int = 2) -> None:
        self.threshold, self.shortest = threshold, shortest
        self._previous: np.ndarray | None = None
        self._difference, self._length = 0.0, 0

    def score(self, frame: np.ndarray) -> float:
        """Of the next frame (H, W, 3), uint8 or uint16: 0 to 100; 0 for the first one."""
        if self._previous is None:
            self._previous = frame
            return 0.0
        wide = np.int32 if frame.dtype == np.uint16 else np.int16
        difference = 100 * float(np.abs(frame.astype(wide) - self._previous).mean()) / (np.iinfo(frame.dtype).max + 1)
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
