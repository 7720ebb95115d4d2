"""RGB to gray as MATLAB's rgb2gray."""

import numpy as np

# Weights of R, G, B in MATLAB's rgb2gray: the first row of the inverse of its YIQ matrix; ITU-R BT.601 has 0.299, 0.587,
# 0.114.
_GRAY = (0.298936021293775, 0.587043074451121, 0.114020904255103)


def rgb2gray(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> (H, W, 1) of the same type by MATLAB's rgb2gray, rounded half up."""
    if pixels.strides[2] == 0:  # three views of one band
        return pixels[..., :1]
    return np.floor(pixels.astype(np.float64) @ _GRAY + 0.5).astype(pixels.dtype)[..., None]
