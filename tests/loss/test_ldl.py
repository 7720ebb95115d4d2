import numpy as np
import pytest
import torch

from sr.loss.ldl import LDL, artifact_map
from sr.loss.weighted_sum import WeightedSum


def by_hand(sr, hr, average=None):
    """The map of one image (C, H, W), window by window."""
    residual = np.abs(hr - sr).sum(0)
    padded = np.pad(residual, 3, mode="reflect")
    h, w = residual.shape
    local = np.array([[padded[y : y + 7, x : x + 7].var(ddof=1) for x in range(w)] for y in range(h)])
    weight = residual.var(ddof=1) ** (1 / 5) * local
    if average is not None:
        weight[residual < np.abs(hr - average).sum(0)] = 0
    return weight


def test_map_and_loss_by_hand(pair):
    sr, hr = (image[:, :, 30:50, 30:54].double() for image in pair)
    average = (sr + hr) / 2 + 0.01
    for extra in ([], [average]):
        ours = artifact_map(sr, hr, *extra)
        theirs = np.stack([by_hand(*(image[i].numpy() for image in (sr, hr, *extra))) for i in range(2)])[:, None]
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-9, atol=1e-15)
        assert LDL()(sr, hr, *extra).item() == pytest.approx(np.abs(theirs * (sr - hr).numpy()).mean())
    assert (artifact_map(sr, hr, average) == 0).any() and (artifact_map(sr, hr, average) > 0).any()


def test_the_sum_hands_the_average_to_those_that_use_it(pair):
    total = WeightedSum({"ldl": LDL()})
    assert total.uses_average
    assert total(*pair, pair[1].flip(-1))[0] != total(*pair)[0]
    assert torch.equal(total(*pair)[0], LDL()(*pair))


def test_equal_images_have_a_finite_slope(pair):
    sr = pair[1].clone().requires_grad_()
    LDL()(sr, pair[1]).backward()
    assert sr.grad.isfinite().all()


@pytest.mark.parametrize("window", [0, 1, 6, -7])
def test_a_window_without_a_centre_is_refused(window):
    with pytest.raises(ValueError, match=rf"^loss\.ldl\.window={window}: must be odd and at least 3$"):
        LDL(window=window)


def test_a_window_larger_than_the_mirrored_patch_is_refused(pair):
    small = [image[..., :8, :9] for image in pair]
    assert LDL(window=15)(*small) > 0
    with pytest.raises(ValueError, match=r"loss\.ldl\.window=17 is too large for patches of 8x9"):
        LDL(window=17)(*small)
