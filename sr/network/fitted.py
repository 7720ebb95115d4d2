"""Base of networks that train on each image which they enlarge, and have no weights of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.files import whole
from sr.network.upsample import check_channels
from sr.network.zssr_task import content


class Fitted(nn.Module):
    """(N, C, H, W) in [0, 1] -> (N, C, sH, sW), image by image: a subclass defines `made`.

    Args:
        seed: with the image's content, the seed of its training.
        folder: where results are kept, by the content of the image; None: nothing is kept.
        options: what else decides a result.
    """

    fits = True  # it needs the whole image, not tiles, and is not tried on tiny images

    def __init__(self, *, scale: int, channels: int, seed: int, folder: str | None, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.scale, self.channels, self.multiple_of = scale, check_channels(channels), 1
        self.seed, self.folder, self.options = seed, folder, {"scale": scale, **options}
        self.register_buffer("place", torch.empty(0), persistent=False)  # tells the device of a network without weights

    def made(self, lr: Tensor, generator: torch.Generator) -> Tensor:
        """The result (1, C, sH, sW) for one image (1, C, H, W); random numbers come from `generator`, on the CPU."""
        raise NotImplementedError

    def forward(self, lr: Tensor) -> Tensor:
        device = self.place.device
        with torch.inference_mode(False), torch.enable_grad(), float32(device.type):
            images = lr.to(device, torch.float32).split(1)
            return torch.cat([self._kept(image.clone()) for image in images]).to(lr.device)

    def _kept(self, lr: Tensor) -> Tensor:
        """The result for one image, from the folder if it is there."""
        name = content(lr, self.seed, type(self).__name__, self.options)
        generator = torch.Generator().manual_seed(int.from_bytes(name[:8], "little") % 2**63)
        if self.folder is None:
            return self.made(lr, generator)
        file = Path(self.folder) / "fitted" / f"{name.hex()}.pt"
        if not file.is_file():
            sr = self.made(lr, generator)
            with whole(file) as temporary:
                torch.save({"sr": sr.cpu()}, temporary)
        return torch.load(file, map_location=lr.device, weights_only=True)["sr"]
