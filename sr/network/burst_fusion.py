"""BurstFusion: frames of a burst are registered, encoded with what is left of their shift, and fused by attention.

After two papers, smaller than either. Bhat, Danelljan, Van Gool, Timofte: Deep Burst Super-Resolution, 2021, arXiv:2101.10997
(DBSR), section 3: a shared encoder, alignment with the reference, weights by a softmax over the frames, for any number of them,
that see the frame, the reference and the subpixel part of the shift. Deudon et al. 2020, arXiv:2002.06460 (HighRes-net),
section 3.1: a frame is encoded together with the reference. Ours: registration by one shift a frame
(sr/functional/registration.py) in place of optical flow; frames are moved by whole pixels alone, which does not blur them, and
the rest of the shift scales the encoder's features; the result is added to that of shift-and-add (sr/functional/fusion.py).

What DBSR has and this has not: dense flow (PWC-Net), for scenes in which things move; packed raw Bayer frames as input, which
`channels=4` takes here, but the result has four bands too; and its weights. Its authors' code is CC BY-NC-SA 4.0: not for
commercial use.
"""

import torch
from torch import Tensor, nn

from sr.functional.frames import check_clip
from sr.functional.fusion import inside, present, shift_and_add
from sr.functional.motion import moved
from sr.functional.registration import FOUND, registered
from sr.network.edsr import ResBlock
from sr.network.upsample import DirectUpsampler, check_channels, check_scale

_registered = torch.compiler.disable(registered)
_SMALL = 0.1  # an untrained network is near shift-and-add


class BurstFusion(nn.Module):
    """Bursts (N, T, `channels`, h, w) in [0, 1] -> (N, `channels`, sH, sW) on the grid of the first frame; x2, x3, x4; any T.

    Frames that cannot be registered, what lies outside of a frame that has moved, and the frames that a sample of a batch
    does not have (`burst_frames`), have no weight. The order of the frames after the first changes nothing but the rounding of
    sums. With one frame it is single-image SR.
    """

    bursts = True

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 32, n_blocks: int = 4) -> None:
        super().__init__()
        self.scale = check_scale(scale, (2, 3, 4))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.head = nn.Conv2d(2 * channels, n_feats, 3, padding=1)
        self.shift = nn.Sequential(nn.Linear(2, n_feats), nn.ReLU(), nn.Linear(n_feats, 2 * n_feats))
        self.encoder = nn.Sequential(*(ResBlock(n_feats, 1.0) for _ in range(n_blocks)))
        self.weight = nn.Sequential(
            nn.Conv2d(2 * n_feats, n_feats, 3, padding=1), nn.ReLU(), nn.Conv2d(n_feats, n_feats, 3, padding=1)
        )
        self.body = nn.Sequential(*(ResBlock(n_feats, 1.0) for _ in range(n_blocks)))
        self.tail = DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)
        with torch.no_grad():
            for parameter in self.tail.parameters():
                parameter *= _SMALL

    def forward(self, lr: Tensor, burst_frames: Tensor | None = None) -> Tensor:
        check_clip(lr, "burst")
        shift, correlation = _registered(lr)
        there = present(lr, burst_frames).bool() & (correlation >= FOUND)
        there[:, 0] = True
        whole = shift.round()
        seen = inside(lr.flatten(0, 1), whole.flatten(0, 1)).unflatten(0, lr.shape[:2]) & there[..., None, None]
        aligned = moved(lr.flatten(0, 1), -whole.flatten(0, 1)).view_as(lr)
        x = self.head(torch.cat([aligned, lr[:, :1].expand_as(lr)], 2).flatten(0, 1))
        factor, offset = self.shift((shift - whole).flatten(0, 1))[..., None, None].chunk(2, 1)
        x = self.encoder(x * (1 + factor) + offset).unflatten(0, lr.shape[:2])
        reference = x[:, :1].expand_as(x)
        logits = self.weight(torch.cat([x, reference], 2).flatten(0, 1)).view_as(x)
        weights = logits.masked_fill(~seen[:, :, None], -torch.inf).softmax(1)
        fused = (x * weights).sum(1)
        return self.tail(fused + self.body(fused)) + shift_and_add(lr, shift, there, self.scale)
