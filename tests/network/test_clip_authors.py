"""Networks for clips: with weights that a formula gives, results are those of the authors' code; and the keys of their files.

The numbers were printed by the code of mmagic (commit 0a560bb) and, for RRN, of junpan19/RRN, on the same weights and clip;
BasicSR's code (commit 8d56e3a), which needs larger frames, differed from ours by at most 1.2e-7 with random weights.
"""

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from sr.errors import InputError
from sr.network.basicvsr import BasicVSR
from sr.network.basicvsr_pp import BasicVSRPlusPlus
from sr.network.edvr import EDVR, EDVRFeatures
from sr.network.iconvsr import IconVSR
from sr.network.realbasicvsr import RealBasicVSR
from sr.network.rrn import RRN
from sr.network.spynet import SPyNet
from sr.weights import checkpoint, initial
from sr.weights.recognise import candidates, recognise

KEYS = yaml.safe_load(Path(__file__).with_name("mmagic_keys.yaml").read_text())
SMALL = {"n_feats": 8, "n_blocks": 1}
# Frame, height, width; mean, standard deviation; pixels (frame, channel, row, column) = (0, 0, 3, 5), (-1, 1, 20, 30),
# (1, 2, 40, 17), (-1, 0, 47, 39).
AUTHORS = [
    (BasicVSR, SMALL, (3, 24, 20), 0.556556, 0.318327, (0.882809, 0.827511, 0.923972, 0.965466)),
    (
        IconVSR,
        {"n_blocks": 1, "keyframe_stride": 3},
        (5, 24, 20),
        0.419404,
        0.31651,
        (0.730512, -0.00197873, 0.831013, 0.0238787),
    ),
    (IconVSR, {"n_blocks": 1, "reach": 3}, (7, 24, 20), 0.419642, 0.316465, (0.730512, 0.811932, 0.831013, 0.773789)),
    (
        RealBasicVSR,
        SMALL | {"n_cleaning_blocks": 1},
        (3, 24, 20),
        0.643871,
        0.470959,
        (1.00828, 0.63727, 0.507572, 1.30065),
    ),
    (BasicVSRPlusPlus, SMALL, (4, 64, 64), 0.584381, 0.292999, (0.508278, 0.878506, 0.598451, 0.200179)),
    (
        EDVR,
        SMALL | {"groups": 4, "n_extract_blocks": 1},
        (6, 24, 20),
        0.511217,
        0.320033,
        (0.730913, 0.51753, 0.996426, 0.291057),
    ),
    (
        EDVR,
        SMALL | {"groups": 4, "n_extract_blocks": 1, "tsa": False},
        (6, 24, 20),
        0.511218,
        0.32004,
        (0.729986, 0.517842, 0.996362, 0.290683),
    ),
    (RRN, {"n_feats": 8, "n_blocks": 2}, (4, 24, 20), 0.494872, 0.380046, (0.750707, 0.458544, 0.837165, 0.6543)),
]


def wave(network: nn.Module) -> nn.Module:
    """Weights of sines, in the order of their names; SPyNet's constants stay."""
    with torch.no_grad():
        for i, (key, value) in enumerate(sorted(network.state_dict().items())):
            if not key.endswith((".mean", ".std")):
                sine = torch.sin(0.7 * torch.arange(value.numel(), dtype=torch.float64) + i).reshape(value.shape)
                value.copy_(0.5 * sine / value[0].numel() ** 0.5 if value.ndim > 1 else 0.1 * sine)
    return network.eval()


@pytest.mark.parametrize(
    ("made", "options", "size", "mean", "std", "pixels"), AUTHORS, ids=[f"{one[0].__name__}-{len(one[1])}" for one in AUTHORS]
)
def test_results_are_the_authors(made, options, size, mean, std, pixels):
    frames, height, width = size
    lr = 0.5 + 0.5 * torch.sin(0.37 * torch.arange(frames * 3 * height * width, dtype=torch.float64))
    with torch.inference_mode():
        sr = wave(made(**options))(lr.reshape(1, frames, 3, height, width).float())[0]
    found = [sr.mean(), sr.std(), sr[0, 0, 3, 5], sr[-1, 1, 20, 30], sr[1, 2, 40, 17], sr[-1, 0, 47, 39]]
    assert [float(value) for value in found] == pytest.approx([mean, std, *pixels], abs=1e-5)


