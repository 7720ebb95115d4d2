"""Each part alone: the network, the loss, the data source."""

import numpy as np
import pytest
import torch
from sr.errors import InputError, MissingError

from my_project.data.listed import Listed
from my_project.loss.hardest import Hardest
from my_project.network.tiny import Tiny


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_network_enlarges_any_size_and_every_weight_learns(scale):
    network = Tiny(scale=scale)
    sr = network(torch.rand(2, 3, 9, 7))
    assert sr.shape == (2, 3, 9 * scale, 7 * scale)
    sr.square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_the_loss_is_the_mean_of_the_largest_errors():
    torch.manual_seed(0)
    sr, hr = torch.rand(2, 3, 8, 5), torch.rand(2, 3, 8, 5)
    errors = np.sort(np.abs(sr.numpy() - hr.numpy()).reshape(2, -1), axis=1)
    assert Hardest(share=0.25)(sr, hr).item() == pytest.approx(errors[:, -30:].mean(), rel=1e-6)
    assert Hardest(share=1)(sr, hr).item() == pytest.approx(errors.mean(), rel=1e-6)
    with pytest.raises(ValueError, match="share must be above 0"):
        Hardest(share=0)


def test_the_source_reads_its_list_and_names_what_is_wrong(tmp_path):
    photos = tmp_path / "photos.txt"
    (tmp_path / "a.png").write_bytes(b"")
    photos.write_text("# photos\na.png\n\n")
    assert Listed(photos).files() == [(tmp_path / "a.png", None)]
    Listed(photos).prepare()
    photos.write_text("a.png\nb.png\n")
    with pytest.raises(MissingError, match="b.png, which does not exist"):
        Listed(photos).prepare()
    photos.write_text("\n")
    with pytest.raises(InputError, match="names no image"):
        Listed(photos).files()
