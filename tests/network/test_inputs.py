"""What a network is called with: the signature of its `forward` is the schema."""

import pytest
import torch
from torch import nn

from sr.errors import InputError
from sr.infer.upscaler import upscale
from sr.network.compact import Compact
from sr.network.inputs import chosen, conditions, further, takes_size
from tests.network.further import Kernel, Scaled


class Optional(nn.Module):
    def forward(self, x, mask=None, *rest, strength, **more):
        return x


def test_the_signature_is_the_schema():
    assert further(Compact()) == {} and not takes_size(Compact())
    assert further(Optional()) == {"mask": False, "strength": True}
    assert further(Scaled()) == {"scale": True, "size": True} and takes_size(Scaled()) and not conditions(Scaled())
    assert conditions(Kernel()) == ["blur_kernel"]


def test_what_is_known_is_passed_and_nothing_else():
    assert chosen(Optional(), {"strength": 1, "text": "a"}) == {"strength": 1}
    assert chosen(Optional(), {"strength": 1, "mask": 2}) == {"strength": 1, "mask": 2}


def test_what_is_missing_is_one_line():
    with pytest.raises(
        InputError, match=r"Kernel.forward requires blur_kernel, which this call does not have \(it has scale\)"
    ):
        upscale(Kernel(), torch.rand(1, 3, 8, 8))


def test_upscale_passes_numbers_and_tensors():
    network, kernel = Kernel().eval(), torch.rand(1, 1, 7, 7)
    lr = torch.rand(2, 3, 20, 30)
    both = torch.cat([kernel, kernel.flip(-1)])
    with torch.no_grad():
        expected = network(lr, both)
    torch.testing.assert_close(upscale(network, lr, further={"blur_kernel": both}), expected)
    tiled = upscale(network, lr[:1], tile=16, overlap=12, further={"blur_kernel": kernel})
    torch.testing.assert_close(tiled, expected[:1], atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="blur_kernel is for 2 images, but there are 1"):
        upscale(network, lr[:1], further={"blur_kernel": both})


def test_the_ensemble_turns_the_kernel_with_the_image():
    """A network of which the result is the kernel: turned and turned back it is what it was."""

    class Shown(nn.Module):
        scale, multiple_of = 1, 1

        def forward(self, lr, kernel):
            return 0 * lr + kernel

    kernel = torch.rand(1, 3, 9, 9)
    assert torch.allclose(upscale(Shown(), torch.rand(1, 3, 9, 9), ensemble=True, further={"kernel": kernel}), kernel)
