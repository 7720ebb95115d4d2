"""Features of VGG-19 for losses: named layers of torchvision's network, with torchvision's weights, a file, or random."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sr.errors import InputError, MissingError
from sr.functional.draws import Draws

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, RGB in [0, 1]
_WIDTHS = {1: (64, 2), 2: (128, 2), 3: (256, 4), 4: (512, 4), 5: (512, 4)}  # channels and convolutions per block


def layer_names() -> list[str]:
    """torchvision's `features` in order: conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1 ... relu5_4."""
    names = []
    for block, (_, count) in _WIDTHS.items():
        names += [f"{kind}{block}_{i}" for i in range(1, count + 1) for kind in ("conv", "relu")] + [f"pool{block}"]
    return names[:-1]


class VGG19(nn.Module):
    """RGB (N, 3, H, W) in [0, 1] -> {layer: features}; frozen. A single channel is treated as gray.

    Simonyan and Zisserman 2015, arXiv:1409.1556, configuration E. convX_Y is before the activation, reluX_Y after.

    Args:
        layers: names of the layers; later ones are not built.
        weights: "imagenet" (torchvision's, 548 MB, downloaded to torch's cache on first use), a file with torchvision's key
            names (a truncated one works for the layers it has), or "random" (always the same values).
        key: the config key of these options, for error messages.

    Raises:
        InputError: unknown layer, or the file ends before it; in forward, neither one nor three channels.
        MissingError: no such file; imagenet cannot be downloaded.
    """

    def __init__(self, *, layers: Iterable[str], weights: str | Path = "imagenet", key: str = "loss.perceptual") -> None:
        super().__init__()
        self.key = key
        names = layer_names()
        if unknown := [name for name in layers if name not in names]:
            raise InputError(f"VGG-19 has no layer {unknown[0]}: choose conv1_1 to conv5_4, or relu1_1 ... after activation")
        self.names = names[: max(names.index(name) for name in layers) + 1]
        self.layers = tuple(layers)
        with torch.device("meta"):  # saves time and random numbers for weights that are replaced
            features = nn.Sequential(*_modules(self.names))
        self.features = features.to_empty(device="cpu")
        if weights == "random":
            self._draw()
        else:
            self._load(_imagenet(key) if weights == "imagenet" else _read(weights, key), weights)
        self.features.to(memory_format=torch.channels_last)  # of the images; after the draw, which fills memory in order
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).reshape(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        if image.shape[1] not in (1, 3):
            raise InputError(f"{self.key}: VGG-19 needs RGB, not {image.shape[1]} bands: remove it")
        x = (image - self.mean) / self.std  # also turns one channel into three
        found = {}
        for name, layer in zip(self.names, self.features, strict=True):
            x = layer(x)
            if name in self.layers:
                found[name] = x
        return found

    def _load(self, tensors: Mapping[str, Tensor], source: str | Path) -> None:
        state = self.features.state_dict()
        missing = {int(key.split(".")[0]) for key in state if f"features.{key}" not in tensors}
        if missing:
            reached = next((n for n in reversed(self.names[: min(missing)]) if n.startswith("conv")), "no layer")
            deep = [name for name in self.layers if self.names.index(name) >= min(missing)]
            raise InputError(f"{source} ends at {reached} of VGG-19, before {', '.join(deep)}: {self._instead(deep, reached)}")
        self.features.load_state_dict({key: tensors[f"features.{key}"] for key in state})

    def _instead(self, deep: list[str], reached: str) -> str:
        """What to pass to avoid layers that a file does not have."""
        if reached == "no layer":
            return f"pass another file as {self.key}.weights"
        if self.key.startswith("metric."):  # a list of layers
            return f"pass {self.key}.layers=[{reached}]"
        return " ".join(["pass", *(f"{self.key}.layers.{name}=0" for name in deep), f"++{self.key}.layers.{reached}=1"])

    def _draw(self) -> None:
        """He's normal initialisation with its own seed: equal in all runs, and without effect on torch's random state."""
        generator = torch.Generator().manual_seed(int(Draws(0, 0, 1, "vgg19").seeds()[0]))  # a stream of its own
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)


def _modules(names: list[str]) -> list[nn.Module]:
    modules: list[nn.Module] = []
    n_in = 3
    for name in names:
        n_out = _WIDTHS[int(name[4])][0]
        if name.startswith("conv"):
            modules.append(nn.Conv2d(n_in, n_out, 3, padding=1))
            n_in = n_out
        else:  # not in place: features before the activation are needed too
            modules.append(nn.ReLU() if name.startswith("relu") else nn.MaxPool2d(2))
    return modules


def _read(file: str | Path, key: str) -> Mapping[str, Tensor]:
    from sr.weights.checkpoint import read

    if not Path(file).is_file():
        raise MissingError(f"{key}.weights={file}: no such file; pass imagenet, random, or a VGG-19 file")
    return read(file)


def _imagenet(key: str) -> Mapping[str, Tensor]:
    from torchvision.models import VGG19_Weights

    try:
        return VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except OSError as error:  # URLError, HTTPError and timeouts are OSErrors
        raise MissingError(
            f"{key}.weights=imagenet could not be downloaded ({error}); pass {key}.weights=FILE with "
            f"{VGG19_Weights.IMAGENET1K_V1.url} downloaded on another machine, or {key}.weights=random"
        ) from None
