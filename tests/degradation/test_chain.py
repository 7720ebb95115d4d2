import numpy as np
import pytest
import torch
from scipy import ndimage

from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur
from sr.degradation.chain import Chain, quantise
from sr.degradation.decimation import Decimation
from sr.degradation.jpeg import JPEG
from sr.degradation.noise import Noise
from sr.functional.draws import Draws


def sampled(chain: Chain, count: int = 1) -> dict[str, torch.Tensor]:
    return {k: torch.as_tensor(v) for k, v in chain.sample(Draws(0, 0, count, "test")).items()}


def test_bd_benchmark_as_its_matlab_script_makes_it(photo):
    """imfilter of uint8 by fspecial('gaussian', 7, 1.6), rounded to uint8; every third pixel from the second on."""
    chain = Chain({"blur": Blur(7, (1.6, 1.6)), "decimation": Decimation(3)}, 3)
    made = (chain(photo, sampled(chain)) * 255).round()[0].numpy()
    axis = np.exp(-0.5 * (np.arange(-3, 4) / 1.6) ** 2)
    kernel = np.outer(axis, axis) / np.outer(axis, axis).sum()
    pixels = (photo[0] * 255).round().numpy().astype(np.float64)
    blurred = np.floor(ndimage.correlate(pixels, kernel[None], mode="nearest") + 0.5)  # 'replicate'
    difference = np.abs(made - blurred[:, 1::3, 1::3])[:, 1:-1, 1:-1]
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01  # ties of weights rounded to 2**-16


def test_order_is_that_of_the_stages(patches):
    stages = {"bicubic": Bicubic(2), "jpeg": JPEG((10, 10))}
    first, second = Chain(stages, 2), Chain(dict(reversed(stages.items())), 2)
    lr = first(patches, sampled(first, 5))
    assert torch.equal(lr, stages["jpeg"](stages["bicubic"](patches, {}), {"quality": torch.full((5,), 10)}))
    assert not torch.equal(lr, second(patches, sampled(second, 5)))


def test_full_chain(patches):
    chain = Chain({"blur": Blur(), "bicubic": Bicubic(4), "noise": Noise(), "jpeg": JPEG()}, 4)
    given = sampled(chain, 5)
    assert sorted(given) == [
        "blur.sigma_x", "blur.sigma_y", "blur.theta", "jpeg.quality",
        "noise.gray", "noise.poisson", "noise.seed", "noise.strength",
    ]  # fmt: skip
    assert chain.scale == 4 and chain.margin == 20  # 10 + 8, up to a multiple of 4
    assert chain(patches, given).shape == (5, 3, 24, 24)


def test_margins_of_later_stages_count_in_hr_pixels():
    assert Chain({"bicubic": Bicubic(2)}, 2).margin == 4
    assert Chain({"a": Bicubic(2), "blur": Blur(7), "b": Bicubic(2)}, 4).margin == 4 + 3 * 2 + 4 * 2 + 2
    assert Chain({"decimation": Decimation(3)}, 3).margin == 0


def test_stages_with_one_prefix_do_not_mix(patches):
    chain = Chain({"blur": Blur(7, (0.3, 0.3)), "blur2": Blur(7, (2.0, 2.0))}, 1)
    given = sampled(chain, 5)
    assert given["blur.sigma_x"][0] == pytest.approx(0.3) and given["blur2.sigma_x"][0] == pytest.approx(2.0)
    assert chain(patches, given).shape == patches.shape


def test_quantise_rounds_half_up_and_clips():
    image = torch.tensor([-0.3, 0.0, 0.5, 1.5, 2.4999, 254.5, 300.0]) / 255
    assert (quantise(image) * 255).round().tolist() == [0, 0, 1, 2, 2, 255, 255]


@pytest.mark.parametrize(
    ("stages", "scale", "message"),
    [
        ({}, 2, "degradation is empty"),
        ({"blur": Blur()}, 2, r"degradation=\[blur\] downscales by 1, but scale=2"),
        ({"bicubic": Bicubic(2), "decimation": Decimation(2)}, 2, "downscales by 4, but scale=2"),
    ],
)
def test_errors(stages, scale, message):
    with pytest.raises(ValueError, match=message):
        Chain(stages, scale)


def test_size_must_be_a_multiple_of_the_scale(photo):
    with pytest.raises(ValueError, match=r"\(239, 336\) is not a multiple of scale=2"):
        Chain({"bicubic": Bicubic(2)}, 2)(photo[..., :239, :], {})


@pytest.mark.parametrize("last", [{"decimation": Decimation(2)}, {"bicubic": Bicubic(2), "noise": Noise((50, 50))}])
def test_every_stage_gives_8_bits(patches, last):
    seen = []
    chain = Chain({"blur": Blur(7), **last}, 2)
    for stage in chain.stages.values():
        stage.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    seen.append(chain(patches, sampled(chain, 5)))
    assert len(seen) == len(chain.stages) + 1
    for image in seen:
        assert torch.equal(image, (image * 255).round().clamp(0, 255) / 255)
