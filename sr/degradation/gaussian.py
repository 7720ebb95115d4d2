"""Gaussian noise of BSRGAN: coloured, gray or correlated between the channels; added, or multiplied with the image (speckle).

Zhang, Liang, Van Gool, Timofte 2021, arXiv:2103.14006, section 3.3; probabilities of utils_blindsr.py of cszn/KAIR.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sr.degradation.noise import frames
from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage
from sr.functional.draws import Draws
from sr.functional.ranges import checked, shares, switch

COLOUR, GRAY, CORRELATED = range(3)


class Gaussian(Stage):
    """Add Gaussian noise to images in [0, 1], and clip.

    Images of other than three bands have no gray or correlated noise: each band is a sensor of its own.

    Args:
        sigma: range of the standard deviation in 255ths of the range, whole numbers. Correlated noise has a covariance that
            is drawn, of variances up to the largest sigma's.
        kinds: how often the noise is coloured, gray, correlated; relative weights.
        speckle: whether the noise is multiplied with the image.
    """

    def __init__(
        self, sigma: Sequence[float] = (2, 25), kinds: Sequence[float] = (0.4, 0.4, 0.2), speckle: bool = False
    ) -> None:
        super().__init__()
        self.sigma, self.kinds = checked("sigma", sigma, 0, 255), shares("kinds", kinds)
        self.speckle = switch("speckle", speckle)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"sigma", "kind", "seed"}: (count,); "mix": (count, 3, 3), what makes three correlated values of independent ones."""
        low, high = (int(bound) for bound in self.sigma)
        sigma = low + draws.integers(high - low + 1)
        kind = np.searchsorted(self.kinds, draws.uniform(), "right")
        spread = np.stack([draws.uniform() for _ in range(3)], 1)
        base = np.stack([draws.uniform() for _ in range(9)], 1).reshape(-1, 3, 3)
        turn = np.linalg.svd(base)[0]
        covariance = np.abs(np.einsum("nji,nj,njk->nik", turn, spread, turn)) * (high / 255) ** 2
        values, vectors = np.linalg.eigh(covariance)  # their absolute value may have a negative one, which NumPy takes positive
        return {"sigma": sigma, "kind": kind, "seed": draws.seeds(), "mix": vectors * np.sqrt(np.abs(values))[:, None]}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Added(step, parameters, self.speckle)]

    def words(self, parameters: Parameters) -> str:
        kind = ("", " gray", " correlated")[parameters["kind"]]
        strength = "" if parameters["kind"] == CORRELATED else f" {parameters['sigma']}"
        return f"{'speckle' if self.speckle else 'Gaussian noise'}{strength}{kind}"


class _Added(Operation):
    def __init__(self, step: float, parameters: Parameters, speckle: bool) -> None:
        super().__init__(step)
        self.parameters, self.speckle = parameters, speckle

    def constants(self, given: Region, wanted: Region, block: int | None) -> list[np.ndarray]:
        return [self.parameters["mix"].astype(np.float32)]

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        bands = image.shape[1]
        kind, sigma = self.parameters["kind"] if bands == 3 else COLOUR, self.parameters["sigma"] / 255
        made = []
        for frame, generator in frames(image, self.parameters["seed"]):
            shape = (1 if kind == GRAY else bands, *frame.shape[1:])
            noise = torch.randn(shape, generator=generator, device=image.device)
            if kind == CORRELATED:
                mix = constants[0]
                noise = sum(mix[:, k, None, None] * noise[k] for k in range(3))
            else:
                noise = noise.mul_(sigma)
            made.append(frame + (frame * noise if self.speckle else noise))
        return torch.stack(made).clamp_(0, 1)
