"""Training in 8 bits: the rounding is PyTorch's own, ranges are learned and averaged, and keys stay those of the network."""

import copy

import pytest
import torch
from torch import nn

from sr.errors import InputError
from sr.model.average import Average
from sr.network.compact import Compact
from sr.network.ecbsr import ECBSR
from sr.network.imdn import IMDN
from sr.network.quantised import Quantised, Range
from sr.network.srcnn import SRCNN


def compact() -> Compact:
    torch.manual_seed(0)
    return Compact(scale=2, n_feats=8, n_blocks=2)


def lr(seed: int = 1) -> torch.Tensor:
    return torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(seed))


def test_the_rounding_of_features_and_its_gradient_are_pytorchs():
    limits = Range().train()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert limits.eval()(x) is x  # before training there is no range
    limits.train()(x)
    low, high = limits.ends()
    assert (low, high) == (float(x.min()), float(x.max()))
    with torch.no_grad():
        limits.low.mul_(0.5), limits.high.mul_(0.6)  # some values are outside
    low, high = limits.ends()
    step = (high - low) / 255
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected = torch.fake_quantize_per_tensor_affine(theirs, step, round(-low / step), 0, 255)
    torch.testing.assert_close(limits(ours), expected, rtol=0, atol=1e-6)
    limits(ours).square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-4)
    assert limits.low.grad.abs() > 0 < limits.high.grad.abs()


@pytest.mark.parametrize("reduce_range", [True, False])
def test_the_rounding_of_weights_is_pytorchs(reduce_range):
    network = Quantised(network=compact(), reduce_range=reduce_range).eval()
    name, conv = "body.2", network.network.body[2]
    assert name in network.layers
    codes = 64 if reduce_range else 127
    step = conv.weight.detach().abs().amax((1, 2, 3)) / codes
    weight = torch.fake_quantize_per_channel_affine(conv.weight, step, torch.zeros(8, dtype=torch.int32), 0, -codes, codes)
    x = torch.rand(1, 8, 6, 6)
    torch.testing.assert_close(conv(x), nn.functional.conv2d(x, weight, conv.bias, padding=1))


def test_first_and_last_stay_in_float_and_pooled_attention_too():
    assert Quantised(network=compact()).layers == ["body.2", "body.4"]
    assert Quantised(network=compact(), float_layers=["body.4"]).layers == ["body.0", "body.2", "body.6"]
    layers = Quantised(network=IMDN(scale=2, n_feats=8, n_blocks=1)).layers
    assert "IMDB1.c1" in layers and not {"fea_conv", "upsampler.0", "IMDB1.cca.conv_du.0"} & set(layers)


def test_weights_keep_their_keys_and_plain_gives_the_network_back():
    network, expected = compact().eval(), compact().eval()(lr())
    keys = network.state_dict().keys()
    made = Quantised(network=network)
    assert made.network.state_dict().keys() == keys
    made.train()(lr())
    assert not torch.equal(made.eval()(lr()), expected)
    torch.testing.assert_close(made.plain().eval()(lr()), expected, rtol=0, atol=0)
    assert type(made.network.body[2]) is not nn.Conv2d is type(made.plain().body[2])


def test_the_average_has_ranges_of_its_own():
    made = Quantised(network=compact())
    average = Average(made, 0.5)
    made.train()(lr())
    average.update_parameters(made)
    theirs = average.module
    assert theirs.learned() == made.learned()
    assert theirs.network.body[2].limits is theirs.ranges[0] is not made.ranges[0]
    with torch.no_grad():
        made.ranges[0].high += 1
    average.update_parameters(made)
    assert theirs.learned()["body.2"][1] == pytest.approx(made.learned()["body.2"][1] - 0.5)


def test_a_stored_network_computes_the_same():
    made = Quantised(network=compact())
    made.train()(lr())
    again = Quantised(network=compact())
    again.load_state_dict(copy.deepcopy(made.state_dict()))
    assert torch.equal(made.eval()(lr(2)), again.eval()(lr(2)))
    before = again.learned()
    again.train()(lr(3) * 5)  # the ranges are those of the first batch of training
    assert again.learned() == before


def test_what_cannot_be_quantised():
    with pytest.raises(InputError, match="Compact has no convolution head; there are body.0, body.2"):
        Quantised(network=compact(), float_layers=["head"])
    with pytest.raises(InputError, match="was not trained with quantise=int8"):
        Quantised(network=compact()).learned()
    with pytest.raises(InputError, match="quantise=int8: SRCNN has 0 convolutions with zero padding"):
        Quantised(network=SRCNN(scale=2))
    with pytest.raises(InputError, match="blocks of ECBSR are several convolutions in training"):
        Quantised(network=ECBSR(scale=2, n_feats=4, n_blocks=1))
