"""BSRGAN's degradation: blurs, a resize, noise and JPEG in a random order for each sample, and a final JPEG.

Zhang, Liang, Van Gool, Timofte 2021, arXiv:2103.14006, section 3; numbers of `degradation_bsrgan` and
`degradation_bsrgan_plus` of utils_blindsr.py of cszn/KAIR. The camera's own processing (ISP), a network that is not public, is
left out, as there.
"""

from collections.abc import Sequence as Range

import numpy as np
from torch import nn

from sr.degradation.clip import Clip
from sr.degradation.gaussian import Gaussian
from sr.degradation.jpeg import JPEG
from sr.degradation.kernel import Kernel
from sr.degradation.mixture import Mixture
from sr.degradation.point import Point
from sr.degradation.poisson import Poisson
from sr.degradation.resize import Resize
from sr.degradation.sequence import Sequence
from sr.degradation.sharpen import Sharpen
from sr.degradation.shuffle import Shuffle
from sr.degradation.skip import Skip
from sr.errors import InputError
from sr.functional.ranges import called, probability, switch, whole

MOST_BLURS = 4
_MODES = ("bilinear", "bicubic", "box")  # OpenCV's linear, cubic and area
_LEAST = 0.01  # pixels, of a standard deviation that may be 0


class BSRGAN(Mixture):
    """HR -> LR as BSRNet and BSRGAN are trained on, each sample with sizes of its own.

    Args:
        scale: HR pixels for an LR pixel; the blurs' widths follow from it.
        blurs: how many blurs are among what is shuffled.
        width: of the blurs, relative to the paper's: variances up to 4 + scale (anisotropic), standard deviations up to
            2 + scale / 5 (isotropic).
        kernel_size, kernel_size_iso: [smallest, largest] side of the kernels, odd.
        noise: range of sigma of Gaussian noise, in 255ths of the range.
        resize: how often the picture is resized to an intermediate size, and not blurred and decimated to LR's.
        halve: at scale 4, how often HR is halved first and degraded for scale 2.
        jpeg: range of the quality.
        jpeg_probability: how often a JPEG is among what is shuffled.
        margin: see Sequence.
    """

    def __init__(
        self,
        scale: int,
        blurs: int = 2,
        width: float = 1.0,
        kernel_size: Range[int] = (7, 25),
        kernel_size_iso: Range[int] = (7, 25),
        noise: Range[int] = (2, 25),
        resize: float = 0.75,
        halve: float = 0.25,
        jpeg: Range[int] = (30, 95),
        jpeg_probability: float = 0.9,
        margin: int = 128,
    ) -> None:
        if type(blurs) is not int or not 0 <= blurs <= MOST_BLURS:
            raise InputError(f"blurs={blurs}: pass a whole number from 0 to {MOST_BLURS}")
        if not width > 0:
            raise InputError(f"width={width}: must be more than 0")
        whole("scale", scale)
        for name, value in {"resize": resize, "halve": halve, "jpeg_probability": jpeg_probability}.items():
            probability(name, value)

        def pipeline(factor: int) -> Sequence:
            """Of pixels `factor` times as small as LR's."""
            first = Sequence({"resize": Resize(0, 1, 0, (0.5 / factor, 1), _MODES, inverse=True), "clip": Clip()})
            decimated = Sequence({"point": Point(factor, (0.1, 0.6 * factor)), "clip": Clip()})
            shuffled: dict[str, nn.Module] = {
                f"blur{i}": blur(factor, width, kernel_size, kernel_size_iso) for i in range(1, blurs + 1)
            }
            shuffled |= {
                "down": Mixture({"resize": first, "decimate": decimated}, {"resize": resize, "decimate": 1 - resize}),
                "size": Sequence({"resize": Resize(modes=_MODES, lr_scale=scale), "clip": Clip()}),
                "noise": Gaussian(noise),
                "jpeg": Skip(JPEG(jpeg, grid="random"), 1 - jpeg_probability),
            }
            return Sequence({"shuffled": Shuffle(shuffled, in_order=("down", "size")), "jpeg": JPEG(jpeg, grid="random")})

        with called({"sigma": "noise", "quality": "jpeg"}):
            ways: dict[str, nn.Module] = {"direct": pipeline(scale)}
        if scale == 4:
            half = Resize(0, 1, 0, (0.5, 0.5), (*_MODES, "matlab", "matlab", "matlab"), fixed=True)
            ways["halved"] = Sequence({"halving": half, "clip": Clip(), "rest": pipeline(2)})
        super().__init__(ways, dict(zip(ways, (1 - halve, halve) if scale == 4 else (1.0,), strict=True)), scale, margin)


class BSRGANPlus(Sequence):
    """BSRGAN's stages in Real-ESRGAN's order, mostly: sharpening, then blur, resize and noises twice.

    Args:
        scale: HR pixels for an LR pixel; the blurs' widths follow from it.
        sharpen: whether HR is sharpened first, which the network and the discriminator learn.
        shuffle: how often the order of all stages is drawn; else only that of the noises of each round.
        noise: range of sigma of Gaussian noise and speckle, in 255ths of the range.
        poisson, speckle: how often these noises are added.
        jpeg: range of the quality.
        margin: see Sequence.
    """

    def __init__(
        self,
        scale: int,
        sharpen: bool = True,
        shuffle: float = 0.1,
        noise: Range[int] = (2, 25),
        poisson: float = 0.1,
        speckle: float = 0.1,
        jpeg: Range[int] = (30, 95),
        margin: int = 128,
    ) -> None:
        whole("scale", scale)
        for name, value in {"shuffle": shuffle, "poisson": poisson, "speckle": speckle}.items():
            probability(name, value)
        with called({"sigma": "noise"}):
            gaussian, multiplied = (Gaussian(noise, speckle=way) for way in (False, True))
        with called({"quality": "jpeg"}):
            compressed = JPEG(jpeg, grid="random")
        stages: dict[str, nn.Module] = {}
        for i in ("1", "2"):
            resize = Resize(0.2, 0.7, 0.1, (0.5 / scale, 2.0), _MODES)
            stages |= {
                f"blur{i}": blur(scale),
                f"resize{i}": Sequence({"resize": resize, "clip": Clip()}),
                f"gaussian{i}": gaussian,
                f"poisson{i}": Skip(Poisson(), 1 - poisson),
                f"speckle{i}": Skip(multiplied, 1 - speckle),
                **({"jpeg1": compressed} if i == "1" else {}),
            }
        together = [[f"{name}{i}" for name in ("gaussian", "poisson", "speckle")] for i in ("1", "2")]
        super().__init__(
            {
                **({"sharpen": Sharpen(discriminator=True)} if switch("sharpen", sharpen) else {}),
                "shuffled": Shuffle(stages, probability=shuffle, together=together),
                "resize": Resize(modes=_MODES, lr_scale=scale),
                "jpeg": compressed,
            },
            scale,
            margin,
        )


def blur(scale: int, width: float = 1.0, kernel_size: Range[int] = (7, 25), kernel_size_iso: Range[int] = (7, 25)) -> Mixture:
    """An anisotropic or an isotropic Gaussian, equally often."""
    with called({"sigma": "width"}):
        aniso = Kernel(kernel_size, {"aniso": 1.0}, (_LEAST, np.sqrt(width * (4 + scale))), (0, np.pi), variance=True)
    with called({"sigma": "width", "kernel_size": "kernel_size_iso"}):
        iso = Kernel(kernel_size_iso, {"iso": 1.0}, (_LEAST, width * (2 + 0.2 * scale)))
    return Mixture({"aniso": aniso, "iso": iso})
