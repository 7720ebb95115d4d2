"""HighRes-net: recursive fusion of a burst, pair by pair.

Deudon, Kalaitzis, Goytom, Arefin, Lin, Sankaran, Michalski, Kahou, Cornebise, Bengio: HighRes-net: Recursive Fusion for
Multi-Frame Super-Resolution of Satellite Imagery, 2020, arXiv:2002.06460, section 3. Keys of ServiceNow/HighRes-net. There the
reference of a burst is the median of its first nine frames; `reference="first"` takes the first frame, with which HR of our
bursts is aligned.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.frames import check_clip
from sr.functional.fusion import present
from sr.network.prelu import PReLU
from sr.network.upsample import check_channels, check_scale

_MEDIAN_OF = 9  # frames


class HighResNet(nn.Module):
    """Bursts (N, T, `channels`, h, w) in [0, 1] -> (N, `channels`, sH, sW); x2, x3, x4, any T from 1 up.

    Frames are fused in pairs, the first with the last: another order of the frames gives another, equally good, result. Where
    T is not a power of two, some are fused with nothing, as the frames that a sample of a batch does not have
    (`burst_frames`).
    """

    bursts = True

    def __init__(
        self,
        *,
        scale: int = 3,
        channels: int = 1,
        n_feats: int = 64,
        n_blocks: int = 2,
        reference: Literal["median", "first"] = "median",
    ) -> None:
        super().__init__()
        if reference not in ("median", "first"):
            raise InputError(f"reference={reference}: choose median or first")
        self.scale, self.reference = check_scale(scale, (2, 3, 4)), reference
        self.channels, self.multiple_of = check_channels(channels), 1
        self.encode = _Encoder(channels, n_feats, n_blocks)
        self.fuse = _Fusion(n_feats)
        self.decode = _Decoder(scale, channels, n_feats)

    def forward(self, lr: Tensor, burst_frames: Tensor | None = None) -> Tensor:
        check_clip(lr, "burst")
        there = present(lr, burst_frames)
        anchor = lr[:, :1]
        if self.reference == "median":
            known = lr.masked_fill(there[..., None, None, None] == 0, torch.nan)
            anchor = known[:, :_MEDIAN_OF].nanmedian(1, keepdim=True).values
        pairs = torch.cat([lr, anchor.expand_as(lr)], 2)
        states = self.encode(pairs.flatten(0, 1)).unflatten(0, lr.shape[:2])
        return self.decode(self.fuse(states, there))


class _Block(nn.Module):
    """x + (convolution, PReLU, convolution, PReLU)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(n_feats, n_feats, 3, padding=1), PReLU(), nn.Conv2d(n_feats, n_feats, 3, padding=1), PReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class _Encoder(nn.Module):
    """A frame and the reference, (M, 2 C, h, w) -> (M, n_feats, h, w)."""

    def __init__(self, channels: int, n_feats: int, n_blocks: int) -> None:
        super().__init__()
        self.init_layer = nn.Sequential(nn.Conv2d(2 * channels, n_feats, 3, padding=1), PReLU())
        self.res_layers = nn.Sequential(*(_Block(n_feats) for _ in range(n_blocks)))
        self.final = nn.Sequential(nn.Conv2d(n_feats, n_feats, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.final(self.res_layers(self.init_layer(x)))


class _Fusion(nn.Module):
    """(N, T, n_feats, h, w) -> (N, n_feats, h, w): halves are fused until one state is left (section 3.2)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.fuse = nn.Sequential(_Block(2 * n_feats), nn.Conv2d(2 * n_feats, n_feats, 3, padding=1), PReLU())

    def forward(self, states: Tensor, there: Tensor) -> Tensor:
        """`there` (N, T) is 0 for frames that are missing: their partner stays as it is."""
        count = states.shape[1]
        missing = (1 << (count - 1).bit_length()) - count
        states = torch.cat([states, states.new_zeros(len(states), missing, *states.shape[2:])], 1)
        there = torch.cat([there, there.new_zeros(len(there), missing)], 1)
        while (half := states.shape[1] // 2) > 0:
            first, second = states[:, :half], states[:, half:].flip(1)
            fused = self.fuse(torch.cat([first, second], 2).flatten(0, 1)).unflatten(0, first.shape[:2])
            states = first + there[:, half:].flip(1)[..., None, None, None].to(fused.dtype) * fused
            there = there[:, :half]
        return states[:, 0]


class _Decoder(nn.Module):
    """(N, n_feats, h, w) -> (N, C, sH, sW) by one transposed convolution."""

    def __init__(self, scale: int, channels: int, n_feats: int) -> None:
        super().__init__()
        self.deconv = nn.Sequential(nn.ConvTranspose2d(n_feats, n_feats, scale, stride=scale), PReLU())
        self.final = nn.Conv2d(n_feats, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.final(self.deconv(x))
