import pytest
import torch

from sr.metric.lpips import LPIPS


@pytest.fixture
def metric(backbones, monkeypatch) -> LPIPS:
    monkeypatch.setenv("TORCH_HOME", backbones)
    return LPIPS(crop_border=2)


def test_equal_images_are_0_apart(metric, pair):
    assert metric(pair[1], pair[1]).tolist() == [0, 0]
    assert (metric(*pair) > 0.001).all()


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_equals_the_authors_package(metric, pair):
    lpips = pytest.importorskip("lpips")
    theirs = lpips.LPIPS(net="alex", verbose=False)  # the same backbone: it reads the same file
    sr, hr = (image[..., 2:-2, 2:-2] * 2 - 1 for image in pair)
    with torch.no_grad():
        torch.testing.assert_close(metric(*pair).float(), theirs(sr, hr).flatten(), rtol=1e-4, atol=1e-6)


def test_training_mode_of_the_owner_does_not_matter(metric, pair):
    score = metric(*pair)
    assert torch.equal(metric.train()(*pair), score)


def test_unknown_net(backbones):
    with pytest.raises(ValueError, match="unknown net 'resnet'; choose one of alex, vgg, squeeze"):
        LPIPS(crop_border=2, net="resnet")
