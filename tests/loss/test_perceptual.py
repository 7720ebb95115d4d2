import warnings

import numpy as np
import pytest
import torch
from hydra.errors import InstantiationException

from sr.backbone.vgg import VGG19, layer_names
from sr.image.photograph import photograph
from sr.loss.perceptual import Perceptual, _sizes, gram
from tests.jobs import compose


@pytest.fixture(scope="module")
def file(sr_data):
    """The real weights of Simonyan and Zisserman up to conv3_4."""
    return str(sr_data / "weights" / "vgg19_conv1_1_to_conv3_4.pth")


@pytest.fixture(scope="module")
def reference(file):
    """torchvision's VGG-19, cut behind conv3_4, with the same file: (N, 3, H, W) -> outputs of all layers."""
    from torchvision.models import vgg19
    from torchvision.transforms.functional import normalize

    with torch.device("meta"):
        features = vgg19().features[:17]
    features = features.to_empty(device="cpu").eval()
    state = torch.load(file, weights_only=True)
    features.load_state_dict({key.removeprefix("features."): value for key, value in state.items()})

    def outputs(image):
        x, found = normalize(image, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), []
        for layer in features:
            x = layer(x.clone())  # its activations work in place
            found.append(x)
        return found

    return outputs


def test_layers_stand_where_torchvision_has_them():
    from torchvision.models import vgg19

    with torch.device("meta"):
        theirs = [type(layer).__name__ for layer in vgg19().features][:-1]
    kinds = {"conv": "Conv2d", "relu": "ReLU", "pool": "MaxPool2d"}
    assert [kinds[name[:4]] for name in layer_names()] == theirs
    assert layer_names()[34] == "conv5_4" and layer_names()[16] == "conv3_4"


def test_features_equal_torchvision(file, reference, pair):
    wanted = ["conv1_2", "relu2_2", "conv3_4"]
    ours = VGG19(layers=wanted, weights=file)(pair[1])
    theirs = reference(pair[1])
    for name in wanted:
        torch.testing.assert_close(ours[name], theirs[layer_names().index(name)], rtol=1e-5, atol=5e-3)
    assert ours["conv1_2"].min() < 0 <= ours["relu2_2"].min()


@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_loss_is_the_weighted_sum_of_distances(file, reference, pair, criterion):
    loss = Perceptual(layers={"conv3_4": 0.01, "relu2_2": 0.5, "conv5_4": 0}, criterion=criterion, weights=file)
    sr, hr = (reference(image) for image in pair)
    distances = [(sr[i] - hr[i]).abs() if criterion == "l1" else (sr[i] - hr[i]) ** 2 for i in (16, 8)]
    expected = 0.01 * distances[0].mean() + 0.5 * distances[1].mean()
    torch.testing.assert_close(loss(*pair), expected, rtol=1e-4, atol=0)


def test_style_adds_the_distance_of_gram_matrices(file, reference, pair):
    plain = Perceptual(layers={"conv2_2": 1.0}, weights=file)(*pair)
    styled = Perceptual(layers={"conv2_2": 1.0}, weights=file, style_weight=3.0)(*pair)
    grams = []
    for image in pair:
        x = reference(image)[7].detach().double().numpy()
        grams.append(np.einsum("nchw,ndhw->ncd", x, x) / np.prod(x.shape[1:]))
    assert (styled - plain).item() == pytest.approx(3 * np.abs(grams[0] - grams[1]).mean(), rel=1e-4)


def test_gram_does_not_see_where_things_are(pair):
    torch.testing.assert_close(gram(pair[1]), gram(pair[1].flip(-1)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gram_is_exact_and_finite_under_autocast(pair, dtype):
    features = (pair[1] * 500).to(dtype)  # VGG's reach hundreds; fp16 ends at 65504
    with torch.autocast("cpu", dtype=dtype):
        torch.testing.assert_close(gram(features), gram(features.double()).float(), rtol=1e-5, atol=0)


def test_random_weights_are_always_the_same_and_leave_torchs_state_alone(pair):
    torch.manual_seed(1)
    first = Perceptual(weights="random")
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1))
    assert torch.equal(first(*pair), Perceptual(weights="random")(*pair))


def test_vgg_is_frozen(pair):
    loss = Perceptual(weights="random", layers={"conv2_1": 1.0})
    sr = pair[0].clone().requires_grad_()
    loss(sr, pair[1]).backward()
    assert sr.grad.any() and not any(p.requires_grad or p.grad is not None for p in loss.parameters())


def composed(*words):
    """The loss of a command line."""
    from sr import build

    return build.build(compose("train", "loss=[l1,perceptual]", *words).loss.perceptual)


