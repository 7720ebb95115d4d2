"""A network for photographs on each band of an image."""

import pytest
import torch
from torch import nn

from sr import build
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.bandwise import Bandwise
from sr.network.interpolation import Interpolation
from tests.jobs import compose


class Tinted(nn.Module):
    """Bicubic x2 whose channels differ by factors with the mean 1."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        return imresize(lr, 2) * torch.tensor([1.5, 1.0, 0.5]).view(1, 3, 1, 1)


def test_each_band_is_upscaled_on_its_own():
    lr = torch.rand(2, 6, 9, 7)
    torch.testing.assert_close(Bandwise(network=Tinted(), channels=6)(lr), imresize(lr, 2))
    gray = Interpolation(scale=3, channels=1)
    torch.testing.assert_close(Bandwise(network=gray, channels=6)(lr), imresize(lr, 3))


def test_networks_that_do_not_suit():
    class Blind(Tinted):
        def forward(self, lr, blur_kernel):
            return super().forward(lr)

    with pytest.raises(InputError, match="bandwise=true: Blind also needs blur_kernel"):
        Bandwise(network=Blind(), channels=6)
    with pytest.raises(InputError, match="bandwise=true: Interpolation has 6 channels; it needs one or three"):
        Bandwise(network=Interpolation(channels=6), channels=6)


def test_test_and_predict_take_it(tmp_path):
    words = ["network=interpolation_bicubic", "network.channels=3", "scale=2", "image=sentinel2"]
    for name, more in (("predict", ["input=a", "output=b"]), ("test", [f"output_dir={tmp_path}", "benchmark=[sentinel2]"])):
        made = build.predicting_network if name == "predict" else build.tested_network
        with pytest.raises(InputError, match="has 3 channels, but image=sentinel2 has 6 bands: .* bandwise=true"):
            made(compose(name, *words, *more))
        assert made(compose(name, *words, *more, "bandwise=true")).channels == 6
