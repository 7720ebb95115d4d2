"""The package in Python: what the commands do, on arrays, tensors and files. `sr.upscale` and the others are these.

What only some of them need is imported inside: Lightning takes as long as torch, and enlarging an image needs none of it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from sr.errors import InputError
from sr.image.file import read, to_pixels, to_tensor
from sr.image.kind import PHOTO
from sr.infer import upscaler

Picture = Tensor | np.ndarray | str | Path
"""A tensor (N, C, H, W) in [0, 1]; an array (H, W, C) or (H, W), uint8, uint16 or float in [0, 1]; or an image file."""


def upscale(network: nn.Module, image: Picture, **options: Any) -> Any:
    """An image by a network of `sr.load`: a tensor gives a tensor, an array one of its type, a file an array.

    Args:
        options: scale, tile, overlap, ensemble, further; see `sr.infer.upscaler.upscale`. A tensor's result is not clipped.
    """
    lr, back = _opened(image)
    with torch.inference_mode():
        return back(upscaler.upscale(network, lr, **options))


def score(sr: Picture, hr: Picture, *, scale: float, metric: Sequence[str] = ("psnr", "ssim")) -> dict[str, float]:
    """Scores by the papers' protocol: rounded to 8 bits, on Y, without a border as wide as the scale.

    Args:
        metric: names of conf/metric that need no weights: psnr, ssim, psnr_rgb ...

    Raises:
        InputError: an unknown metric, images of different sizes or of several numbers.
    """
    from sr import build
    from sr.metric.frames import numbers, one_score

    built = build.metrics(list(metric), scale)
    if lacking := [name for name in metric if name not in built]:
        raise InputError(f"metric {lacking[0]}: not in conf/metric, or it needs weights: test.py measures it")
    images = [_opened(image)[0] for image in (sr, hr)]
    if len(images[0]) != 1 or len(images[1]) != 1:
        raise InputError(f"score compares one image with another, got {len(images[0])} and {len(images[1])}")
    return {name: value for name, (value,) in numbers({n: one_score(one, *images) for n, one in built.items()}).items()}


def degrade(hr: Picture, name: str | Sequence[str] = "bicubic", *, scale: int = 4, seed: int = 0) -> Any:
    """LR of an image by one or several degradations of conf/degradation, of the kind of `hr`; the same for the same seed.

    Raises:
        InputError: an unknown degradation; sides that are no multiples of the scale.
    """
    from sr.build.degradation import degradation, named
    from sr.build.image import image_node
    from sr.data.hold_out import draws

    image, back = _opened(hr)
    cfg = OmegaConf.create({"scale": scale, "axes": None, "image": image_node(PHOTO)})
    chain = degradation(cfg, named(cfg, [name] if isinstance(name, str) else list(name), "degradation"))
    with torch.no_grad():
        parts = [chain(one[None], chain.sample(draws(seed, str(n), "degraded"))) for n, one in enumerate(image)]
    return back(torch.cat(parts))


def compose(command: str, overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> DictConfig:
    """The config of a command, "train", "test", "predict", "report" or "export", with overrides as they are typed.

    Raises:
        InputError: an unknown command, key or choice, in one line.
    """
    import hydra

    import sr.cli.train  # noqa: F401, which registers resolvers
    from sr.cli import CONF, words
    from sr.cli.explain import explain

    if not (CONF / f"{command}.yaml").is_file():
        raise InputError(f"command {command!r}: pass train, test, predict, report or export")
    own = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"] if config_dir is not None else []
    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = hydra.compose(command, [*own, *words.typed([str(word) for word in overrides])])
        words.settle(cfg)
    except Exception as error:
        if isinstance(error, InputError) or (line := explain(error, command)) is None:
            raise
        raise InputError(line) from None
    return cfg


def train(cfg: DictConfig) -> float | None:
    """Run a config of `compose("train", ...)` as train.py does; the best validation score."""
    from sr.cli.train import train as run

    return run(cfg)


def batch(cfg: DictConfig, index: int = 0, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Batch `index` of the training that a config describes, without a trainer: {"lr": (N, C, S, S), "hr": (N, C, sS, sS)} in
    [0, 1], and further keys. It is the one that train.py sees on one device, bit for bit on the CPU."""
    from sr import build
    from sr.data.plan import Plan
    from sr.data.preview import prepared

    data = prepared(build.data(cfg))
    plan = Plan(seed=data.seed, phases=data.phases, accumulate=data.accumulate)
    made = data.patches(plan).batch(index)
    with torch.no_grad():
        return data.finish(data.transfer_batch_to_device(made, torch.device(device), 0))


def _opened(image: Picture) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """(N, C, H, W) in [0, 1], and what turns a result into what was given."""
    if isinstance(image, Tensor):
        return image, lambda result: result
    pixels = read(image).pixels if isinstance(image, str | Path) else np.asarray(image)
    if pixels.ndim not in (2, 3) or not (pixels.dtype in (np.uint8, np.uint16) or pixels.dtype.kind == "f"):
        raise InputError(f"expected an array (H, W, C) or (H, W) of uint8, uint16 or floats, got {pixels.dtype} {pixels.shape}")
    flat = pixels.ndim == 2
    if pixels.dtype.kind == "f":
        tensor = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(pixels), np.float32)).permute(2, 0, 1)[None].contiguous()
        made = lambda result: result[0].permute(1, 2, 0).cpu().numpy().astype(pixels.dtype)  # noqa: E731
    else:
        tensor, made = to_tensor(pixels), lambda result: to_pixels(result, pixels.dtype)
    return tensor, (lambda result: made(result)[..., 0]) if flat else made
