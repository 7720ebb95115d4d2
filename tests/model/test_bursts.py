"""Which frames of a batch a network gets, and the baselines of bursts."""

import pytest
import torch

from sr.errors import InputError
from sr.functional.bicubic import enlarged
from sr.model.baseline import baselines
from sr.model.bursts import reference, seen
from sr.model.sets import check_sets
from sr.network.compact import Compact
from sr.network.shift_and_add import ShiftAndAdd
from tests.bursts import burst, photo, psnr

BURST, HR = torch.rand(1, 4, 3, 8, 8), torch.rand(1, 3, 16, 16)
PICTURE = Compact(scale=2, n_feats=8, n_blocks=1)


def test_each_network_gets_what_it_takes():
    batch = {"lr": BURST, "hr": HR}
    assert seen(ShiftAndAdd(), batch) is BURST and torch.equal(seen(PICTURE, batch), BURST[:, 0])
    assert torch.equal(reference(batch), BURST[:, 0]) and torch.equal(reference({"lr": BURST}), BURST[:, 0])
    with pytest.warns(UserWarning, match="ShiftAndAdd gets pictures: each is a burst of one frame, so this is single-frame SR"):
        assert torch.equal(seen(ShiftAndAdd(), {"lr": BURST[:, 0], "hr": HR}), BURST[:, :1])
    clip = {"lr": BURST, "hr": HR[:, None].expand(1, 4, 3, 16, 16)}
    with pytest.raises(InputError, match=r"^ShiftAndAdd is for bursts, but the data have clips: pass benchmark=\[bursts"):
        seen(ShiftAndAdd(), clip)
    PICTURE.clips = True
    with pytest.raises(InputError, match="^Compact is for clips, but the data have bursts: pass data=clips"):
        seen(PICTURE, batch)
    PICTURE.clips = False


def test_a_set_of_clips_is_refused_before_it_is_measured():
    class Sets:
        clips = True

        def sets(self, when):
            return {"clips": self}

    with pytest.raises(InputError, match=r"clips has clips, but ShiftAndAdd is for bursts: pass benchmark=\[bursts\]"):
        check_sets({}, Sets(), "test", ShiftAndAdd())


def test_baselines_of_bursts():
    lr = burst(64, frames=4)[0]
    rows = dict(baselines(lr, (64, 64)))
    assert list(rows) == ["bicubic", "shift_and_add", "back_projection"]
    assert torch.equal(rows["bicubic"], enlarged(lr[:, 0], 2))
    scores = [psnr(row, photo(64)) for row in rows.values()]
    assert scores == sorted(scores) and all(torch.equal(row * 255, (row * 255).round()) for row in rows.values())
    one = dict(baselines(lr[:, :1], (64, 64)))  # tables over numbers of frames have the same rows for one frame
    assert list(one) == list(rows) and (one["shift_and_add"] - one["bicubic"]).abs().mean() < 1 / 255  # rounded twice
