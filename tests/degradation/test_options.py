"""Errors of a pipeline name the option that the user wrote, not that of the stage which it is passed on to."""

import pytest

from sr.degradation.bsrgan import BSRGAN, BSRGANPlus
from sr.degradation.realesrgan import RealESRGAN
from sr.errors import InputError

CASES = [
    (RealESRGAN, "noise", [30, 1]),
    (RealESRGAN, "noise2", [-1, 1]),
    (RealESRGAN, "poisson2", 3.0),
    (RealESRGAN, "jpeg", [0, 95]),
    (RealESRGAN, "jpeg2", [30.5, 95]),
    (RealESRGAN, "kernel_size2", [8, 21]),
    (RealESRGAN, "sigma2", [2, 1]),
    (RealESRGAN, "resize", [0.2, 0.7, 0.2]),
    (RealESRGAN, "resize2", [0.5, 0.5]),
    (RealESRGAN, "factor2", [1.1, 1.2]),
    (RealESRGAN, "final_sinc", 1.5),
    (RealESRGAN, "blur2", -0.1),
    (RealESRGAN, "sinc", 2),
    (BSRGAN, "noise", [25, 2]),
    (BSRGAN, "jpeg", [30, 101]),
    (BSRGAN, "kernel_size_iso", [6, 25]),
    (BSRGAN, "kernel_size", [25, 7]),
    (BSRGAN, "width", 0),
    (BSRGAN, "resize", 1.5),
    (BSRGAN, "halve", -1),
    (BSRGAN, "jpeg_probability", 2),
    (BSRGANPlus, "noise", [25, 2]),
    (BSRGANPlus, "jpeg", [95, 30]),
    (BSRGANPlus, "shuffle", 1.1),
    (BSRGANPlus, "poisson", -0.5),
    (BSRGANPlus, "speckle", 7),
]


@pytest.mark.parametrize(("pipeline", "key", "value"), CASES, ids=[f"{made.__name__}-{key}" for made, key, _ in CASES])
def test_the_line_begins_with_the_key_that_was_written(pipeline, key, value):
    with pytest.raises(InputError, match=rf"^{key}( must be|=)") as error:
        pipeline(4, **{key: value})
    got = str(value).replace(".0,", ",").rstrip("]")
    assert got in str(error.value).replace(".0,", ",") and "\n" not in str(error.value)
