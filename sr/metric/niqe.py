"""Natural image quality evaluator: no reference; lower is better."""

from pathlib import Path
from typing import Literal

import scipy.io
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional import aggd
from sr.functional.mscn import mscn
from sr.functional.resize import imresize
from sr.metric.base import Metric

MODEL = Path(__file__).with_name("niqe_modelparameters.mat")
BLOCK = 96  # side of a block in pixels; the model of natural images is for such blocks


class NIQE(Metric):
    """NIQE (Mittal, Soundararajan, Bovik 2013, Making a "Completely Blind" Image Quality Analyzer, IEEE SPL 20(3)).

    The distance of the statistics of an image's 96x96 blocks from those of 125 natural photos, whose Gaussian model is the
    authors' release. Two scales, the second by MATLAB's imresize; float64. Rows and columns after the last whole block are
    ignored, as in the authors' code. Blocks without structure have no statistics and are left out; the score is NaN if fewer
    than two remain.

    Agrees with MATLAB to 0.0001 if the image has no perfectly flat areas. There MATLAB's score depends on rounding errors,
    which cannot be reproduced; here they are set to 0, so that the score is the same on every machine.

    Args:
        crop_border, levels, luma: see Metric.
        channel: "y", studio-range luma, as in SR papers, BasicSR and PIRM 2018; "gray", MATLAB's full-range rgb2gray, as in
            the authors' code and pyiqa. They differ by some tenths. Both are rounded to integers in 0..255.

    Raises:
        InputError: fewer than two blocks, or neither RGB nor gray.
    """

    reference = False
    higher_is_better = False
    channel_choices = ("y", "gray")
    smallest = BLOCK

    def __init__(
        self, *, crop_border: float, channel: Literal["y", "gray"] = "y", levels: int | None = 255, luma: bool = True
    ) -> None:
        super().__init__(crop_border=crop_border, channel=channel, levels=levels, luma=luma)
        model = scipy.io.loadmat(MODEL)
        names = ("mu_prisparam", "cov_prisparam")  # (1, 36), (36, 36)
        # In a tuple: they are not registered in the state_dict of this module's owner.
        self.model = tuple(torch.from_numpy(model[name].astype("float64")) for name in names)

    def learned(self) -> dict[str, Tensor]:
        return dict(zip(("mean", "covariance"), self.model, strict=True))

    def score(self, sr: Tensor) -> Tensor:
        height, width = sr.shape[-2:]
        if (height // BLOCK) * (width // BLOCK) < 2:
            raise InputError(
                f"NIQE needs two blocks of {BLOCK}x{BLOCK} pixels, and of {height + 2 * self.crop_border}x"
                f"{width + 2 * self.crop_border} less a border of {self.crop_border} there is one: remove it from metric=[...]"
            )
        if sr.shape[1] != 1:
            raise InputError(f"NIQE needs RGB or gray, not {sr.shape[1]} bands: remove it from metric=[...]")
        # On the CPU if the device has no float64 (MPS): statistics of small differences.
        images = (sr if sr.dtype == torch.float64 else sr.cpu().double()).add(0.5).floor()
        mean, covariance = (part.to(images.device) for part in self.model)
        return torch.stack([niqe(image, mean, covariance) for image in images[:, 0]]).to(sr)


def niqe(image: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """The score of an image (H, W) in 0..255, float64, against the model of natural images (1, 36) and (36, 36)."""
    height, width = (size // BLOCK * BLOCK for size in image.shape)
    image = image[None, None, :height, :width]
    scales = ((image, BLOCK), (imresize(image, 0.5), BLOCK // 2))
    found = torch.cat([features(mscn(scaled)[0, 0], side) for scaled, side in scales], dim=1)
    whole = found[~found.isnan().any(1)]
    if len(whole) < 2:
        return found.new_tensor(float("nan"))
    difference = mean[0] - found.nanmean(0)  # like nanmean and nancov in the authors' code
    return (difference @ torch.linalg.pinv((covariance + whole.T.cov()) / 2) @ difference).sqrt()


def features(normalised: Tensor, side: int) -> Tensor:
    """(blocks, 18): for each block the fits of its coefficients and of the products of neighbours in four directions.

    Section II.B of the paper; the neighbours of a block's last row are those of its first, as in the authors' code.
    """
    return torch.cat([_features(row.unfold(1, side, side).transpose(0, 1)) for row in normalised.split(side)])


def _features(blocks: Tensor) -> Tensor:
    """Of (blocks, side, side)."""
    shape, left, right = aggd.fit(blocks.flatten(1))
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = aggd.fit((blocks * blocks.roll(shift, (1, 2))).flatten(1))
        found += [shape, aggd.mean(shape, left, right), left, right]
    return torch.stack(found, dim=1)
