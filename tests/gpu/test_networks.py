"""Every network's result and gradient on the device, in float32, bf16 and fp16, against float64 on the CPU."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from sr.device import capability
from sr.device.float32 import float32
from sr.functional.axes import is_volume, layout
from sr.functional.frames import is_burst, is_clip
from sr.image.photograph import photograph
from tests.bursts import burst
from tests.gpu.both import on_both
from tests.network import small
from tests.network.test_every_volume_network import build as build_volume

# Largest relative error of the result and of the gradient. TF32 for float32 would be found: it costs 1e-4 and more.
LIMITS = {"32": (1e-5, 2e-4), "bf16": (capability.LIMIT, 0.1), "16": (capability.LIMIT, 0.1)}
TYPES = {"32": None, "bf16": torch.bfloat16, "16": torch.float16}
NAMES = [name for name in small.FILES if name not in small.FITS]  # which train in forward, with random numbers
# They make float32 inside: so is their reference.
FLOAT32 = ("burst_fusion", "liif", "liif_small", "lte", "meta_sr", "resshift", "sr3")
# torch 2.15 on a CPU with AVX2: the bf16 gradient of a 5x5x5 convolution's weights is wrong by 90 % on two slices.
WRONG_ON_CPU = [("vnet", "bf16"), ("vnet_small", "bf16")]
FAST = [("compact", "32"), ("compact", "bf16"), ("compact", "16"), ("edsr3d_small", "32"), ("bicubic_pp", "bf16")]


def build(name: str) -> nn.Module:
    """A small one in training mode, but without dropout: another device would draw other numbers."""
    if name in small.VOLUMES:
        network = build_volume(name)
    else:
        trained = name in small.CLIPS or (name in small.BURSTS and "n_blocks" in small.FILES[name])
        narrow = {"n_feats": 8} if trained else {}
        network = small.build(name, small.scale_of(name), **small.shrunk(name, n_blocks=1), **narrow)
    network.train()
    for part in network.modules():
        if "drop" in type(part).__name__.lower():
            part.eval()
    return network


def image(network: nn.Module) -> Tensor:
    """Parts of a photograph, as small as the network takes them: two, a clip of three frames, a volume; or a burst of three."""
    m = network.multiple_of
    if is_burst(network):
        return burst(48, frames=3)[0]
    if is_volume(network):
        return photograph(max(2 * m, 4), 1)[:, :, None].repeat(1, 1, max(m, 3), 1, 1)
    side = -(-12 // m) * m
    whole = photograph(2 * side)
    lr = torch.cat([whole[..., :side, :side], whole[..., side:, side:]])
    return torch.stack([lr, lr.flip(-1), lr.roll(1, -1)], 1)[:1] if is_clip(network) else lr


def passed(network: nn.Module, lr: Tensor, half: torch.dtype | None) -> tuple[Tensor, Tensor]:
    """The result, and the gradient of its mean square distance to 0.3 by all weights, in float64 on the CPU.

    In fp16 the loss is scaled as torch's GradScaler does it: by half as much until the gradient is finite.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    statistics = {key: value.clone() for key, value in network.state_dict().items()}
    for power in range(16, -1, -1) if half == torch.float16 else (0,):
        network.load_state_dict(statistics)
        with torch.autocast(lr.device.type, half, enabled=half is not None):
            sr = network(lr)
        if not trained:
            return sr.cpu().double(), torch.zeros(1).double()
        loss = (sr.to(lr.dtype) - 0.3).square().mean() * 2**power
        found = torch.autograd.grad(loss, trained, allow_unused=True)
        pairs = zip(found, trained, strict=True)
        gradient = torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])
        if gradient.isfinite().all():
            break
    return sr.detach().cpu().double(), gradient.cpu().double() / 2**power


@cache
def exact(name: str) -> tuple[Tensor, Tensor]:
    network = build(name)
    kind = torch.float32 if name in FLOAT32 else torch.float64
    return passed(network.to(kind), image(network).to(kind), None)


def distance(found: Tensor, wanted: Tensor) -> float:
    """Relative norm of the difference; of no gradient at all its norm."""
    return float((found - wanted).norm() / (wanted.norm() or 1))


@on_both("name,precision", [(name, precision) for name in NAMES for precision in TYPES], fast=FAST)
def test_result_and_gradient_are_those_of_float64(device, name, precision):
    line = capability.lines().get(name)
    if line is not None and not line.works_in(precision):
        pytest.skip(f"exempt: {line.fault(precision)} (bench/capabilities.md)")
    if device == "cpu" and (name, precision) in WRONG_ON_CPU:
        pytest.skip("exempt: torch's own gradient is wrong here")
    network = build(name)
    lr = image(network).to(device)
    network.to(device, memory_format=layout(network))
    with float32(device):
        found = passed(network, lr, TYPES[precision])
    errors = tuple(map(distance, found, exact(name)))
    assert all(error < limit for error, limit in zip(errors, LIMITS[precision], strict=True)), errors


@pytest.mark.gpu
def test_tf32_is_found():
    """The limit of float32 above says something: TF32 is further away."""
    a, b = torch.rand(2, 256, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
    torch.set_float32_matmul_precision("high")
    found = (a.float().cuda() @ b.float().cuda()).cpu().double()
    torch.set_float32_matmul_precision("highest")
    if torch.cuda.get_device_capability() >= (8, 0):
        assert (found - a @ b).norm() / (a @ b).norm() > 1e-4
