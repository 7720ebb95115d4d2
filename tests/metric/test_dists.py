import pytest
import torch

from sr.metric.dists import DISTS


@pytest.fixture
def metric(backbones, monkeypatch) -> DISTS:
    monkeypatch.setenv("TORCH_HOME", backbones)
    return DISTS(crop_border=2)


@pytest.mark.medium
def test_equal_images_are_0_apart(metric, pair):
    assert metric(pair[1], pair[1]).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert (metric(*pair) > 0.001).all()


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_equals_the_authors_package(metric, pair):
    theirs = pytest.importorskip("DISTS_pytorch").DISTS()  # the same backbone: it reads the same file
    sr, hr = (image[..., 2:-2, 2:-2] for image in pair)
    with torch.no_grad():
        torch.testing.assert_close(metric(*pair).float(), theirs(sr, hr), rtol=1e-4, atol=1e-6)
