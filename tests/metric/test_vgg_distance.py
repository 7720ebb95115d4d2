import pytest
import torch
from torch import Tensor
from torchvision.models import vgg19

from sr.backbone.vgg import MEAN, STD
from sr.functional.resize import imresize
from sr.metric.vgg_distance import VGGDistance


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    """torchvision's VGG-19 with random weights, cut behind conv3_4 like the files that people pass around."""
    torch.manual_seed(0)
    state = vgg19(weights=None).features[:17].state_dict()
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    torch.save({f"features.{key}": value for key, value in state.items()}, path)
    return str(path)


def theirs(state: dict[str, Tensor], sr: Tensor, hr: Tensor) -> float:
    """By torchvision's network, image by image."""
    network = vgg19(weights=None).features[:17].eval()
    network.load_state_dict({key.removeprefix("features."): value for key, value in state.items()})
    with torch.no_grad():
        a, b = (network((x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)) for x in (sr, hr))
    return ((a - b).square().sum().sqrt() / b.square().sum().sqrt()).item()


@pytest.mark.slow
def test_is_the_relative_distance_of_torchvisions_features(file, pair):
    sr, hr = (image[..., 2:-2, 2:-2] for image in pair)
    expected = [theirs(torch.load(file), sr[i : i + 1], hr[i : i + 1]) for i in range(2)]
    assert VGGDistance(crop_border=2, weights=file)(*pair).tolist() == pytest.approx(expected, rel=1e-5)


def test_several_layers_are_averaged(file, pair):
    alone = [VGGDistance(crop_border=2, weights=file, layers=[name])(*pair) for name in ("conv1_2", "relu3_1")]
    both = VGGDistance(crop_border=2, weights=file, layers=["conv1_2", "relu3_1"])(*pair)
    assert torch.equal(both, (alone[0] + alone[1]) / 2) and not torch.equal(alone[0], alone[1])


def test_equal_images_are_0_apart_and_black_ones_have_a_number(pair):
    metric = VGGDistance(crop_border=2, weights="random")
    assert metric(pair[1], pair[1]).tolist() == [0, 0]
    assert metric(pair[0], torch.zeros_like(pair[1])).isfinite().all()


def test_the_size_of_the_activations_does_not_matter(file, pair, tmp_path):
    state = torch.load(file)
    state["features.16.weight"], state["features.16.bias"] = (100 * state[f"features.16.{x}"] for x in ("weight", "bias"))
    torch.save(state, tmp_path / "larger.pth")
    larger, plain = (VGGDistance(crop_border=2, weights=str(path))(*pair) for path in (tmp_path / "larger.pth", file))
    torch.testing.assert_close(larger, plain, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"layers": []}, r"metric\.vgg_distance\.layers is empty"),
        ({"layers": "conv3_4"}, r"metric\.vgg_distance\.layers=conv3_4: pass a list, metric\.vgg_distance\.layers=\[conv3_4\]"),
        ({"layers": ["conv9_1"]}, "VGG-19 has no layer conv9_1"),
        ({"layers": ["conv5_4"]}, r"vgg19\.pth ends at conv3_4 of VGG-19, before conv5_4: pass metric\.vgg_distance\.layers"),
        ({"weights": "nothing.pth"}, r"metric\.vgg_distance\.weights=nothing\.pth: no such file"),
    ],
)
def test_what_it_cannot_do_is_one_line(settings, message, file):
    with pytest.raises((ValueError, FileNotFoundError), match=rf"^[^\n]*{message}[^\n]*$"):
        VGGDistance(**{"crop_border": 2, "weights": file, **settings})


def test_real_features_tell_sharp_from_blurred(sr_data, pair):
    file = sr_data / "weights" / "vgg19_conv1_1_to_conv3_4.pth"
    if not file.exists():
        pytest.skip(f"no {file}")
    sr, hr = pair
    metric = VGGDistance(crop_border=2, weights=str(file))
    blurred = imresize(imresize(hr, 1 / 4), 4)
    assert (metric(sr, hr) < metric(blurred, hr)).all()
