"""Deep image prior: the authors' hourglass; a fit that gives LR again, the same each time, and is kept."""

import json
from pathlib import Path

import pytest
import torch

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.infer.upscaler import upscale
from sr.network.deep_image_prior import DeepImagePrior, Hourglass
from tests.model.kernelgan_theirs import fill, parts, picture
from tests.network import deep_image_prior_theirs as theirs

SMALL = {"scale": 2, "n_feats": 8, "n_levels": 2, "depth": 4, "steps": 25, "lr": 0.03}


def test_the_hourglass_equals_theirs():
    network = Hourglass(**theirs.SMALL)
    fill(parts(network))
    with torch.no_grad():
        made = network(theirs.noise()).flatten()[:: theirs.EVERY]
    expected = json.loads((Path(__file__).parent / "deep_image_prior_theirs.json").read_text())
    torch.testing.assert_close(made, torch.tensor(expected), atol=2e-5, rtol=0)


def test_a_fit_gives_lr_again_and_is_kept(tmp_path):
    lr = torch.from_numpy(picture(9, 14)).permute(2, 0, 1)[None].float()
    network = DeepImagePrior(**SMALL, folder=str(tmp_path)).eval()
    sr = upscale(network, lr, tile=4)  # in one piece: tiles would be fitted one by one
    assert sr.shape == (1, 3, 18, 28) and 0 <= sr.min() <= sr.max() <= 1
    before, after = (imresize(one, size=(9, 14)).sub(lr).square().mean() for one in (torch.full_like(sr, 0.5), sr))
    assert after < 0.7 * before
    (file,) = tmp_path.rglob("*.pt")
    assert torch.equal(torch.load(file)["sr"], sr)
    assert torch.equal(DeepImagePrior(**SMALL).eval()(lr), sr)  # the same without the file
    stored = torch.zeros_like(sr)
    torch.save({"sr": stored}, file)
    assert torch.equal(network(lr), stored) and not torch.equal(network(1 - lr), stored)


def test_options_that_make_no_network_are_named():
    with pytest.raises(InputError, match=r"^scale -1 .*choose"):
        DeepImagePrior(scale=-1)
    with pytest.raises(InputError, match="steps=0"):
        DeepImagePrior(steps=0)
