"""Edges in CT: discs and steps whose edges are known, the F-score by all distances, and a head."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.kind import PHOTO, Kind
from sr.metric.edges import Edges

CT = Kind("ct", 1, "int16", (-1024, 3071), 4095, False, (0,), "clip")
XRAY = Kind("xray", 1, "uint16", (0, 65535), 65535, False, (0,))


def tensor(hounsfield: np.ndarray) -> Tensor:
    """(H, W) in Hounsfield units -> (1, 1, H, W)."""
    return CT.scaled(torch.from_numpy(np.float32(hounsfield))[None, None])


def disc(radius: float, inside: float = 1000, x: float = 40.0) -> np.ndarray:
    """A disc of bone in water (96, 96), its rim as a scanner has it."""
    rows, columns = np.mgrid[:96, :96]
    distance = np.hypot(rows - 48, columns - x)
    return inside / (1 + np.exp((distance - radius) / 0.4))


def test_edges_of_a_disc_lie_on_its_rim():
    metric = Edges(kind=CT, levels=4095)
    found = metric.found(metric.array(metric.prepare(tensor(disc(30)))[0]))
    rows, columns = np.nonzero(found)
    assert np.abs(np.hypot(rows - 48, columns - 40) - 30).max() < 1 and 2 * np.pi * 30 * 0.8 < len(rows) < 2 * np.pi * 30 * 1.2


@pytest.mark.parametrize(("kind", "threshold", "step"), [(CT, None, 300), (CT, 100, 100), (XRAY, 5000, 5000)])
def test_the_threshold_is_the_height_of_a_step(kind, threshold, step):
    metric = Edges(kind=kind, threshold=threshold, levels=kind.levels)
    picture = np.zeros((1, 1, 32, 32), np.float32)

    def has_edges(height: float) -> bool:
        picture[..., 16:] = height
        return metric.found(metric.array(metric.prepare(kind.scaled(torch.from_numpy(picture)))[0])).any()

    assert has_edges(1.03 * step) and not has_edges(0.97 * step)


def test_score_of_a_shift_of_a_missing_disc_and_of_none():
    metric = Edges(kind=CT, levels=4095)
    hr = tensor(disc(20))
    assert metric(hr, hr).item() == 1
    assert metric(tensor(disc(20, x=41)), hr).item() > 0.99  # all within a pixel
    assert metric(tensor(disc(26)), hr).item() == 0
    both = tensor(disc(10, x=20) + disc(10, x=70))
    assert metric(tensor(disc(10, x=20)), both).item() == pytest.approx(2 / 3)  # precision 1, recall 1/2
    soft = tensor(disc(20, inside=100))
    assert metric(torch.cat([soft, soft, hr]), torch.cat([soft, hr, soft])).tolist() == [1, 0, 0]


def test_score_of_a_head_by_all_distances(sr_data):
    hr = CT.scaled(CT.tensor(sr_data / "domains" / "medical" / "ct_head_dicom" / "20.dcm")[None])[..., 128:384, 128:384]
    sr = imresize(imresize(hr, 1 / 4, rounding=4095), 4, rounding=4095)
    metric = Edges(kind=CT, levels=4095, crop_border=4)
    ours, theirs = (np.argwhere(metric.found(metric.array(metric.prepare(image)[0]))) for image in (sr, hr))
    distances = cdist(ours, theirs)
    precision, recall = (distances.min(1) <= 1).mean(), (distances.min(0) <= 1).mean()
    assert metric(sr, hr).item() == pytest.approx(2 * precision * recall / (precision + recall)) and 0.5 < recall < 0.99


def test_bad_input_is_one_line():
    with pytest.raises(InputError, match="^metric=edges is for one band, such as image=ct, not for the 3 of image=photo$"):
        Edges(kind=PHOTO)
    with pytest.raises(InputError, match=r"^metric\.edges\.threshold=-3: pass a number above 0$"):
        Edges(kind=CT, threshold=-3)
