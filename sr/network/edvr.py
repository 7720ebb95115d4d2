"""EDVR: a sliding window of frames, aligned by a pyramid of deformable convolutions and fused by attention.

Wang, Chan, Yu, Dong, Loy: EDVR: Video Restoration with Enhanced Deformable Convolutional Networks, 2019, arXiv:1905.02716.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.frames import check_clip
from sr.functional.leading import pictures, restored
from sr.network.clip import NAMES, ClipNetwork, blocks, leaky
from sr.network.edvr_parts import PCDAlignment, Predeblur, TSAFusion
from sr.network.release import Release, Shapes, count


def window(i: int, n_frames: int, length: int) -> list[int]:
    """The frames of a clip around frame i. Beyond an end stand those of the window's other side (`reflection_circle`).

    In clips shorter than the window the nearest frame stands for one that this does not give.
    """
    reach, last = length // 2, n_frames - 1
    found = []
    for j in range(i - reach, i + reach + 1):
        j = i + reach - j if j < 0 else i - reach - (j - last) if j > last else j
        found.append(min(max(j, 0), last))
    return found


def _features_options(shapes: Shapes) -> dict[str, int]:
    n_feats = shapes["feature_extraction.0.conv1.weight"][0]
    whole = shapes["fusion.feat_fusion.weight" if "fusion.feat_fusion.weight" in shapes else "fusion.weight"]
    return {"n_feats": n_feats, "n_frames": whole[1] // n_feats}


def _options(shapes: Shapes) -> dict[str, int]:
    return _features_options(shapes) | {
        "scale": 4 if "upconv1.weight" in shapes else 2,
        "channels": shapes["conv_last.weight"][0],
        "n_blocks": count(shapes, r"reconstruction\.(\d+)\."),
        "n_extract_blocks": count(shapes, r"feature_extraction\.(\d+)\."),
        "groups": shapes["pcd_align.cas_dcnpack.conv_offset.weight"][0] // 27,
        "predeblur": "predeblur.conv_first.weight" in shapes,
        "tsa": "fusion.feat_fusion.weight" in shapes,
    }


class Extractor:
    """What EDVR and IconVSR's extractor share: features of three sizes of each frame, and a window fused into one frame."""

    def add_features(self, channels: int, n_feats: int, n_frames: int, n_extract_blocks: int, groups: int, tsa: bool) -> None:
        if type(n_frames) is not int or n_frames < 1 or n_frames % 2 == 0:
            raise InputError(f"network.n_frames={n_frames}: pass the frames of a window, an odd number")
        self.n_frames = n_frames
        self.feature_extraction = blocks(n_feats, n_extract_blocks)
        for level in (2, 3):
            setattr(self, f"conv_l{level}_1", nn.Conv2d(n_feats, n_feats, 3, stride=2, padding=1))
            setattr(self, f"conv_l{level}_2", nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.pcd_align = PCDAlignment(n_feats, groups)
        self.fusion = TSAFusion(n_feats, n_frames) if tsa else nn.Conv2d(n_frames * n_feats, n_feats, 1)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Features of each frame (M, n_feats, h, w) -> of full, half and quarter size."""
        found = [self.feature_extraction(x)]
        for level in (2, 3):
            first, second = getattr(self, f"conv_l{level}_1"), getattr(self, f"conv_l{level}_2")
            found.append(leaky(second(leaky(first(found[-1])))))
        return found

    def fused(self, frames: Sequence[int], *levels: Tensor) -> Tensor:
        """The window of these frames, the middle one the reference; levels (N, T, n_feats, ...) -> (N, n_feats, h, w)."""
        middle = frames[len(frames) // 2]
        near = [level[:, list(frames)] for level in levels]
        reference = [level[:, [middle] * len(frames)] for level in levels]
        aligned = restored(self.pcd_align([pictures(x) for x in near], [pictures(x) for x in reference]), near[0])
        return self.fusion(aligned if isinstance(self.fusion, TSAFusion) else aligned.flatten(1, 2))


class EDVR(Extractor, ClipNetwork):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw), T from 1 up; x2, x4; h and w multiples of 4.

    The defaults are EDVR-M; EDVR-L has 128 features and 40 blocks. Each result is that of a window of `n_frames` frames. Keys
    of BasicSR, whose files load, as do those of mmediting and mmagic.

    Args:
        groups: of the deformable convolutions' offsets.
        predeblur: the module for blurred input (section 3.4).
        tsa: fusion by temporal and spatial attention; false: by a 1x1 convolution, with which training begins.
    """

    release = Release(
        ("pcd_align.cas_dcnpack.weight", "reconstruction.0.conv1.weight", "conv_last.weight"), _options, names=NAMES
    )
    recomputed = ("centre",)

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 10,
        n_extract_blocks: int = 5,
        n_frames: int = 5,
        groups: int = 8,
        predeblur: bool = False,
        tsa: bool = True,
    ) -> None:
        super().__init__(scale, channels, multiple_of=16 if predeblur else 4)
        if predeblur:
            self.predeblur, self.conv_1x1 = Predeblur(channels, n_feats), nn.Conv2d(n_feats, n_feats, 1)
        else:
            self.conv_first = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.add_features(channels, n_feats, n_frames, n_extract_blocks, groups, tsa)
        self.reach_t = n_frames // 2
        self.reconstruction = blocks(n_feats, n_blocks)
        self.add_tail(n_feats)

    def forward(self, lr: Tensor) -> Tensor:
        check_clip(lr)
        x = pictures(lr)
        x = self.conv_1x1(self.predeblur(x)) if hasattr(self, "predeblur") else leaky(self.conv_first(x))
        levels = [restored(level, lr) for level in self.pyramid(x)]
        made = [self.centre(window(i, lr.shape[1], self.n_frames), lr[:, i], *levels) for i in range(lr.shape[1])]
        return torch.stack(made, dim=1)

    def centre(self, frames: Sequence[int], frame: Tensor, *levels: Tensor) -> Tensor:
        """The result for the middle frame of a window."""
        return self.enlarged(self.reconstruction(self.fused(frames, *levels)), frame)


class EDVRFeatures(Extractor, nn.Module):
    """EDVR up to the fusion, for IconVSR: windows of (N, T, `channels`, h, w) -> (N, n_feats, h, w) for each."""

    release = Release(
        ("pcd_align.cas_dcnpack.weight", "conv_first.weight", "fusion.feat_fusion.weight"),
        _features_options,
        names=NAMES,
        part="edvr",
    )

    def __init__(self, *, channels: int = 3, n_feats: int = 64, n_frames: int = 5) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.add_features(channels, n_feats, n_frames, n_extract_blocks=5, groups=8, tsa=True)

    def forward(self, clip: Tensor, frames: Sequence[int]) -> Tensor:
        near, places = sorted(set(frames)), {}
        for place, i in enumerate(near):
            places[i] = place
        part = clip[:, near]
        levels = [restored(level, part) for level in self.pyramid(leaky(self.conv_first(pictures(part))))]
        return self.fused([places[i] for i in frames], *levels)
