"""Metrics of pyiqa that need no reference: MUSIQ, MANIQA, TOPIQ, CLIP-IQA+, BRISQUE, PI."""

from importlib.metadata import version
from importlib.util import find_spec

import torch
from torch import Tensor

from sr.backbone.download import downloaded
from sr.errors import InputError
from sr.metric.base import Metric
from sr.say import warn


class PyIQA(Metric):
    """A metric without a reference of the package pyiqa, by its name there; on RGB, quantised and cropped like every metric.

    pyiqa is an optional package (`pip install ".[iqa]"`). Its licence, PolyForm Noncommercial 1.0.0, forbids commercial use,
    which is said when it is used. Its weights are downloaded on first use.

    Some of its metrics draw random crops (MANIQA): each image is scored on its own, from `seed`, so that its score depends
    neither on its batch nor on what was drawn before.

    Args:
        crop_border, levels: see Metric.
        name: of pyiqa's list of metrics: musiq, maniqa, topiq_nr, clipiqa+, brisque, pi ...
        seed: of the random numbers.

    Raises:
        InputError: pyiqa is not installed, has no such metric, or it needs a reference.
        MissingError: the weights are not here and cannot be downloaded.
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
        warn("metrics of pyiqa are under PolyForm Noncommercial 1.0.0: no commercial use")
        made = downloaded(lambda: pyiqa.create_metric(name, device=torch.device("cpu")), f"pyiqa's {name}")
        self.higher_is_better = not made.lower_better
        self.seed, self.library = seed, f"pyiqa {version('pyiqa')}"
        # In a tuple: the network stays out of the parameters and the state_dict of whatever holds this metric.
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
