"""What every network promises, tried on every file of conf/network; a new YAML is covered with no edit."""

import inspect
import re

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf

from tests.network.small import CONF, NAMES, PARAMS, scale_of, scales, shrunk

# In DAT-light the bias of positions passes a layer norm over one channel, which is constant: those weights never learn.
NEVER_LEARN = {"dat_light": ".pos."}
# Their blocks start as the identity, through factors that are 0, so that nothing inside has a slope yet.
STARTS_AS_IDENTITY = {"nafnet": (".beta", ".gamma")}
ADAPTER = "sr.network.spandrel.Spandrel"  # its YAMLs carry the names of architectures


def image(network: torch.nn.Module, height: int = 17, width: int = 23) -> torch.Tensor:
    """(2, 3, H, W) of odd sizes where the network takes them, else multiples; two windows where those are large."""
    multiple = network.multiple_of
    size = (multiple, 2 * multiple) if multiple > 8 else [-(-n // multiple) * multiple for n in (height, width)]
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", PARAMS)
def test_shape_at_every_scale(build, name):
    for scale in [scale for scale in (1, 2, 3, 4) if scale == scale_of(name, scale)] or [scale_of(name)]:
        network = build(name, scale, **shrunk(name, n_blocks=1, narrow=True))
        lr = image(network, 9, 11)[:1]
        with torch.inference_mode():
            sr = network(lr)
        assert sr.shape == (1, 3, scale * lr.shape[2], scale * lr.shape[3]) and sr.dtype == torch.float32
        assert network.scale == scale and isinstance(network.multiple_of, int)


def test_restoration_is_made_by_what_makes_sense_without_enlargement():
    """At x1 ESPCN's and FSRCNN's tails, which make pixels, and PAN's, which enlarges features, have nothing to do."""
    without = {name for name in NAMES if scales(name) and 1 not in scales(name)}
    assert without == {"espcn", "fsrcnn", "fsrcnn_small", "pan"}


@pytest.mark.parametrize("name", PARAMS)
def test_determinism_and_bfloat16(build, name):
    check_determinism_and_bfloat16(build(name, scale_of(name), **shrunk(name, narrow=True)))


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMS)
def test_determinism_and_bfloat16_at_full_size(build, name):
    check_determinism_and_bfloat16(build(name, scale_of(name, 4)))


def check_determinism_and_bfloat16(network):
    lr = image(network)
    with torch.inference_mode():
        sr, first, again = network(lr), network(lr[:1]), network(lr[:1])
        with torch.autocast("cpu", torch.bfloat16):
            half = network(lr[:1])
    assert sr.shape == (2, 3, network.scale * lr.shape[2], network.scale * lr.shape[3])
    assert torch.equal(first, again)
    # An image's result does not depend on its batch (batch norm in eval mode, no state kept between calls).
    torch.testing.assert_close(sr[:1], first, atol=3e-5, rtol=1e-5)
    # Half precision must cost its 8 bits of mantissa once, not the image: sub-pixel grids, means and chroma survive.
    assert (half - first).norm() < 0.02 * first.norm()


@pytest.mark.parametrize("name", PARAMS)
def test_gradients_reach_every_parameter(build, name):
    """DDP waits for the gradient of each weight that an optimizer gets, and raises where one never comes."""
    network = build(name, scale_of(name), **shrunk(name)).train()
    for key, parameter in network.named_parameters():
        if key.endswith(STARTS_AS_IDENTITY.get(name, ())):
            torch.nn.init.constant_(parameter, 0.1)
    parameters = {key: p for key, p in network.named_parameters() if p.requires_grad}
    if not parameters:
        pytest.skip(f"{name} has nothing to train")
    (network(image(network, 9, 11)) - 0.3).square().mean().backward()
    assert not [key for key, p in parameters.items() if p.grad is None or not p.grad.isfinite().all()]
    still = NEVER_LEARN.get(name, "none")
    assert not [key for key, p in parameters.items() if still not in key and not p.grad.any()]


@pytest.mark.parametrize("name", NAMES)
def test_yaml_names_the_module_and_the_arguments(name):
    config = OmegaConf.load(CONF / f"{name}.yaml")
    module, _ = config["_target_"].removeprefix("sr.network.").split(".")
    if config["_target_"] == ADAPTER:
        module = config["architecture"].lower()
    assert re.match(rf"{module}(_|$)", name)
    assert OmegaConf.to_container(config)["scale"] == "${scale}"
    signature = inspect.signature(get_class(config["_target_"])).parameters
    assert set(config) - {"_target_"} <= set(signature)
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.values())
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")


@pytest.mark.parametrize("name", NAMES)
def test_unsupported_scale_names_the_allowed_ones(name):
    config = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    target = get_class(config.pop("_target_"))
    with pytest.raises(ValueError, match=r"^scale -1 .*choose") as error:
        target(**{**config, "scale": -1})
    assert "\n" not in str(error.value)
