"""Networks of any scale against their authors' code (tests/network/any_scale_theirs.py) and in the terms of their papers."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sr.errors import InputError
from sr.image.photograph import photograph
from sr.infer.upscaler import upscale
from sr.network import any_scale
from sr.network.compact import Compact
from sr.network.coordinate import Coordinate
from sr.network.edsr import EDSR
from sr.network.liif import LIIF
from sr.network.lte import LTE
from sr.network.meta_sr import MetaSR
from sr.network.rdn import RDN
from sr.network.spandrel import Spandrel
from sr.network.srcnn import SRCNN
from sr.weights import checkpoint
from sr.weights.recognise import candidates, recognise
from tests.network.any_scale_theirs import EVERY, SIZES, filled, image

THEIRS = json.loads(Path(__file__).with_name("any_scale_theirs.json").read_text())
HIDDEN = {"hidden": [16, 12]}


def edsr():
    return EDSR(scale=None, n_feats=8, n_blocks=2, res_scale=1.0)


OURS = {
    "liif": lambda: LIIF(backbone=edsr(), **HIDDEN),
    "liif without ensemble": lambda: LIIF(backbone=edsr(), local_ensemble=False, **HIDDEN),
    "liif without unfolding": lambda: LIIF(backbone=edsr(), feature_unfolding=False, **HIDDEN),
    "liif without cell": lambda: LIIF(backbone=edsr(), cell_decoding=False, **HIDDEN),
    "rdn": lambda: LIIF(backbone=RDN(scale=None, n_feats=8, growth=32, n_blocks=20, n_layers=6), **HIDDEN),
    "meta_sr": lambda: MetaSR(backbone=edsr()),
    "lte": lambda: LTE(backbone=edsr(), n_waves=24, **HIDDEN),
}


@pytest.mark.parametrize("name", THEIRS)
@torch.no_grad()
def test_the_authors_numbers(name):
    network = filled(OURS[name]())
    for size, theirs in zip(SIZES, THEIRS[name], strict=True):
        # CPUs add in another order: up to 2e-5 of a value of RDN's
        torch.testing.assert_close(network(image(), size).flatten()[::EVERY], torch.tensor(theirs), atol=1e-5, rtol=5e-5)


HEADS = {
    "liif": lambda backbone: LIIF(backbone=backbone, **HIDDEN),
    "nearest": lambda backbone: LIIF(backbone=backbone, local_ensemble=False, **HIDDEN),
    "lte": lambda backbone: LTE(backbone=backbone, n_waves=8, **HIDDEN),
    "meta_sr": lambda backbone: MetaSR(backbone=backbone, hidden=[8]),
    "coordinate": lambda backbone: Coordinate(backbone=backbone, hidden=[8]),
}
BACKBONES = {
    "compact": lambda: Compact(scale=None, n_feats=8, n_blocks=1),
    "rdn": lambda: RDN(scale=None, n_feats=8, growth=4, n_blocks=2, n_layers=2),
    "swinir": lambda: Spandrel(
        scale=None, n_feats=8, n_blocks=1, options={"depths": 2, "num_heads": 2, "window_size": 4, "mlp_ratio": 2}
    ),
}


@pytest.mark.parametrize("head", HEADS)
def test_tiles_are_the_whole_image_and_chosen_pixels_those_of_the_image(head, monkeypatch):
    """Three factors that are no whole numbers; the pixels that a training samples are those of the whole result."""
    torch.manual_seed(0)
    network = HEADS[head](BACKBONES["compact"]()).eval()
    lr = photograph(64, 3)[..., :61, :]
    for scale in (1.7, 2.3, 3.7):  # a tile's sides are multiples of 10 LR pixels, which become whole pixels
        whole = upscale(network, lr, scale=scale)
        assert whole.shape[-2:] == (round(61 * scale), round(64 * scale)) and whole.std() > 0.01
        torch.testing.assert_close(upscale(network, lr, scale=scale, tile=30, overlap=16), whole, atol=1e-5, rtol=0)
    size = (150, 201)
    whole, places = network(lr, size), torch.randperm(size[0] * size[1])[:50].view(2, 25)
    expected = whole[0].flatten(1)[:, places].transpose(0, 1)[..., None]
    two = lr.repeat(2, 1, 1, 1)
    torch.testing.assert_close(network(two, size, places), expected, atol=1e-5, rtol=0)
    other = network(lr, (97, 70)).flatten(2)[..., places[1] // 9]  # each image at a size of its own
    found = network(two, torch.tensor([size, (97, 70)]), torch.stack([places[0], places[1] // 9]))
    torch.testing.assert_close(found, torch.cat([expected[:1], other[..., None]]), atol=1e-5, rtol=0)
    monkeypatch.setattr(any_scale, "QUERIES", 1000)  # in parts, so that memory does not grow with the result
    with torch.no_grad():
        torch.testing.assert_close(network(lr, size), whole, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_global_skip_is_bilinear_interpolation():
    """A head that answers 0 leaves torch's own interpolation; without the skip, gray."""
    for skip in (False, True):
        network = LIIF(backbone=edsr(), global_skip=skip, **HIDDEN)
        for parameter in network.imnet.parameters():
            parameter.zero_()
        lr = photograph(64, 3)[..., :20, :24]
        expected = F.interpolate(lr, size=(50, 71), mode="bilinear") if skip else torch.full((1, 3, 50, 71), 0.5)
        torch.testing.assert_close(network(lr, (50, 71)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_weight_of_a_backbone_learns(name):
    network = HEADS["liif"](BACKBONES[name]())
    network(torch.rand(1, 3, 8, 8), (13, 11)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_a_released_file_is_recognised(tmp_path):
    """As the authors save it: {"model": {"name", "args", "sd"}, ...}; noise is refused after its network was found."""
    for name, kind in (("liif", LIIF), ("rdn", LIIF), ("meta_sr", MetaSR), ("lte", LTE), ("liif without cell", LIIF)):
        network = filled(OURS[name]())
        torch.save({"model": {"name": "x", "args": {}, "sd": network.state_dict()}, "epoch": 1}, tmp_path / "file.pth")
        tensors = checkpoint.stored_weights(tmp_path / "file.pth")
        built = candidates(tensors, "file.pth", 3)[0][0].build()  # as of test.py scale=3
        assert type(built) is kind
        with torch.no_grad():
            torch.testing.assert_close(built(image(), SIZES[1]), network(image(), SIZES[1]), atol=0, rtol=0)
    with pytest.raises(InputError, match="^file.pth: .*LIIF"):
        recognise(tensors, "file.pth")


@pytest.mark.parametrize(
    "made, line",
    [
        (lambda: LIIF(backbone=SRCNN(scale=2)), "network.backbone: SRCNN gives no features: pass network.backbone=compact"),
        (lambda: LIIF(backbone=edsr(), scales=[4, 1]), r"network.scales=\[4, 1\]: pass the smallest and the largest scale"),
        (lambda: LIIF(backbone=edsr(), scales=[0, 4]), "the smallest is at least 1"),
        (lambda: LIIF(backbone=edsr(), scales=[]), r"network.scales=\[\]: pass"),
        (lambda: LIIF(backbone=edsr(), channels=1), "network.backbone.channels=3, but network.channels=1: pass the same"),
        (lambda: Spandrel(scale=None, architecture="HAT"), "HAT gives no features here"),
        (lambda: edsr()(image()), "EDSR with scale=null gives features alone"),
    ],
)
def test_what_cannot_be(made, line):
    with pytest.raises(InputError, match=line) as error:
        made()
    assert "\n" not in str(error.value)
