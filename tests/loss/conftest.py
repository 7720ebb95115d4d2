import pytest
import torch
from skimage import data
from torch import Tensor

from sr.functional.resize import imresize


@pytest.fixture(scope="session")
def pair() -> tuple[Tensor, Tensor]:
    """Two patches of a photo (2, 3, 96, 96), as bicubic upscaling restores them and as they were."""
    photo = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None] / 255
    hr = torch.cat([photo[..., 40:136, 100:196], photo[..., 150:246, 200:296]])
    return imresize(imresize(hr, 1 / 2), 2), hr
