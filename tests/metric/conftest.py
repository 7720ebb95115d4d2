import pytest
import torch
from skimage import data
from torch import Tensor, nn

from sr.functional.resize import imresize


@pytest.fixture(scope="session")
def pair() -> tuple[Tensor, Tensor]:
    """Two crops of a photo (2, 3, 120, 100), as bicubic upscaling restores them and as they were."""
    photo = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None] / 255
    hr = torch.cat([photo[..., 40:160, 100:200], photo[..., 150:270, 200:300]])
    return imresize(imresize(hr, 1 / 2, rounding=True), 2, rounding=True), hr


@pytest.fixture(scope="session")
def backbones(tmp_path_factory) -> str:
    """A TORCH_HOME whose AlexNet, VGG-16 and VGG-19 have random weights: the files that the real loading code looks for.

    Torch compares the hash in the name only when it downloads. The fully connected layers, which no metric uses, are
    one number seen at each place, so that the files are small.
    """
    from torchvision import models

    home = tmp_path_factory.mktemp("torch_home")
    (home / "hub" / "checkpoints").mkdir(parents=True)
    torch.manual_seed(0)
    files = {"alexnet": models.AlexNet_Weights, "vgg16": models.VGG16_Weights, "vgg19": models.VGG19_Weights}
    for name, weights in files.items():
        with torch.device("meta"):
            state = getattr(models, name)().state_dict()
        for key, value in state.items():
            if key.startswith("features") and value.ndim == 4:
                state[key] = nn.init.kaiming_normal_(torch.empty(value.shape), nonlinearity="relu")
            else:
                state[key] = torch.zeros(1).expand(value.shape)
        torch.save(state, home / "hub" / "checkpoints" / weights.DEFAULT.url.rsplit("/", 1)[-1])
    return str(home)
