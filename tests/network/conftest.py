"""Networks as users get them, built from conf/network through Hydra, and a measure that is not sr.metric."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn as nn
from PIL import Image

from tests.network import small


@pytest.fixture(scope="session")
def build() -> Callable[..., nn.Module]:
    """The function of tests/network/small.py."""
    return small.build


@pytest.fixture(scope="session")
def read() -> Callable[[Path], np.ndarray]:
    """read(file): RGB (H, W, 3), float64, 0..255."""
    return lambda path: np.asarray(Image.open(path).convert("RGB"), dtype=np.float64)


@pytest.fixture(scope="session")
def psnr_on_set5(sr_data: Path, read: Callable[[Path], np.ndarray]) -> Callable[[nn.Module], float]:
    """psnr_on_set5(network): mean PSNR in dB on Y, `scale` pixels of border cropped, LR by MATLAB."""

    def psnr_on_set5(network: nn.Module) -> float:
        scores, s = [], network.scale
        for path in sorted((sr_data / "benchmark" / "Set5" / "HR").glob("*.png")):
            lr = read(path.parents[1] / "LR_bicubic" / f"X{s}" / f"{path.stem}x{s}.png")
            with torch.inference_mode():
                sr = network(torch.from_numpy(lr / 255).permute(2, 0, 1)[None].float())[0]
            sr = np.clip(np.round(sr.permute(1, 2, 0).double().numpy() * 255), 0, 255)
            error = (read(path)[: sr.shape[0], : sr.shape[1]] - sr) @ (65.481, 128.553, 24.966) / 255
            scores.append(10 * np.log10(255**2 / np.mean(error[s:-s, s:-s] ** 2)))
        assert len(scores) == 5
        return float(np.mean(scores))

    return psnr_on_set5