def mmagic(name: str, network: nn.Module, prefix: str = "generator.") -> dict[str, torch.Tensor]:
    """The network's tensors under mmagic's names: those of a list that our names for them map to."""
    layers = [*KEYS[name], *(layer for layer in KEYS["iconvsr"] if layer.startswith("spynet") and name == "basicvsr_pp")]
    theirs = [*(f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")), "spynet.mean", "spynet.std"]
    names = type(network).release.renamed(theirs)
    state = network.state_dict()
    return {f"{prefix}{key}": state[ours] for key, ours in names.items() if ours in state}


@pytest.mark.parametrize(
    ("name", "made"), [("iconvsr", IconVSR(n_blocks=1)), ("basicvsr_pp", BasicVSRPlusPlus(n_blocks=1))], ids=["icon", "pp"]
)
def test_files_of_mmagic_are_recognised(name, made, tmp_path):
    tensors = mmagic(name, made)
    assert len(tensors) == len(made.state_dict()) and not tensors.keys() & made.state_dict().keys()
    checkpoint.write({"meta": {}, "state_dict": tensors | {"step_counter": torch.zeros(1)}}, tmp_path / "theirs.pth")
    stored = checkpoint.stored_weights(tmp_path / "theirs.pth")
    (found,), _ = candidates(stored, "theirs.pth")
    built = found.build()
    assert type(built) is type(made) and (built.scale, built.channels) == (4, 3)
    assert all(torch.equal(value, built.state_dict()[key]) for key, value in made.state_dict().items())


def test_the_average_of_a_gan_is_read_rather_than_the_last_weights(tmp_path):
    network, average = RealBasicVSR(n_blocks=1, n_cleaning_blocks=2), RealBasicVSR(n_blocks=1, n_cleaning_blocks=2)
    state = {f"generator.{key}": value for key, value in network.state_dict().items()}
    state |= {f"generator_ema.{key}": value for key, value in average.state_dict().items()}
    checkpoint.write({"state_dict": state | {"discriminator.conv.weight": torch.zeros(1)}}, tmp_path / "gan.pth")
    (found,), _ = candidates(checkpoint.stored_weights(tmp_path / "gan.pth"), "gan.pth")
    built = found.build()
    assert len(built.basicvsr.forward_trunk.main[2]) == 1 and len(built.image_cleaning[0].main[2]) == 2
    assert torch.equal(built.image_cleaning[1].weight, average.image_cleaning[1].weight)


@pytest.mark.parametrize(
    "made",
    [BasicVSR(**SMALL), EDVR(n_feats=64, n_blocks=1, tsa=False), EDVR(**SMALL, predeblur=True), RRN(scale=2, **SMALL)],
    ids=["basicvsr", "edvr", "predeblur", "rrn"],
)
def test_files_with_our_names_are_recognised(made):
    (found,), _ = candidates(made.state_dict(), "file.pth")
    built = found.build()
    assert type(built) is type(made) and built.scale == made.scale
    assert {key: value.shape for key, value in built.state_dict().items()} == {
        key: value.shape for key, value in made.state_dict().items()
    }


def test_a_recognised_network_is_tried_on_a_photograph():
    with torch.no_grad():
        network = RRN(scale=2, **SMALL)
        network.neuro.conv_o.weight.zero_()
    assert type(recognise(network.state_dict(), "file.pth")) is RRN  # bilinear: worse than bicubic, but no noise
    nn.init.normal_(network.neuro.conv_o.weight, std=5)
    with pytest.raises(InputError, match="file.pth: has the tensors of RRN, but does not enlarge a photograph"):
        recognise(network.state_dict(), "file.pth")


def test_parts_are_loaded_from_their_own_files_and_from_networks(tmp_path):
    network, flow = IconVSR(n_feats=64, n_blocks=1), SPyNet()
    whole, layers = BasicVSR(**SMALL), flow.basic_module.state_dict()
    theirs = {}
    for key, value in layers.items():  # as spynet_20210409-c6c1bd09.pth: each convolution in a module, without mean and std
        level, _, place, kind = key.split(".")
        theirs[f"basic_module.{level}.basic_module.{int(place) // 2}.conv.{kind}"] = value
    for name, content in (("flow", theirs), ("params", {"params": flow.state_dict()}), ("whole", whole.state_dict())):
        checkpoint.write(content, tmp_path / f"{name}.pth")
        wanted = whole.spynet if name == "whole" else flow
        assert "tensors are loaded" in initial.load_network_part(network, "spynet", tmp_path / f"{name}.pth")
        state = network.spynet.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in wanted.state_dict().items())
    window = EDVRFeatures()
    checkpoint.write(dict(window.state_dict()), tmp_path / "edvr.pth")
    initial.load_network_part(network, "edvr", tmp_path / "edvr.pth")
    assert torch.equal(network.edvr.pcd_align.cas_dcnpack.weight, window.pcd_align.cas_dcnpack.weight)
    with pytest.raises(InputError, match="init_parts.flow=x.pth: IconVSR has no part flow; it has edvr, spynet"):
        initial.load_network_part(network, "flow", "x.pth")
    with pytest.raises(InputError, match=r"edvr.pth: does not fit SPyNet: \d+ keys missing"):
        initial.load_network_part(network, "spynet", tmp_path / "edvr.pth")
    for name, part in (("flow", "SPyNet"), ("edvr", "EDVRFeatures")):
        tensors = checkpoint.stored_weights(tmp_path / f"{name}.pth")
        with pytest.raises(InputError, match=f"^x.pth: is {part}, a part of other networks .*: pass init_parts"):
            recognise(tensors, "x.pth")