def test_the_hint_of_a_file_that_stops_early_works_as_printed(file):
    with pytest.raises(
        InstantiationException, match="ends at conv3_4 of VGG-19, before conv5_4: pass loss.perceptual"
    ) as error:
        composed(f"loss.perceptual.weights={file}")
    words = str(error.value.__cause__).split("pass ")[1].split()
    assert list(composed(f"loss.perceptual.weights={file}", *words).layers) == ["conv3_4"]


@pytest.mark.parametrize("words", [["+loss.perceptual.layers.conv4_4=1"], ["+loss.perceptual.layers.conv3_4=1"]])
def test_the_hint_takes_out_all_that_is_too_deep(file, words):
    words = [f"loss.perceptual.weights={file}", *words]
    with pytest.raises(InstantiationException) as error:
        composed(*words)
    more = str(error.value.__cause__).split("pass ")[1].split()
    assert list(composed(*words, *more).layers) == ["conv3_4"]


def test_the_hint_of_a_metric_works_as_printed(file):
    from sr import build

    words = ["metric=[vgg_distance]", f"metric.vgg_distance.weights={file}"]
    with pytest.raises(InstantiationException, match="before conv5_4: pass metric.vgg_distance.layers=") as error:
        build.build(compose("train", *words, "metric.vgg_distance.layers=[conv5_4]").metric.vgg_distance)
    more = str(error.value.__cause__).split("pass ")[1].split()
    build.build(compose("train", *words, *more).metric.vgg_distance)


@pytest.mark.medium
def test_features_of_one_size_with_any_weights(file, pair):
    """ReLUs are homogeneous: the first convolution and all biases times a factor make features times that factor."""
    losses = []
    for factor in (1.0, 0.01, 30.0):
        loss = Perceptual(layers={"conv2_2": 1.0, "conv3_4": 1.0}, weights=file)
        for i, layer in enumerate(layer for layer in loss.vgg.features if isinstance(layer, torch.nn.Conv2d)):
            layer.bias.data *= factor
            layer.weight.data *= factor if i == 0 else 1.0
        sizes = {name: 5.0 / rms for name, rms in _sizes(loss.vgg).items()}
        loss.scales = {name: float(f"{scale:.3g}") for name, scale in sizes.items()}
        losses.append(float(loss(*pair)))
        features = loss._features(photograph(96))
        assert all(found.square().mean().sqrt() == pytest.approx(5.0, rel=0.01) for found in features.values())
    assert losses == pytest.approx([losses[0]] * 3, rel=0.02)
    assert float(Perceptual(layers={"conv2_2": 1.0, "conv3_4": 1.0}, weights=file, features_rms=5.0)(*pair)) == losses[0]


@pytest.mark.medium
def test_conv3_4_beside_l1(sr_data, pair):
    """The original's features were a hundred times torchvision's: a loss of thousands beside an L1 below 1."""
    from sr import build

    cfg = compose("train", "loss=[l1,perceptual_conv3_4]", f"data_dir={sr_data}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = build.build(cfg.loss.perceptual)
    raw = Perceptual(layers={"conv3_4": 1.0}, weights=cfg.loss.perceptual.weights)
    untrained = pair[0].flip(-1), pair[1]
    assert float(raw(*untrained)) > 500
    assert float(loss(*untrained)) == pytest.approx(float(raw(*untrained)) / 100, rel=0.05)


def test_features_a_hundred_times_too_large_are_said(file):
    words = [f"loss.perceptual.weights={file}", "loss.perceptual.layers.conv5_4=0"]
    with pytest.warns(UserWarning, match="is for pixels on 0..255: .* pass loss.perceptual.features_rms=11, which") as said:
        composed(*words, "+loss.perceptual.layers.conv3_4=1")
    word = next(word for word in str(said[0].message).split() if word.startswith("loss.perceptual.features_rms")).rstrip(",")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        composed(*words, "+loss.perceptual.layers.conv3_4=1", word)
        composed(*words, "+loss.perceptual.layers.conv3_4=0.01")  # it is known


def test_offline_the_choices_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(FileNotFoundError, match="weights=FILE .* or loss.perceptual.weights=random") as error:
        Perceptual()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layers": {"conv6_1": 1.0}}, "no layer conv6_1"),
        ({"layers": "conv3_4"}, r"loss.perceptual.layers=conv3_4: pass \+\+loss.perceptual.layers.conv3_4=1"),
        ({"layers": {"conv5_4": 0}}, "no layer with a weight"),
        ({"criterion": "l3"}, "criterion=l3: choose one of l1, l2"),
        ({"weights": "no.pth"}, "no.pth: no such file; pass imagenet, random"),
    ],
)
def test_errors_are_one_line(options, says):
    with pytest.raises((ValueError, FileNotFoundError), match=says) as error:
        Perceptual(**{"weights": "random", **options})
    assert "\n" not in str(error.value)
