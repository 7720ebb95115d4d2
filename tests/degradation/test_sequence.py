import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur
from sr.degradation.bsrgan import BSRGAN, BSRGANPlus
from sr.degradation.chain import Chain
from sr.degradation.jpeg import JPEG
from sr.degradation.kernel import Kernel
from sr.degradation.mixture import Mixture
from sr.degradation.noise import Noise
from sr.degradation.realesrgan import RealESRGAN
from sr.degradation.region import Region, crop
from sr.degradation.resize import Resize
from sr.degradation.sequence import Sequence
from sr.degradation.shuffle import Shuffle
from sr.degradation.skip import Skip
from sr.functional.draws import Draws

PIPELINES = {"realesrgan": RealESRGAN(4), "bsrgan": BSRGAN(4), "plus": BSRGANPlus(4)}


def to_lr(scale: int = 4, *modes: str) -> Resize:
    return Resize(modes=modes or ("bicubic",), lr_scale=scale)


def one(parameters: dict, i: int) -> dict:
    return {name: value[i : i + 1] for name, value in parameters.items()}


@pytest.fixture(params=PIPELINES)
def pipeline(request) -> Sequence:
    return PIPELINES[request.param]


def test_a_sample_needs_no_more_than_its_reach(pipeline, photo):
    """The same pixels from the smallest window that its parameters ask for, from a larger one, and beside other samples."""
    drawn, hr = pipeline.sample(Draws(3, 0, 6, "test")), photo[..., 48:336].expand(6, -1, -1, -1)[..., :240, :]
    hr = F.pad(hr, (8, 8, 32, 32), mode="reflect")  # 304 x 304: a patch of 48 and the margin of 128
    batch = pipeline(hr, drawn, 12)
    reaches = [pipeline.reach(one(drawn, i), 12) for i in range(6)]
    assert pipeline.reach(drawn, 12) == max(reaches) and len(set(reaches)) > 2
    for i, reach in enumerate(reaches):
        cut = 128 - reach
        window = hr[i : i + 1, :, cut : 304 - cut, cut : 304 - cut]
        assert torch.equal(pipeline(window, one(drawn, i), 12), batch[i : i + 1])


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(pipeline, photo, threads):
    drawn = pipeline.sample(Draws(4, 0, 3, "test"))
    hr = photo.expand(3, -1, -1, -1)
    expected, before = pipeline(hr, drawn, 16), torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert torch.equal(pipeline(hr, drawn, 16), expected)
    finally:
        torch.set_num_threads(before)


def test_frames_of_a_clip_have_one_degradation_and_noise_of_their_own(pipeline, photo):
    drawn = pipeline.sample(Draws(0, 0, 2, "test"))
    clip = photo.expand(2, -1, -1, -1).unsqueeze(1).expand(-1, 3, -1, -1, -1)
    made = pipeline(clip, drawn)
    assert made.shape == (2, 3, 3, 60, 84)
    assert torch.equal(made[:, 0], pipeline(photo.expand(2, -1, -1, -1), drawn))
    assert not torch.equal(made[:, 0], made[:, 1])


@pytest.mark.parametrize("bands", [1, 5])
def test_any_number_of_bands(pipeline, photo, bands):
    hr = photo[:, :1].expand(3, bands, -1, -1)
    lr = pipeline(hr, pipeline.sample(Draws(0, 0, 3, "test")), 16)
    assert lr.shape == (3, bands, 16, 16) and lr.std() > 0.02


def test_lr_lies_on_hr_whatever_sizes_were_between(photo):
    """Two resizes by factors that divide nothing, to LR: where HR is a ramp, LR has its values at the centres of the cells."""
    ramp = torch.arange(336.0).expand(1, 3, 240, -1) / 336
    resize = Resize(0, 1, 0, (0.31, 0.9), ("bilinear",))
    sequence = Sequence({"a": resize, "b": Resize(0.5, 0.5, 0, (0.7, 1.6), ("bilinear",)), "end": to_lr(4, "bilinear")}, 4)
    for i in range(5):
        lr = sequence(ramp, sequence.sample(Draws(0, i, 1, "test")))
        expected = (torch.arange(84.0) * 4 + 1.5) / 336
        assert (lr[..., 12:-12] - expected[12:-12]).abs().max() < 1e-4


def test_stages_of_lists_work_within_a_pipeline(photo):
    """blur and bicubic as one pipeline, without rounding between them, differ by rounding alone from the list."""
    blur, bicubic = Blur(7, (1.2, 1.2)), Bicubic(2, rounding=None)
    sequence, chain = Sequence({"blur": blur, "bicubic": bicubic}, 2), Chain({"blur": blur, "bicubic": Bicubic(2)}, 2)
    drawn = Draws(0, 0, 1, "test")
    listed = chain(photo, chain.sample(drawn))
    given = Sequence({"blur": Blur(7, (1.2, 1.2)), "bicubic": bicubic}, 2).sample(drawn)
    assert (sequence(photo, given) - listed).abs().max() * 255 < 2.5
    assert torch.equal(sequence(photo, given, 40), sequence(photo, given)[..., 40:80, 64:104])


