"""The denoiser of diffusion networks: a U-Net that also sees the noise level and, if it was built so, a condition.

Ho, Jain, Abbeel 2020, arXiv:2006.11239, appendix B; Dhariwal, Nichol 2021, arXiv:2105.05233, section 3 (the level scales and
shifts features); SR3, Saharia et al. 2021, arXiv:2104.07636, section 2.3. Ours: pixels may be folded into channels first
(Hoogeboom, Heek, Salimans 2023, arXiv:2301.11093, section 3.2), and normalisation may be that of each pixel's channels, which
unlike group normalisation sees no other pixels: tiles then agree with the whole image.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.nafnet import LayerNorm

Norm = Literal["pixel", "group"]


class Denoiser(nn.Module):
    """(N, n_in, H, W) and log-SNRs (N,) -> (N, n_out, H, W); H and W are multiples of `multiple`.

    Args:
        n_in, n_out: channels of input and output.
        n_feats: features at the finest level.
        multipliers: of `n_feats` at each level; each level after the first has half the height and width.
        n_blocks: residual blocks of each level of the encoder; the decoder has one more, as in Ho et al.
        attention: levels with self-attention, counted from 0; the middle has it too if there are any.
        fold: side of the squares of pixels that become channels first (space to depth); 1: none.
        norm: "pixel": over the channels of each pixel; "group": over 32 groups of channels and the whole image.
        dropout: in each block.
        vector: size D of a condition (N, D), which scales and shifts features as the noise level does; None: no such condition.
        tokens: size D of a condition (N, L, D), a sequence, to which the deepest level and those of `attention` attend; None:
            no such condition.

    Raises:
        InputError: an unknown norm, or levels that do not exist.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        n_feats: int,
        multipliers: Sequence[int],
        n_blocks: int,
        attention: Sequence[int] = (),
        fold: int = 1,
        norm: Norm = "pixel",
        dropout: float = 0.0,
        vector: int | None = None,
        tokens: int | None = None,
    ) -> None:
        super().__init__()
        self.fold, self.multiple = fold, fold * 2 ** (len(multipliers) - 1)
        self.vector_size, self.tokens_size = vector, tokens
        widths = [n_feats * factor for factor in multipliers]
        if norm not in ("pixel", "group"):
            raise InputError(f"network.norm={norm}: choose pixel or group")
        if wrong := [level for level in attention if level not in range(len(widths))]:
            raise InputError(f"network.attention={list(attention)}: there are levels 0 to {len(widths) - 1}, not {wrong[0]}")
        n_emb = 4 * n_feats
        self.level = nn.Sequential(nn.Linear(n_feats, n_emb), nn.SiLU(), nn.Linear(n_emb, n_emb))
        self.register_buffer("frequencies", 2.0 ** torch.linspace(-4, 2, n_feats // 2), persistent=False)
        self.vector = None if vector is None else nn.Linear(vector, n_emb, bias=False)  # a vector of zeros is no condition

        def block(n_from: int, n_to: int, level: int, attends: bool | None = None) -> Stage:
            attends = level in attention if attends is None else attends
            deep = level == len(widths) - 1
            return Stage(Block(n_from, n_to, n_emb, norm, dropout), n_to, norm, attends, tokens if attends or deep else None)

        self.head = nn.Conv2d(n_in * fold**2, widths[0], 3, padding=1)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        skips, width = [widths[0]], widths[0]
        for level, n_to in enumerate(widths):
            if level:
                self.encoder.append(Resized(width, larger=False))
                skips.append(width)
            for _ in range(n_blocks):
                self.encoder.append(block(width, n_to, level))
                width = n_to
                skips.append(width)
        last = len(widths) - 1
        self.middle = nn.ModuleList([block(width, width, last, bool(attention)), block(width, width, last, False)])
        for level, n_to in reversed(list(enumerate(widths))):
            for _ in range(n_blocks + 1):
                self.decoder.append(block(width + skips.pop(), n_to, level))
                width = n_to
            if level:
                self.decoder.append(Resized(width, larger=True))
        # Normalising each pixel here would take the amplitude from the output.
        self.norm = normalisation(norm, width) if norm == "group" else nn.Identity()
        self.tail = nn.Conv2d(width, n_out * fold**2, 3, padding=1)

    def forward(self, x: Tensor, log_snr: Tensor, vector: Tensor | None = None, tokens: Tensor | None = None) -> Tensor:
        angles = log_snr.float()[:, None] * self.frequencies
        emb = self.level(torch.cat([angles.sin(), angles.cos()], 1))
        if vector is not None:
            emb = emb + self.vector(vector)
        x = self.head(F.pixel_unshuffle(x, self.fold))
        skips = [x]
        for part in self.encoder:
            x = part(x) if isinstance(part, Resized) else part(x, emb, tokens)
            skips.append(x)
        for part in self.middle:
            x = part(x, emb, tokens)
        for part in self.decoder:
            x = part(x) if isinstance(part, Resized) else part(torch.cat([x, skips.pop()], 1), emb, tokens)
        return F.pixel_shuffle(self.tail(F.silu(self.norm(x))), self.fold)


class Block(nn.Module):
    """(N, n_in, H, W) -> (N, n_out, H, W): a residual block whose features the embedding (N, n_emb) scales and shifts."""

    def __init__(self, n_in: int, n_out: int, n_emb: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = normalisation(norm, n_in), normalisation(norm, n_out)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.emb = nn.Linear(n_emb, 2 * n_out)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x)))
        factor, shift = self.emb(F.silu(emb))[:, :, None, None].chunk(2, 1)
        y = self.norm2(y) * (1 + factor) + shift
        return self.skip(x) + self.conv2(self.dropout(F.silu(y)))


