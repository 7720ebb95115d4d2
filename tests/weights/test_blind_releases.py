"""Released networks for real pictures are recognised: Real-ESRGAN's, BSRGAN's and their small relatives; SwinIR's are in
tests/network/test_spandrel_releases.py. Each hash is of the names and shapes that the authors' own class has, by their code."""

import hashlib

import pytest
import torch
from torch import Tensor

from sr.network.compact import Compact
from sr.network.rrdb import RRDB
from sr.weights import initial
from sr.weights.fit import load_weights
from sr.weights.recognise import candidates

Shapes = dict[str, tuple[int, ...]]
FIRST_NAMES = {"conv_body": "trunk_conv", "body.": "RRDB_trunk.", "rdb": "RDB", "conv_up": "upconv", "conv_hr": "HRconv"}


def conv(key: str, n_out: int, n_in: int) -> Shapes:
    return {f"{key}.weight": (n_out, n_in, 3, 3), f"{key}.bias": (n_out,)}


def rrdb(n_blocks: int = 23, n_in: int = 3) -> Shapes:
    """BasicSR's RRDBNet; x2plus unshuffles its input to 12 channels."""
    ends = ("conv_body", "conv_up1", "conv_up2", "conv_hr")
    shapes = conv("conv_first", 64, n_in) | conv("conv_last", 3, 64)
    for name in ends:
        shapes |= conv(name, 64, 64)
    for block in (f"body.{b}.rdb{i}" for b in range(n_blocks) for i in (1, 2, 3)):
        for i in range(1, 6):
            shapes |= conv(f"{block}.conv{i}", 64 if i == 5 else 32, 64 + 32 * (i - 1))
    return shapes


def first_names(key: str) -> str:
    """Of ESRGAN's release of 2018 and of BSRGAN's."""
    for new, old in FIRST_NAMES.items():
        key = key.replace(new, old)
    return key


def bsrgan(scale: int) -> Shapes:
    """cszn/KAIR, models/network_rrdbnet.py; x2 has one upsampling convolution and does not unshuffle."""
    shapes = {key: shape for key, shape in rrdb().items() if scale == 4 or not key.startswith("conv_up2")}
    return {first_names(key): shape for key, shape in shapes.items()}


def compact(scale: int, n_convs: int) -> Shapes:
    """SRVGGNetCompact of Real-ESRGAN: convolutions and PReLUs in turn."""
    shapes = conv("body.0", 64, 3) | conv(f"body.{2 * n_convs + 2}", 3 * scale**2, 64)
    for i in range(n_convs + 1):
        shapes |= {f"body.{2 * i + 1}.weight": (64,)} | (conv(f"body.{2 * i}", 64, 64) if i else {})
    return shapes


RELEASES = {  # file: shapes, their hash, class, scale, options that only some have
    "RealESRGAN_x4plus, RealESRNet_x4plus": (rrdb(), "4f3f0967b989", RRDB, 4, {"multiple_of": 1}),
    "RealESRGAN_x2plus": (rrdb(n_in=12), "f62f31a2126d", RRDB, 2, {"multiple_of": 2}),
    "RealESRGAN_x4plus_anime_6B": (rrdb(6), "5acbbb2da3b0", RRDB, 4, {"multiple_of": 1}),
    "BSRGAN, BSRNet": (bsrgan(4), "cf1b837bcfbf", RRDB, 4, {"multiple_of": 1}),
    "BSRGANx2": (bsrgan(2), "67adb649fccc", RRDB, 2, {"multiple_of": 1}),
    "realesr-animevideov3": (compact(4, 16), "22326a7fb4a2", Compact, 4, {}),
    "RealESRGANv2-animevideo-xsx2": (compact(2, 16), "3b174f376d03", Compact, 2, {}),
    "realesr-general-x4v3, -wdn-x4v3": (compact(4, 32), "a329049203fb", Compact, 4, {}),
}


@pytest.mark.parametrize(("shapes", "digest", "kind", "scale", "attributes"), RELEASES.values(), ids=RELEASES)
def test_recognised(shapes, digest, kind, scale, attributes):
    text = "\n".join(f"{key} {shape}" for key, shape in sorted(shapes.items()))
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == digest
    tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    first, *others = candidates(tensors, "weights.pth")[0]
    with torch.device("meta"):
        network = first.build()
    assert not others and type(network) is kind and network.scale == scale
    assert len(network.state_dict()) == len(shapes)
    assert {key: getattr(network, key) for key in attributes} == attributes


def small(scale: int, unshuffle: bool = True) -> RRDB:
    torch.manual_seed(0)
    return RRDB(scale=scale, n_feats=8, n_blocks=2, unshuffle=unshuffle).eval()


def renamed(network: RRDB) -> dict[str, Tensor]:
    return {first_names(key): value for key, value in network.state_dict().items()}


@pytest.mark.parametrize("scale", [2, 4])
def test_the_first_names_give_spandrels_results(scale):
    from spandrel.architectures.ESRGAN import ESRGANArch

    tensors = renamed(small(scale, unshuffle=False))
    ours, theirs = candidates(tensors, "old.pth")[0][0].build().eval(), ESRGANArch().load(tensors)
    lr = torch.rand(1, 3, 9, 11)
    assert type(ours) is RRDB and theirs.scale == ours.scale == scale
    with torch.inference_mode():
        torch.testing.assert_close(ours(lr), theirs.model.eval()(lr), atol=1e-5, rtol=1e-5)


def test_a_named_network_and_init_from_take_the_first_names(tmp_path):
    wanted, other = small(4), RRDB(n_feats=8, n_blocks=2)
    load_weights(other, renamed(wanted), "old.pth")
    assert all(torch.equal(value, wanted.state_dict()[key]) for key, value in other.state_dict().items())
    torch.save(renamed(wanted), tmp_path / "old.pth")
    longer = RRDB(n_feats=8, n_blocks=3)
    line = initial.load_network(longer, tmp_path / "old.pth")
    assert f"{len(wanted.state_dict())} of the network's {len(longer.state_dict())} tensors are loaded" in line
    assert torch.equal(longer.body[1].rdb2.conv3.weight, wanted.body[1].rdb2.conv3.weight)
