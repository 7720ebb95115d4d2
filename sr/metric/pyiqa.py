"""Metrics of pyiqa without a reference: MUSIQ, MANIQA, TOPIQ, CLIP-IQA+, BRISQUE, PI."""

from importlib.metadata import version
from importlib.util import find_spec

import torch
from torch import Tensor

from sr.backbone.download import downloaded
from sr.errors import InputError
from sr.metric.base import Metric
from sr.say import warn


class PyIQA(Metric):
    """A metric of the package pyiqa without a reference, by its name there; on RGB, quantised and cropped like every metric.

    pyiqa is an optional package (`pip install ".[iqa]"`). Its licence, PolyForm Noncommercial 1.0.0, forbids commercial use;
    a warning says so. Its weights are downloaded on first use.

    Some of its metrics draw random crops (MANIQA): each image is scored separately with `seed`, so its score does not depend
    on its batch or on earlier draws.

    Args:
        crop_border, levels: see Metric.
        name: name in pyiqa's list of metrics: musiq, maniqa, topiq_nr, clipiqa+, brisque, pi ...
        seed: seed of the random numbers.

    Raises:
        InputError: pyiqa is not installed, has no such metric, or the metric needs a reference.
        MissingError: the weights are missing and cannot be downloaded.
    """

    reference = False
    rgb_only = True
    smallest = 32

    def __init__(self, *, crop_border: float, name: str, seed: int = 123, levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        if find_spec("pyiqa") is None:
            raise InputError(f'{name} needs the package pyiqa, whose licence forbids commercial use: pip install ".[iqa]"')
        import pyiqa

        if name not in pyiqa.list_models("NR"):
            raise InputError(f"pyiqa {version('pyiqa')} has no metric {name!r} without a reference; pyiqa.list_models('NR')")
        warn("pyiqa's metrics are licensed under PolyForm Noncommercial 1.0.0: no commercial use")
        made = downloaded(lambda: pyiqa.create_metric(name, device=torch.device("cpu")), f"pyiqa's {name}")
        self.higher_is_better = not made.lower_better
        self.seed, self.library = seed, f"pyiqa {version('pyiqa')}"
        # In a tuple: the network is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (made.net.eval(),)

    def score(self, sr: Tensor) -> Tensor:
        network = self.networks[0].to(sr.device)
        devices = [sr.device.index or 0] if sr.device.type == "cuda" else []
        scores = []
        for image in sr:
            with torch.random.fork_rng(devices=devices), torch.no_grad():
                torch.manual_seed(self.seed)
                scores.append(network(image[None].float() / 255).reshape(1))
        return torch.cat(scores).to(sr.dtype)