class Stage(nn.Module):
    """A block, self-attention if it has any, and attention to the tokens of a condition if there are any."""

    def __init__(self, block: Block, n_feats: int, norm: Norm, attends: bool, tokens: int | None) -> None:
        super().__init__()
        self.block = block
        self.attention = Attention(n_feats, norm) if attends else None
        self.cross = None if tokens is None else Attention(n_feats, norm, tokens)

    def forward(self, x: Tensor, emb: Tensor, tokens: Tensor | None) -> Tensor:
        x = self.block(x, emb)
        if self.attention is not None:
            x = self.attention(x)
        return x if self.cross is None or tokens is None else self.cross(x, tokens)


class Attention(nn.Module):
    """(N, C, H, W) -> the same: each pixel attends to all pixels, or to `tokens` (N, L, D) of a condition."""

    def __init__(self, n_feats: int, norm: Norm, tokens: int | None = None) -> None:
        super().__init__()
        self.heads = max(n_feats // 64, 1)
        self.norm = normalisation(norm, n_feats)
        self.query = nn.Conv2d(n_feats, n_feats, 1)
        self.keys = nn.Linear(tokens or n_feats, 2 * n_feats)
        self.out = nn.Conv2d(n_feats, n_feats, 1)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        n, c, height, width = x.shape
        y = self.norm(x)
        seen = y.flatten(2).transpose(1, 2) if tokens is None else tokens
        query = self.query(y).flatten(2).transpose(1, 2)
        parts = [one.unflatten(2, (self.heads, -1)).transpose(1, 2) for one in (query, *self.keys(seen).chunk(2, 2))]
        y = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2).transpose(1, 2)
        return x + self.out(y.reshape(n, c, height, width))


class Resized(nn.Module):
    """(N, C, H, W) -> (N, C, H/2, W/2) by a convolution of stride 2, or (N, C, 2H, 2W) by repeated pixels and a convolution."""

    def __init__(self, n_feats: int, *, larger: bool) -> None:
        super().__init__()
        self.larger = larger
        self.conv = nn.Conv2d(n_feats, n_feats, 3, stride=1 if larger else 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest") if self.larger else x)


def normalisation(norm: Norm, n_feats: int) -> nn.Module:
    """Of (N, C, H, W), over the channels of each pixel or over groups of channels and all pixels."""
    if norm == "pixel":
        return LayerNorm(n_feats)
    groups = next(count for count in (32, 16, 8, 4, 2, 1) if n_feats % count == 0)
    return nn.GroupNorm(groups, n_feats)