def test_regions_are_mirrored_as_numpy_does():
    image = torch.arange(20.0).view(1, 1, 4, 5)
    made = crop(image, Region(2, 6, -1, 4), Region(-1, 8, 2, 9))
    expected = np.pad(image[0, 0].numpy(), ((3, 2), (0, 5)), mode="symmetric")[:, 3:10]
    np.testing.assert_array_equal(made[0, 0], expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequence({}), "name: stage, at least one"),
        (lambda: Sequence({"a.b": Kernel()}), "cannot be called a.b"),
        (lambda: Sequence({"half": Kernel()}), "cannot be called half"),
        (lambda: Sequence({"blur": Kernel()}, 4), r"\[blur\] shrinks by 1, but scale=4; its last stages must lead"),
        (lambda: Sequence({"r": Resize(0, 1, 0, (0.2, 1))}, 4), r"\[r\] ends in a random size, but scale=4"),
        (lambda: Sequence({"r": Skip(to_lr(), 0.5)}, 4), "ends in a random size"),
        (lambda: Sequence({"s": Shuffle({"a": Resize(0, 1, 0, (0.2, 1)), "b": to_lr()})}, 4), "ends in a random size"),
        (lambda: Mixture({"a": to_lr(4), "b": to_lr(2)}, scale=4), "ends in a random size"),
        (lambda: Mixture({"a": Kernel(), "b": JPEG()}, {"a": 0, "b": 0}), "weights of a mixture must be .* sum is more than 0"),
        (lambda: Mixture({"a": Kernel()}, {"b": 1}), "has the pipelines a, but weights of b"),
        (lambda: Shuffle({"a": Kernel()}, in_order=["b"]), "has no stage b; it has a"),
        (lambda: Skip(Kernel(), 1.2), "probability must be a probability"),
        (lambda: Resize(0, 1, 0, (1.1, 1.5)), "must start below 1 for down=1"),
        (lambda: Resize(modes=("nearest",)), "choose at least one of area, bilinear"),
        (lambda: Resize(0, 0, 0), "up, down, keep must be"),
        (lambda: Kernel((8, 21)), "kernel_size must be odd"),
        (lambda: Kernel(21), r"kernel_size must be \[smallest, largest\]"),
        (lambda: Kernel(families={"gauss": 1}), "families: unknown gauss; choose of iso"),
        (lambda: Kernel(families={"iso": 0}), "families must be"),
        (lambda: Noise(photons=100), "photons=100: pass 255"),
        (lambda: Sequence({"blur": Kernel()}, margin=-5), "margin=-5: pass HR pixels from 0 to 1024"),
        (lambda: Mixture([]), "a mixture needs stages as name: pipeline, at least one"),
        (lambda: Kernel((7, 20001)), "kernels have at most 99x99 pixels"),
        (lambda: RealESRGAN(4, families=(0,) * 6), "families must be numbers of at least 0 whose sum is more than 0"),
        (lambda: RealESRGAN(4, families=(1, 2)), "families must be 6 weights, of iso, aniso"),
        (lambda: BSRGAN(4, blurs=-1), "blurs=-1: pass a whole number from 0 to 4"),
        (lambda: JPEG(grid="any"), "grid=any: choose corner or random"),
        (lambda: Resize(up=0.5), "up, down, keep must be probabilities whose sum is 1, got .* a sum of 1.5"),
        (lambda: Noise(levels=0), "levels must be a whole number of at least 1, or null"),
        (lambda: Chain({"bicubic": Bicubic(4)}, 4, levels=0), "levels must be a whole number of at least 1, or null"),
        (lambda: RealESRGAN(0), "^scale must be a whole number of at least 1, got 0"),
        (lambda: BSRGAN(0), "^scale must be a whole number of at least 1, got 0"),
        (lambda: Sequence({"size": to_lr()}, 0), "^scale must be a whole number of at least 1, got 0"),
        (lambda: RealESRGAN(4, sharpen="maybe"), "^sharpen must be true or false, got maybe"),
        (lambda: BSRGANPlus(4, sharpen="maybe"), "^sharpen must be true or false, got maybe"),
        (lambda: Chain({"resize": Resize(0, 1, 0, (0.2, 1))}, 4), "stage resize leaves each sample in another size"),
    ],
)  # fmt: skip
def test_errors(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_an_image_smaller_than_the_kernel_is_refused():
    sequence = Sequence({"size": to_lr(), "blur": Kernel((21, 21), sigma=(3, 3))}, 4)
    with pytest.raises(ValueError, match=r"10x12 pixels .*smaller than its kernel of 21x21"):
        sequence(torch.rand(1, 3, 40, 48), sequence.sample(Draws(0, 0, 1, "test")))
