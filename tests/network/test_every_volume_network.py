"""What every network for volumes promises, tried on every file of conf/network that has `axes`."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from torch import nn

from sr.errors import InputError
from sr.functional.axes import factors, is_volume
from sr.functional.volume import interpolated
from sr.network.edsr3d import EDSR3D
from sr.network.upsample_volume import voxel_shuffle
from sr.network.vnet import VNet
from sr.weights import contract
from tests.jobs import CONF
from tests.network.small import FILES, VOLUMES
from tests.volumes import brain

MRI = OmegaConf.load(CONF / "image" / "mri.yaml")
SMALL = {"n_feats": 2}
CASES = [(2, "through_plane"), (4, "through_plane"), (2, "isotropic"), (3, [1, 3, 2])]


def build(name: str, scale: int = 2, axes: object = "through_plane", **options: object) -> nn.Module:
    node = OmegaConf.create({"scale": scale, "axes": axes, "image": MRI, "network": FILES[name]})
    node.network.update({key: value for key, value in SMALL.items() if key in FILES[name]} | options)
    torch.manual_seed(0)
    return instantiate(node.network, _convert_="all").eval()


def volume(network: nn.Module) -> torch.Tensor:
    m = network.multiple_of
    return torch.rand(2, network.channels, m, 2 * m if m > 4 else 3 * m, 2 * m, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("scale", "axes"), CASES)
@pytest.mark.parametrize("name", VOLUMES)
def test_shape_by_the_factors_of_each_axis(name, scale, axes):
    network = build(name, scale, axes)
    lr = volume(network)[:1]
    with torch.inference_mode():
        sr = network(lr)
    by = factors(scale, axes)
    assert sr.shape == (1, 1, *(f * size for f, size in zip(by, lr.shape[2:], strict=True))) and sr.isfinite().all()
    assert (network.scale, network.factors, network.axes) == (scale, by, axes) and is_volume(network)


@pytest.mark.parametrize("name", [name for name in VOLUMES if not name.startswith("interpolation")])
def test_gradients_reach_every_parameter_and_a_batch_does_not_mix(name):
    network = build(name, channels=2)
    lr = volume(network)
    (network(lr) - 0.3).square().mean().backward()
    gradients = {key: p.grad for key, p in network.named_parameters()}
    assert not [key for key, grad in gradients.items() if grad is None or not grad.any() or not grad.isfinite().all()]
    with torch.inference_mode():
        together, alone, again = network(lr), network(lr[:1]), network(lr[:1])
    assert torch.equal(alone, again)
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", VOLUMES)
def test_yaml_names_the_module_and_the_arguments(name):
    config = FILES[name]
    module = config["_target_"].removeprefix("sr.network.").split(".")[0]
    signature = inspect.signature(get_class(config["_target_"])).parameters
    plain = OmegaConf.to_container(config)
    assert name.startswith(module) and set(config) - {"_target_"} == set(signature)
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.values())
    assert (plain["scale"], plain["axes"], plain["channels"]) == ("${scale}", "${axes}", "${image.bands}")
    with pytest.raises(InputError, match=r"^scale -1 .*choose"):
        get_class(config["_target_"])(scale=-1)
    with pytest.raises(InputError, match="^axes=depth: choose isotropic, through_plane"):
        get_class(config["_target_"])(axes="depth")


def test_voxel_shuffle_of_one_slice_is_pixel_shuffle():
    x = torch.rand(2, 12, 5, 4, 3)
    made = voxel_shuffle(x, (1, 2, 2))
    for d in range(5):
        assert torch.equal(made[:, :, d], F.pixel_shuffle(x[:, :, d], 2))
    along = voxel_shuffle(x, (3, 1, 1))
    assert torch.equal(along[:, 1, 4], x[:, 4, 1])  # band 1, slice 3 * 1 + 1


def test_v_net_has_the_widths_of_the_paper():
    """Figure 2: five levels of 16 to 256 features, one to three 5x5x5 convolutions each, 2x2x2 with stride 2 between them."""
    with torch.device("meta"):
        weights = {key: tuple(p.shape) for key, p in VNet().named_parameters()}
    assert weights["encoder.4.convs.2.weight"] == (256, 256, 5, 5, 5) and weights["down.3.0.weight"] == (256, 128, 2, 2, 2)
    assert weights["decoder.3.convs.0.weight"] == (128, 256, 5, 5, 5) and weights["up.0.0.weight"] == (32, 16, 2, 2, 2)
    assert [sum(key.startswith(f"encoder.{n}.convs") for key in weights) // 2 for n in range(5)] == [1, 2, 3, 3, 3]


def test_an_untrained_network_is_near_the_interpolation(sr_data):
    lr = brain(sr_data, (8, 12, 10))
    with torch.inference_mode():
        sr = build("edsr3d_small", n_feats=16)(lr)
    assert (sr - interpolated(lr, (2, 1, 1))).abs().max() < 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"factors": (2, 2, 2)}, r"EDSR3D turns .* into .*; expected .* for factors 2x2x2$"),
        ({"factors": (4, 1, 1)}, r"EDSR3D.factors is \(4, 1, 1\): set it to three factors"),
        ({"multiple_of": 5}, "data.patch_size=24: EDSR3D accepts only multiples of 5; pass data.patch_size=20"),
    ],
)
def test_what_breaks_the_contract_is_said(change, says):
    network = EDSR3D(scale=2, axes="through_plane", n_feats=4, n_blocks=1)
    contract.network(network, 2, {24})
    for key, value in change.items():
        setattr(network, key, value)
    with pytest.raises(InputError, match=f"^{says}"):
        contract.network(network, 2, {24})
