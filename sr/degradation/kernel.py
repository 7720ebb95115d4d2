"""Blur by a random kernel per sample: Gaussian, generalised Gaussian, plateau or sinc.

Real-ESRGAN: Wang, Xie, Dong, Shan 2021, arXiv:2107.10833, section 3.1 and its supplement; the defaults are its first blur.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sr.degradation.filter import Linear, odd_sizes
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import kernels
from sr.functional.draws import Draws
from sr.functional.ranges import checked, shares, switch

FAMILIES = ("iso", "aniso", "generalised_iso", "generalised_aniso", "plateau_iso", "plateau_aniso", "sinc")
_REALESRGAN = dict(zip(FAMILIES, (0.405, 0.225, 0.108, 0.027, 0.108, 0.027, 0.1), strict=True))
_SMALL = 13  # smaller kernels have a cut-off of at least pi / 3, not pi / 5: otherwise they would contain less than a period


class Kernel(Stage):
    """Blur each sample by its own kernel, as a part of a larger picture; the result is neither rounded nor clipped.

    Args:
        kernel_size: [smallest, largest] side in pixels, odd; all odd sizes in between are equally likely.
        families: relative weights of iso, aniso, generalised_iso, generalised_aniso, plateau_iso, plateau_aniso and sinc.
        sigma: range of the standard deviation in pixels, uniform; independent for both axes if the kernel is anisotropic.
        theta: range of the angle in radians, uniform.
        beta_generalised, beta_plateau: range of the shape parameter; half of the draws lie below 1, half above.
        cutoff: range of the sinc filter's cut-off in radians a pixel; for sizes below 13 it begins at pi / 3 at least.
        variance: draw the square of sigma uniformly (BSRGAN).
    """

    def __init__(
        self,
        kernel_size: Sequence[int] = (7, 21),
        families: Mapping[str, float] | None = None,
        sigma: Sequence[float] = (0.2, 3.0),
        theta: Sequence[float] = (-np.pi, np.pi),
        beta_generalised: Sequence[float] = (0.5, 4.0),
        beta_plateau: Sequence[float] = (1.0, 2.0),
        cutoff: Sequence[float] = (np.pi / 5, np.pi),
        variance: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = odd_sizes("kernel_size", kernel_size)
        families = dict(_REALESRGAN if families is None else families)
        if unknown := families.keys() - set(FAMILIES):
            raise InputError(f"families: unknown {', '.join(sorted(unknown))}; choose of {', '.join(FAMILIES)}")
        self.shares = shares("families", list(families.values()))
        self.families = list(families)
        self.sigma = checked("sigma", sigma, 0.01, 1000)
        self.theta = checked("theta", theta, -2 * np.pi, 2 * np.pi)
        self.beta_generalised = checked("beta_generalised", beta_generalised, 0.01, 100)
        self.beta_plateau = checked("beta_plateau", beta_plateau, 0.01, 100)
        self.cutoff = checked("cutoff", cutoff, 0.01, np.pi)
        self.variance, self.margin = switch("variance", variance), self.kernel_size[1] // 2

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"family": index into FAMILIES, "size", "sigma_x", "sigma_y", "theta", "beta", "cutoff"}, (count,) each."""
        smallest, largest = self.kernel_size
        size = smallest + 2 * draws.integers((largest - smallest) // 2 + 1)
        choices = np.array([FAMILIES.index(name) for name in self.families])
        family = choices[np.searchsorted(self.shares, draws.uniform(), "right")]
        sigma_x, sigma_y, theta = self._sigma(draws), self._sigma(draws), draws.uniform(*self.theta)
        iso = np.isin(family, [FAMILIES.index(name) for name in FAMILIES if name.endswith("_iso") or name == "iso"])
        below, place = draws.uniform() < 0.5, draws.uniform()
        beta = np.where(family >= 4, _beta(self.beta_plateau, below, place), _beta(self.beta_generalised, below, place))
        low, high = self.cutoff
        cutoff = draws.uniform(np.where(size < _SMALL, np.clip(np.pi / 3, low, high), low), high)
        return {
            "family": family,
            "size": size,
            "sigma_x": sigma_x,
            "sigma_y": np.where(iso, sigma_x, sigma_y),
            "theta": np.where(iso, 0.0, theta),
            "beta": np.where(family < 2, 1.0, beta),
            "cutoff": cutoff,
        }

    def _sigma(self, draws: Draws) -> np.ndarray:
        low, high = self.sigma
        return np.sqrt(draws.uniform(low**2, high**2)) if self.variance else draws.uniform(low, high)

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [Linear(step, kernel_of(parameters))]

    def words(self, parameters: Parameters) -> str:
        family, size = FAMILIES[parameters["family"]], parameters["size"]
        if family == "sinc":
            return f"sinc cut off at {parameters['cutoff'] / np.pi:.2f} pi ({size} px)"
        axes = [f"{parameters[name]:.1f}" for name in ("sigma_x", "sigma_y")]
        sigma = axes[0] if family.endswith("iso") and "aniso" not in family else "x".join(axes)
        shape = "" if family in ("iso", "aniso") else f" beta {parameters['beta']:.1f}"
        return f"{family.replace('_', ' ')} blur sigma {sigma}{shape} ({size} px)"


def kernel_of(parameters: Parameters) -> np.ndarray:
    """(k, k), the kernel for one sample's parameters."""
    family, size = FAMILIES[parameters["family"]], parameters["size"]
    if family == "sinc":
        return kernels.sinc(size, parameters["cutoff"])
    shape = [parameters[name] for name in ("sigma_x", "sigma_y", "theta", "beta")]
    return kernels.plateau(size, *shape) if family.startswith("plateau") else kernels.gaussian(size, *shape)


def _beta(bounds: tuple[float, float], below: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Half of the draws in [low, 1], half in [1, high]; if 1 is outside the range, it is replaced by the nearer end, as in
    BasicSR."""
    low, high = bounds
    return np.where(below, low + place * (1 - low), 1 + place * (high - 1))
