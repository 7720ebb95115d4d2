"""Real-ESRGAN's second-order degradation: blur, resize, noise and JPEG twice, and a sinc filter before or after the last JPEG.

Wang, Xie, Dong, Shan 2021, arXiv:2107.10833, section 3; numbers of options/train_realesrgan_x4plus.yml of xinntao/Real-ESRGAN.
"""

from collections.abc import Sequence as Range

import numpy as np
from torch import nn

from sr.degradation.jpeg import JPEG
from sr.degradation.kernel import FAMILIES, Kernel
from sr.degradation.noise import Noise
from sr.degradation.resize import Resize
from sr.degradation.sequence import Sequence
from sr.degradation.sharpen import Sharpen
from sr.degradation.shuffle import Shuffle
from sr.degradation.skip import Skip
from sr.errors import InputError
from sr.functional.ranges import called, probability, shares, switch, whole

_MODES = ("area", "bilinear", "bicubic")


class RealESRGAN(Sequence):
    """HR -> LR as Real-ESRNet and Real-ESRGAN are trained on, each sample with sizes of its own.

    An argument that ends in 2 is the second round's. The stages are made here; a pipeline of your own is a YAML of
    `sr.degradation.sequence.Sequence`.

    Args:
        scale: HR pixels for an LR pixel.
        sharpen: whether HR is sharpened first, which the network is to give back (gt_usm).
        kernel_size: [smallest, largest] side of the blur kernels, odd.
        sigma: range of their standard deviation in pixels.
        sinc: how often the kernel is a sinc filter.
        families: relative weights of iso, aniso, generalised_iso, generalised_aniso, plateau_iso, plateau_aniso.
        beta_generalised, beta_plateau: ranges of the shape parameters.
        blur2: how often the second blur happens.
        resize: probabilities that the picture is enlarged, shrunk, left as it is; their sum is 1.
        factor: range of the resize; the second one is relative to the size of LR.
        noise: range of sigma of Gaussian noise, in 255ths of the range.
        poisson: range of the strength of Poisson noise.
        poisson_probability, gray_probability: how often noise is Poisson's, and the same in all channels.
        jpeg: range of the quality.
        final_sinc: how often the last sinc filter is applied.
        levels: of the image, ${image.levels}.
        margin: see Sequence.
    """

    def __init__(
        self,
        scale: int,
        sharpen: bool = True,
        kernel_size: Range[int] = (7, 21),
        sigma: Range[float] = (0.2, 3.0),
        sinc: float = 0.1,
        families: Range[float] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03),
        beta_generalised: Range[float] = (0.5, 4.0),
        beta_plateau: Range[float] = (1.0, 2.0),
        resize: Range[float] = (0.2, 0.7, 0.1),
        factor: Range[float] = (0.15, 1.5),
        noise: Range[float] = (1.0, 30.0),
        poisson: Range[float] = (0.05, 3.0),
        poisson_probability: float = 0.5,
        gray_probability: float = 0.4,
        jpeg: Range[int] = (30, 95),
        blur2: float = 0.8,
        kernel_size2: Range[int] = (7, 21),
        sigma2: Range[float] = (0.2, 1.5),
        resize2: Range[float] = (0.3, 0.4, 0.3),
        factor2: Range[float] = (0.3, 1.2),
        noise2: Range[float] = (1.0, 25.0),
        poisson2: Range[float] = (0.05, 2.5),
        jpeg2: Range[int] = (30, 95),
        final_sinc: float = 0.8,
        levels: int | None = 255,
        margin: int = 128,
    ) -> None:
        whole("scale", scale)
        for name, value in {"sinc": sinc, "blur2": blur2, "final_sinc": final_sinc}.items():
            probability(name, value)
        shapes = {"families": _weights(families, sinc), "beta_generalised": beta_generalised, "beta_plateau": beta_plateau}

        def blur_of(size: Range[int], sigma: Range[float], end: str = "") -> Kernel:
            with called({name: f"{name}{end}" for name in ("kernel_size", "sigma")}):
                return Kernel(size, sigma=sigma, **shapes)

        def resize_of(ways: Range[float], factor: Range[float], end: str = "", lr_scale: int | None = None) -> Resize:
            if not isinstance(ways, list | tuple) or len(ways) != 3:
                raise InputError(f"resize{end} must be three probabilities, of up, down and unchanged, got {ways}")
            with called({"up, down, keep": f"resize{end}", "factor": f"factor{end}"}):
                return Resize(*ways, factor, _MODES, lr_scale=lr_scale)

        def noise_of(sigma: Range[float], strength: Range[float], end: str = "") -> Noise:
            with called({"sigma": f"noise{end}", "poisson_strength": f"poisson{end}"}):
                return Noise(sigma, strength, poisson_probability, gray_probability, levels, photons=None, clip=True)

        def jpeg_of(quality: Range[int], end: str = "") -> JPEG:
            with called({"quality": f"jpeg{end}"}):
                return JPEG(quality, grid="random")

        last_sinc = Kernel(families={"sinc": 1.0}, cutoff=(np.pi / 3, np.pi))
        ends: dict[str, nn.Module] = {
            "size": Sequence({"resize": Resize(modes=_MODES, lr_scale=scale), "sinc": Skip(last_sinc, 1 - final_sinc)}),
            "jpeg": jpeg_of(jpeg2, "2"),
        }
        stages: dict[str, nn.Module] = {
            "blur": blur_of(kernel_size, sigma),
            "resize": resize_of(resize, factor),
            "noise": noise_of(noise, poisson),
            "jpeg": jpeg_of(jpeg),
            "blur2": Skip(blur_of(kernel_size2, sigma2, "2"), 1 - blur2),
            "resize2": resize_of(resize2, factor2, "2", scale),
            "noise2": noise_of(noise2, poisson2, "2"),
            "end": Shuffle(ends),
        }
        super().__init__({"sharpen": Sharpen(), **stages} if switch("sharpen", sharpen) else stages, scale, margin)


def _weights(families: Range[float], sinc: float) -> dict[str, float]:
    """How often each family is drawn: a sinc filter first, else one of the others by their weights."""
    if len(families) != len(FAMILIES) - 1:
        raise InputError(f"families must be {len(FAMILIES) - 1} weights, of {', '.join(FAMILIES[:-1])}, got {list(families)}")
    shares("families", families)
    total = sum(families)
    return {name: (1 - sinc) * weight / total for name, weight in zip(FAMILIES[:-1], families, strict=True)} | {"sinc": sinc}
