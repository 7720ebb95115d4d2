"""ECBSR: plain 3x3 convolutions on the LR grid, each trained as an edge-oriented convolution block (ECB).

Zhang, Zeng, Zhang: Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices, ACM Multimedia 2021,
doi:10.1145/3474085.3475291.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.network.luma import LumaNetwork
from sr.network.prelu import PReLU
from sr.network.release import Release, Shapes, count, root
from sr.network.reparameterised import Kernel, Reparameterised, exact, identity, kernel_of, parallel, sequence

SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def _options(shapes: Shapes) -> dict[str, int]:
    n_layers = count(shapes, r"backbone\.(\d+)\.")
    return {
        "scale": root(shapes[f"backbone.{n_layers - 1}.conv3x3.weight"][0], 1),
        "n_feats": shapes["backbone.0.conv3x3.weight"][0],
        "n_blocks": n_layers - 2,
    }


class ECBSR(LumaNetwork):
    """Luma network, x1 (restoration), x2, x3, x4, x8. `n_blocks` and `n_feats` are M and C of the paper's names: M4C8.

    The input is added to every sub-pixel, which is nearest-neighbour enlargement. Keys of xindongzhang/ECBSR, whose files load:
    backbone.N.conv3x3, conv1x1_3x3, conv1x1_sbx, conv1x1_sby, conv1x1_lpl, act.

    Args:
        rgb_range: the release works on Y in 0..255; BasicSR's variant on 0..1.
        skip: add the input of a block to its result where both have the same channels (`with_idt` in the release).
    """

    release = Release(
        ("backbone.0.conv3x3.weight", "backbone.0.conv1x1_3x3.k0", "backbone.1.conv1x1_sbx.mask"),
        _options,
        variants=[{"rgb_range": value, "skip": skip} for skip in (False, True) for value in (255.0, 1.0)],
    )
    scales = (1, 2, 3, 4, 8)

    def __init__(
        self,
        *,
        scale: int = 2,
        channels: int = 3,
        n_feats: int = 8,
        n_blocks: int = 4,
        rgb_range: float = 255.0,
        skip: bool = False,
    ) -> None:
        super().__init__(scale=scale, channels=channels)
        self.rgb_range = rgb_range
        widths = [1, *[n_feats] * (n_blocks + 1)]
        layers = [ECB(a, b, PReLU(b), skip) for a, b in zip(widths, widths[1:], strict=False)]
        self.backbone = nn.Sequential(*layers, ECB(n_feats, scale**2, None, skip))

    def forward_luma(self, y: Tensor) -> Tensor:
        return F.pixel_shuffle(self.backbone(y * self.rgb_range) / self.rgb_range + y, self.scale)


class ECB(Reparameterised):
    """(N, n_in, H, W) -> (N, n_out, H, W): the sum of five convolutions, section 3.2 of the paper."""

    def __init__(self, n_in: int, n_out: int, act: nn.Module | None, skip: bool) -> None:
        super().__init__(act)
        self.skip = skip and n_in == n_out
        self.conv3x3 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.conv1x1_3x3 = Expanded(n_in, n_out)
        self.conv1x1_sbx = Edge(n_in, n_out, SOBEL)
        self.conv1x1_sby = Edge(n_in, n_out, tuple(zip(*SOBEL, strict=True)))
        self.conv1x1_lpl = Edge(n_in, n_out, LAPLACIAN)

    @property
    def _sequences(self) -> tuple["Expanded | Edge", ...]:
        return self.conv1x1_3x3, self.conv1x1_sbx, self.conv1x1_sby, self.conv1x1_lpl

    def wide(self, x: Tensor) -> Tensor:
        y = self.conv3x3(x)
        for branch in self._sequences:
            y = y + branch(x)
        return y + x if self.skip else y

    def kernel(self) -> Kernel:
        plain = kernel_of(self.conv3x3)
        return parallel(
            plain, *(sequence(*branch.kernels()) for branch in self._sequences), *([identity(plain[1])] if self.skip else [])
        )


class Expanded(nn.Module):
    """A 1x1 convolution to twice the features, then 3x3: k0, b0, k1, b1."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(n_in, 2 * n_out, 1), nn.Conv2d(2 * n_out, n_out, 3)
        self.k0, self.b0, self.k1, self.b1 = first.weight, first.bias, second.weight, second.bias

    def kernels(self) -> tuple[Kernel, Kernel]:
        return (exact(self.k0), exact(self.b0)), (exact(self.k1), exact(self.b1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(F.pad(x, (1, 1, 1, 1)), self.k0, self.b0), self.k1, self.b1)


class Edge(nn.Module):
    """A 1x1 convolution, then a fixed filter on each feature, times a learned factor: k0, b0, scale, bias, mask."""

    def __init__(self, n_in: int, n_out: int, taps: Sequence[Sequence[float]]) -> None:
        super().__init__()
        first = nn.Conv2d(n_in, n_out, 1)
        self.k0, self.b0 = first.weight, first.bias
        self.scale = nn.Parameter(1e-3 * torch.randn(n_out, 1, 1, 1))  # initial values of the release
        self.bias = nn.Parameter(1e-3 * torch.randn(n_out))
        self.register_buffer("mask", torch.tensor(taps).expand(n_out, 1, 3, 3).clone())

    def kernels(self) -> tuple[Kernel, Kernel]:
        taps = exact(self.scale * self.mask)
        each = torch.eye(len(taps), dtype=taps.dtype, device=taps.device)[:, :, None, None] * taps
        return (exact(self.k0), exact(self.b0)), (each, exact(self.bias))

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.k0, self.b0)
        return F.conv2d(y, self.scale * self.mask, self.bias, groups=len(self.mask))
