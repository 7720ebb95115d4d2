import pytest
import torch
from skimage import data
from torch import Tensor


@pytest.fixture(scope="session")
def photo() -> Tensor:
    """A photo on the uint8 grid (1, 3, 240, 336)."""
    return torch.from_numpy(data.chelsea())[30:270, 60:396].permute(2, 0, 1)[None] / 255


@pytest.fixture(scope="session")
def patches(photo) -> Tensor:
    """Five patches of it (5, 3, 96, 96)."""
    return torch.cat([photo[..., 30 * i : 30 * i + 96, 48 * i : 48 * i + 96] for i in range(5)])
