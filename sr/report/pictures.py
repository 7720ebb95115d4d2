"""Picture strips: the images on which the variants differ most, at the place where they differ most."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.frames import is_clip
from sr.functional.resize import imresize
from sr.image.file import to_pixels
from sr.image.kind import PHOTO
from sr.infer.upscaler import Upscaler
from sr.metric.truthfulness import maps as shares
from sr.model.bursts import reference, seen
from sr.view.panel import shown
from sr.view.truthfulness import in_colours

TILE, STEP = 256, 4  # LR pixels of a tile; distance between candidate places in pixels
FRAMES = 15  # of a clip that networks for clips get


@dataclass
class Strip:
    """One place: (top, left, height, width) in HR pixels, the same crop of each picture, and its image."""

    benchmark: str
    image: str
    place: tuple[int, int, int, int]
    size: tuple[int, int]  # of the image
    pictures: dict[str, np.ndarray]  # bicubic (the input at scale 1), variants, HR -> (h, w, 3) uint8
    overview: np.ndarray  # HR, downscaled
    maps: dict[str, np.ndarray] = field(default_factory=dict)  # variant -> its maps of truthfulness in colours, the same crop
    spreads: dict[str, np.ndarray] = field(default_factory=dict)  # variant that draws noise -> the spread, the same crop

    @property
    def name(self) -> str:
        return f"{self.benchmark}/{self.image}"


def strips(
    chosen: Sequence[tuple[str, str]],
    benchmarks: Mapping[str, object],
    networks: Mapping[str, nn.Module],
    *,
    crop: int,
    device: torch.device,
    said: Callable[[str], None] = lambda line: None,
    maps: bool = False,
) -> list[Strip]:
    """A strip for each available (set, image); `said` is called for each unavailable one. With `maps` it has those of
    truthfulness."""
    found = []
    for benchmark, image in chosen:
        try:
            batch = sample(benchmarks[benchmark], image)
        except (OSError, ValueError, KeyError) as error:
            said(f"no pictures of {benchmark}/{image}: {error}")
            continue
        if "hr" not in batch:
            said(f"no pictures of {benchmark}/{image}: the set has no HR")
            continue
        kind = getattr(benchmarks[benchmark], "kind", PHOTO)
        lr, hr = (kind.scaled(batch[key][None].to(device)) for key in ("lr", "hr"))
        clip = lr[:, :FRAMES] if hr.ndim == 5 else None  # of clips the middle one of the first frames is shown
        lr, hr = (lr, hr) if clip is None else (one[:, clip.shape[1] // 2] for one in (lr, hr))
        size, batch = tuple(hr.shape[-2:]), {"lr": lr, "hr": hr}
        lr = reference(batch)  # of a burst the first frame
        whole = {"input": lr} if lr.shape[-2:] == size else {"bicubic": imresize(lr, size=size, rounding=kind.levels)}
        with torch.inference_mode():
            for name, network in networks.items():
                whole[name] = _upscaled(network.to(device), batch, clip).clamp(0, 1)
        for network in networks.values():
            network.to("cpu")
        top, left, height, width = place(list(whole.values())[1:] if len(whole) > 2 else list(whole.values()), crop)
        cut = {name: picture[..., top : top + height, left : left + width] for name, picture in (whole | {"HR": hr}).items()}
        pictures = {name: to_pixels(shown(picture, kind.shown, kind.contrast)) for name, picture in cut.items()}
        found.append(
            Strip(
                benchmark,
                image,
                (top, left, height, width),
                size,
                pictures,
                _small(to_pixels(shown(hr, kind.shown, kind.contrast))),
                _maps(lr, whole, hr, (top, left, height, width)) if maps else {},
            )
        )
    return found


def _maps(lr: Tensor, whole: dict[str, Tensor], hr: Tensor, crop: tuple[int, int, int, int]) -> dict[str, np.ndarray]:
    top, left, height, width = crop
    made = {name: in_colours(shares(lr, picture, hr)) for name, picture in whole.items()}
    return {name: picture[top : top + height, left : left + width] for name, picture in made.items()}


def place(pictures: Sequence[Tensor], crop: int) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the window, `crop` pixels wide and high, in which pictures (1, C, H, W) differ most."""
    height, width = (min(crop, side) for side in pictures[0].shape[-2:])
    spread = torch.cat(list(pictures)).std(0, correction=0).mean(0)[None, None]
    means = F.avg_pool2d(spread, (height, width), STEP)
    row, column = divmod(int(means.argmax()), means.shape[-1])
    return row * STEP, column * STEP, height, width


def _upscaled(network: nn.Module, batch: Mapping[str, Tensor], clip: Tensor | None) -> Tensor:
    """SR of a picture or burst, or of the middle frame of a clip (1, T, C, h, w)."""
    if clip is None or not is_clip(network):
        return Upscaler(network, tile=TILE)(seen(network, batch), tuple(batch["hr"].shape[-2:]))
    return Upscaler(network, tile=TILE)(clip)[:, clip.shape[1] // 2]


def sample(benchmark: object, image: str) -> dict[str, Tensor]:
    """An image of a set by name. InputError: the set does not have it."""
    names = benchmark.names
    if image not in names:
        raise InputError("the set no longer has this image")
    return benchmark[names.index(image)]


def _small(pixels: np.ndarray, side: int = 320) -> np.ndarray:
    picture = PIL.Image.fromarray(pixels)
    picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return np.asarray(picture)


def overview_uri(pixels: np.ndarray) -> str:
    """The whole image for orientation: lossy WebP, unlike the compared pictures."""
    file = BytesIO()
    PIL.Image.fromarray(pixels).save(file, format="webp", quality=85)
    return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"
