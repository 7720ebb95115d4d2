"""Deep image prior: an untrained hourglass network, fitted to LR alone, makes SR before it makes anything else.

Ulyanov, Vedaldi, Lempitsky: Deep Image Prior, 2018, arXiv:1711.10925; settings of the authors' code
(github.com/DmitryUlyanov/deep-image-prior, super-resolution.ipynb). They downscale by Lanczos, here it is MATLAB's bicubic, as
the LR of benchmarks is made.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.fitted import Fitted


class DeepImagePrior(Fitted):
    """(N, C, H, W) in [0, 1] -> (N, C, sH, sW): fits an hourglass network to each image.

    Args:
        n_feats, n_skip, n_levels: features of the hourglass and of its skip connections, and how often it halves the image.
        depth: bands of its input, uniform noise in [0, 0.1], which stays the same.
        steps: of Adam; None: 2000 up to x4, 4000 beyond.
        noise: standard deviation of what is added to the input at each step; None: 0.03 up to x4, 0.05 beyond.
        lr: learning rate.
        seed, folder: see Fitted.

    Raises:
        InputError: a scale below 1, a number below 1.
    """

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 128,
        n_skip: int = 4,
        n_levels: int = 5,
        depth: int = 32,
        steps: int | None = None,
        noise: float | None = None,
        lr: float = 0.01,
        seed: int = 0,
        folder: str | None = None,
    ) -> None:
        if type(scale) is not int or scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        self.steps = (2000 if scale <= 4 else 4000) if steps is None else steps
        self.noise = (0.03 if scale <= 4 else 0.05) if noise is None else noise
        self.lr, self.depth, self.levels = lr, depth, n_levels
        self.hourglass = {"channels": channels, "n_feats": n_feats, "n_skip": n_skip, "n_levels": n_levels, "depth": depth}
        if min(self.steps, *self.hourglass.values()) < 1 or self.noise < 0 or lr <= 0:
            raise InputError(
                "network=deep_image_prior needs n_feats, n_skip, n_levels, depth and steps of at least 1, noise of at least 0 "
                f"and lr above 0; got steps={self.steps}, noise={self.noise}, lr={lr}, {self.hourglass}"
            )
        options = {**self.hourglass, "steps": self.steps, "noise": self.noise, "lr": lr}
        super().__init__(scale=scale, channels=channels, seed=seed, folder=folder, options=options)

    def made(self, lr: Tensor, generator: torch.Generator) -> Tensor:
        height, width = (side * self.scale for side in lr.shape[-2:])
        multiple = 2**self.levels
        padded = (max(-(-side // multiple), 2) * multiple for side in (height, width))  # the smallest level mirrors 1 pixel
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            network = Hourglass(**self.hourglass).to(lr.device)
        z = torch.rand(1, self.depth, *padded, generator=generator).to(lr.device) / 10
        optimizer = torch.optim.Adam(network.parameters(), lr=self.lr)
        name = f"deep image prior on {lr.shape[-1]}x{lr.shape[-2]}"
        for _ in tqdm(range(self.steps), desc=name, unit="step", leave=False, mininterval=0.5):
            sr = network(z + self.noise * torch.randn(z.shape, generator=generator).to(z.device))[..., :height, :width]
            optimizer.zero_grad()
            F.mse_loss(imresize(sr, size=tuple(lr.shape[-2:])), lr).backward()
            optimizer.step()
        with torch.no_grad():
            return network(z)[..., :height, :width].clamp(0, 1)


class Hourglass(nn.Module):
    """(N, `depth`, H, W), H and W multiples of 2**n_levels, at least twice that -> (N, `channels`, H, W) in (0, 1)."""

    def __init__(self, *, channels: int, n_feats: int, n_skip: int, n_levels: int, depth: int) -> None:
        super().__init__()
        inner: nn.Module | None = None
        for level in reversed(range(n_levels)):
            inner = Level(depth if level == 0 else n_feats, n_feats, n_skip, inner)
        self.levels, self.last = inner, nn.Conv2d(n_feats, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.levels(z)).sigmoid()


class Level(nn.Module):
    """(N, n_in, H, W) -> (N, n_feats, H, W): half the size and what is `inner`, beside a skip connection."""

    def __init__(self, n_in: int, n_feats: int, n_skip: int, inner: nn.Module | None) -> None:
        super().__init__()
        self.skip = nn.Sequential(*_block(n_in, n_skip, 1))
        down = [*_block(n_in, n_feats, 3, stride=2), *_block(n_feats, n_feats, 3)]
        self.deeper = nn.Sequential(
            *down, *([inner] if inner is not None else []), nn.Upsample(scale_factor=2, mode="bilinear")
        )
        joined = n_skip + n_feats
        self.after = nn.Sequential(nn.BatchNorm2d(joined), *_block(joined, n_feats, 3), *_block(n_feats, n_feats, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.after(torch.cat([self.skip(x), self.deeper(x)], 1))


def _block(n_in: int, n_out: int, side: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(n_in, n_out, side, stride, side // 2, padding_mode="reflect")
    return [conv, nn.BatchNorm2d(n_out), nn.LeakyReLU(0.2, inplace=True)]
