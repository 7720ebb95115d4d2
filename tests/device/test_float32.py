"""Evaluation multiplies float32 as float32: what the device would do is read where the network computes."""

import pytest
import torch
from torch import nn
from torch.backends import cuda, cudnn, mkldnn

from sr.device.float32 import float32
from sr.infer.upscaler import Upscaler, upscale
from sr.metric.psnr import PSNR
from tests.model.test_base import image, module

CPU = (mkldnn.matmul, mkldnn.conv, mkldnn.rnn)
GPU = (cuda.matmul, cudnn.conv, cudnn.rnn)


@pytest.fixture(params=["old names", "new names"])
def short(request):
    """TF32 wherever a user can allow it, by either of torch's interfaces."""
    before = [kind.fp32_precision for kind in (*GPU, *CPU)], torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    cudnn.allow_tf32 = True
    mkldnn.conv.fp32_precision = "tf32"
    if request.param == "new names":
        for kind in (*GPU, *CPU):
            kind.fp32_precision = "tf32"
    yield
    cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision(before[1])
    for kind, value in zip((*GPU, *CPU), before[0], strict=True):
        kind.fp32_precision = value


def formats(kinds) -> list[str]:
    return [kind.fp32_precision for kind in kinds]


@pytest.mark.parametrize(("device", "kinds"), [("cuda", GPU), ("cpu", CPU)])
def test_nothing_is_shorter_inside_and_all_is_as_before_after(short, device, kinds):
    before = formats(kinds)
    assert "tf32" in before
    with torch.autocast("cpu", torch.bfloat16), float32(device), float32(device):
        assert formats(kinds) == ["ieee"] * 3
        if device == "cuda":  # code that asks by the old names gets an answer, not an error
            assert not cudnn.allow_tf32 and not cuda.matmul.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
        assert torch.is_autocast_enabled("cpu") == (device == "cuda")
    assert formats(kinds) == before and torch.get_float32_matmul_precision() == "high" and cudnn.allow_tf32


def test_cudnn_does_not_search_anew_for_each_size_of_an_image():
    cudnn.benchmark = True  # as conf/trainer has it, for patches of one size
    try:
        with float32("cuda"):
            assert not cudnn.benchmark
        assert cudnn.benchmark
    finally:
        cudnn.benchmark = False


def test_an_error_inside_changes_nothing_after(short):
    before = formats(GPU)
    with pytest.raises(ZeroDivisionError), float32("cuda"):
        1 / 0  # noqa: B018
    assert formats(GPU) == before


class Asks(nn.Module):
    """An enlargement that notes in which format the device would multiply."""

    scale, multiple_of = 2, 1

    def __init__(self):
        super().__init__()
        self.heard = []

    def forward(self, x):
        self.heard.append(formats(CPU))
        return x.repeat_interleave(2, -1).repeat_interleave(2, -2)


class AskingPSNR(PSNR):
    """The metric too: some of them are networks."""

    def forward(self, sr, hr):
        self.heard = formats(CPU)
        return super().forward(sr, hr)


def test_validation_test_and_prediction_are_in_float32(short):
    model = module()
    model.network = Asks()
    model.metric["psnr"] = AskingPSNR(crop_border=2)
    with torch.autocast("cpu", torch.bfloat16):
        model.validation_step(image("x", 0), 0, 0)
        model.test_step(image("x", 0), 0, 0)
    upscale(model.network, torch.rand(1, 3, 8, 8))
    Upscaler(model.network, tile=4, overlap=0, precision="32")(torch.rand(1, 3, 8, 8))
    assert len(model.network.heard) >= 5 and all(heard == ["ieee"] * 3 for heard in model.network.heard)
    assert model.metric["psnr"].heard == ["ieee"] * 3
    assert "tf32" in formats(CPU)
