"""Similarity of an image to "Good photo." rather than "Bad photo.": no reference; higher is better."""

from importlib.util import find_spec

import torch
from torch import Tensor

from sr.backbone.download import downloaded
from sr.device.private import clip_prompts
from sr.errors import InputError
from sr.metric.base import Metric


class CLIPIQA(Metric):
    """CLIP-IQA (Wang, Chan, Loy 2023, arXiv:2207.12396), from torchmetrics: 0 to 1, higher is better.

    CLIP's ResNet-50 without position embedding, as in the paper, on RGB at full size; quantised and cropped like every metric.
    It needs the packages piq and transformers (`pip install ".[clip]"`), which download the network (244 MB) and the
    tokenizer on first use.

    Args:
        crop_border, levels: see Metric.
        prompt: a pair of opposites from torchmetrics: quality, noisiness, sharpness, natural, real ...

    Raises:
        InputError: a package is missing, or an unknown prompt.
        MissingError: the weights are missing and cannot be downloaded.
    """

    reference = False
    rgb_only = True
    smallest = 32  # the encoder halves the image five times

    def __init__(self, *, crop_border: float, prompt: str = "quality", levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)
        if lacking := [name for name in ("piq", "transformers") if find_spec(name) is None]:
            raise InputError(f'metric.clip_iqa needs {" and ".join(lacking)}: pip install ".[clip]"')
        from torchmetrics.multimodal import CLIPImageQualityAssessment

        known = clip_prompts()
        if prompt not in known:
            raise InputError(f"metric.clip_iqa.prompt={prompt}: choose one of {', '.join(known)}")
        # In a tuple: the network is not registered in the parameters and the state_dict of this module's owner.
        self.networks = (downloaded(lambda: CLIPImageQualityAssessment(prompts=(prompt,)), "CLIP-IQA"),)

    def score(self, sr: Tensor) -> Tensor:
        network = self.networks[0].to(sr.device)
        with torch.no_grad():
            scores = [network(image[None].float() / 255).reshape(1) for image in sr]
        network.reset()  # it stores every score
        return torch.cat(scores).to(sr.dtype)
