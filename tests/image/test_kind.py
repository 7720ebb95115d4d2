"""What a pixel is: reading files as a kind, to tensors and back, and the levels that everything rounds to."""

import numpy as np
import PIL.Image
import pytest
import torch
from omegaconf import OmegaConf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sr.augmentation.resample import resample, weights
from sr.degradation.bicubic import Bicubic
from sr.degradation.blur import Blur
from sr.degradation.chain import Chain
from sr.degradation.jpeg import JPEG
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.bicubic import enlarged
from sr.functional.draws import Draws
from sr.functional.resize import contributions, imresize
from sr.image import file as image
from sr.image.file import Image, write
from sr.image.kind import PHOTO, Kind, of
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from tests.jobs import ROOT
from tests.kinds import deep, gray, tensor16

FILES = sorted((ROOT / "conf" / "image").glob("*.yaml"))
PHOTO16 = Kind("photo16", 3, "uint16", (0, 65535), 65535, True, (0, 1, 2))
GRAY = Kind("gray", 1, "uint8", (0, 255), 255, False, (0,))
SENTINEL = Kind("sentinel", 6, "uint16", (0, 10000), 10000, False, (2, 1, 0))


def node(file) -> dict:
    return OmegaConf.to_container(OmegaConf.load(file))


def on_grid(x: torch.Tensor, levels: int) -> bool:
    return torch.equal(x, ((x * levels).round() / levels).clamp(0, 1))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_kind_of_conf(file):
    kind = of(node(file), file)
    assert kind.name == file.stem
    assert kind in (PHOTO, PHOTO16, GRAY) or file.stem not in ("photo", "photo16", "gray")
    stored = torch.linspace(*kind.range, 48).reshape(2, 4, -1, kind.bands).to(getattr(torch, kind.dtype))
    tensor = kind.to_float(stored)
    assert tensor.shape == (2, kind.bands, 4, 6 // kind.bands) and tensor.dtype == torch.float32
    assert tensor.min() == 0 and tensor.max() == 1
    assert torch.equal(kind.to_stored(tensor).permute(0, 2, 3, 1), stored)


def test_a_range_of_physical_values_and_data_without_levels():
    stored = torch.tensor([[[[0, 2500, 5000, 7500, 10000, 12000]]]], dtype=torch.int32).to(torch.uint16)
    assert SENTINEL.to_float(stored).flatten().tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.2])
    ct = Kind("ct", 1, "float32", (-1000, 1000), None, False, (0,))
    hounsfield = torch.tensor([-1000.0, 0, 1000, 3000]).reshape(1, 2, 2, 1)
    assert ct.to_float(hounsfield).flatten().tolist() == [0, 0.5, 1, 2]
    assert torch.equal(ct.to_stored(ct.to_float(hounsfield)).permute(0, 2, 3, 1), hounsfield)
    assert hounsfield.flatten().tolist() == [-1000, 0, 1000, 3000]  # not changed in place


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bands": 0}, "image.bands=0: pass a whole number of at least 1"),
        ({"dtype": "int32"}, "image.dtype=int32: choose one of uint8, uint16, int16, float32"),
        ({"range": (5, 5)}, r"image.range=\[5, 5\]: pass \[low, high\]"),
        ({"range": (0, 65535)}, r"image.range=\[0, 65535\]: uint8 holds 0 to 255"),
        ({"levels": 0}, "image.levels=0: pass a whole number such as 255, or null"),
        ({"bands": 1, "shown": (0,)}, "image.luma=true: only RGB has luma, not 1 bands"),
        ({"shown": (0, 3)}, r"image.shown=\[0, 3\]: choose one band \(gray\) or three"),
        ({"shown": (0, 1, 3)}, "from 0 to 2"),
    ],
)
def test_a_kind_that_makes_no_sense_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        Kind(**{**PHOTO.__dict__, **change})


def test_what_a_file_says_of_its_kind_is_checked():
    assert of(None, "old.ckpt") is PHOTO
    with pytest.raises(InputError, match="^a.ckpt: invalid image config: .*expected name, bands"):
        of({"name": "photo", "evil": 1}, "a.ckpt")


def test_reading_as_each_kind(tmp_path):
    """Gray, colour, 8 and 16 bits, as three kinds: exact, and said where anything is changed."""
    files = {"gray": gray("camera"), "colour": deep("coffee") // 257, "gray16": deep("coffee")[..., :1].repeat(3, 2)}
    files |= {"colour16": deep("coffee")}
    for name, pixels in files.items():
        pixels = pixels.astype(np.uint16 if name.endswith("16") else np.uint8)
        write(tmp_path / f"{name}.png", Image(pixels, was_gray=name.startswith("gray")))
        files[name] = pixels

    def read(kind: Kind, name: str) -> np.ndarray:
        pixels = kind.read(tmp_path / f"{name}.png")
        assert pixels.dtype == kind.dtype and pixels.shape == (96, 96, kind.bands)
        return pixels

    def said(kind: Kind, name: str) -> str:
        return "; ".join(text.split(",")[0] for text in kind.not_used(tmp_path / f"{name}.png"))

    luma = files["colour"] @ (0.2989360212937753, 0.5870430744511212, 0.1140209042551033)
    assert np.array_equal(read(GRAY, "gray"), files["gray"][..., :1]) and not said(GRAY, "gray")
    assert (
        np.array_equal(read(GRAY, "colour")[..., 0], np.floor(luma + 0.5))
        and said(GRAY, "colour") == "are in colour and are converted to gray (rgb2gray)"
    )
    assert np.array_equal(read(GRAY, "gray16"), image.to_8bit(files["gray16"])[..., :1])
    assert said(GRAY, "gray16") == "have 16 bits per sample"
    assert np.array_equal(read(PHOTO16, "colour16"), files["colour16"]) and not said(PHOTO16, "colour16")
    assert np.array_equal(read(PHOTO16, "colour"), files["colour"].astype(np.uint16) * 257)
    assert said(PHOTO16, "colour") == "have 8 bits per sample"
    assert np.array_equal(read(PHOTO, "gray"), files["gray"]) and not said(PHOTO, "gray")
    assert np.array_equal(read(PHOTO, "colour16"), image.to_8bit(files["colour16"]))
    assert said(PHOTO, "colour16") == "have 16 bits per sample"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (SENTINEL, "x.png: 3 bands, but image=sentinel has 6"),
        (Kind("ten", 3, "uint16", (0, 1023), 1023, True, (0, 1, 2)), "x.png: uint8 samples, but image=ten is uint16 in"),
        (Kind("real", 3, "float32", (0, 1), None, True, (0, 1, 2)), "x.png: uint8 samples, but image=real is float32"),
    ],
)
def test_what_a_kind_cannot_hold_is_refused_and_not_guessed(tmp_path, kind, said):
    write(tmp_path / "x.png", Image((deep("coffee") // 257).astype(np.uint8)))
    with pytest.raises(InputError, match=said):
        kind.read(tmp_path / "x.png")


def test_caches_of_different_kinds_never_meet():
    kinds = (PHOTO, PHOTO16, GRAY, SENTINEL, Kind("ten", 3, "uint16", (0, 1023), 1023, True, (0, 1, 2)))
    assert len({kind.cache for kind in kinds}) == len(kinds) and PHOTO.cache == ""  # where photographs always were


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 2, 0.7])
def test_imresize_of_16_bits_is_float64_rounded_after_each_pass(scale):
    """MATLAB's imresize of uint16, written once more with whole matrices."""
    hr = tensor16()
    pixels = (hr[0].double() * 65535).round()
    for axis in (1, 2):  # rows first
        n = pixels.shape[axis]
        first, weight, unit, _ = contributions(n, int(np.ceil(n * scale - 1e-9)), scale, "cubic", True)
        index = (first[:, None] + np.arange(weight.shape[1])) % (2 * n)
        index = np.where(index < n, index, 2 * n - 1 - index)
        matrix = np.zeros((len(first), n))
        np.add.at(matrix, (np.arange(len(first))[:, None], index), weight)
        pixels = torch.moveaxis(torch.tensordot(torch.from_numpy(matrix), pixels, ([1], [axis])), 0, axis) / unit
        pixels = (pixels + 0.5).floor().clamp(0, 65535)
    made = imresize(hr, scale, rounding=65535)
    assert torch.equal((made[0].double() * 65535).round(), pixels) and on_grid(made, 65535)
    assert not on_grid(made, 255)


def test_the_degradations_keep_16_bits_and_jpeg_alone_has_8():
    hr = tensor16()
    stages = {"blur": Blur(levels=65535), "bicubic": Bicubic(2, rounding=65535), "noise": Noise(levels=65535)}
    for number in (1, 2, 3):
        chain = Chain(dict(list(stages.items())[:number]), 2 if number > 1 else 1, levels=65535)
        batch = torch.cat([hr, tensor16("astronaut")])
        given = {k: torch.as_tensor(v) for k, v in chain.sample(draws(2)).items()}
        lr = chain(batch, given)
        assert on_grid(lr, 65535) and not on_grid(lr, 255)
        alone = chain(batch[1:], {k: v[1:] for k, v in given.items()})
        assert torch.equal(alone, lr[1:])  # whatever stands beside it in the batch
    assert on_grid(JPEG()(hr, {"quality": torch.tensor([90])}), 255)


def test_data_without_levels_is_neither_rounded_nor_clipped():
    hr = tensor16() * 1.5 - 0.2
    chain = Chain({"blur": Blur(levels=None), "bicubic": Bicubic(2, rounding=None)}, 2, levels=None)
    lr = chain(hr, {k: torch.as_tensor(v) for k, v in chain.sample(draws(1)).items()})
    assert lr.min() < 0 and lr.max() > 1 and not on_grid(lr.clamp(0, 1), 65535)
    psnr = PSNR(crop_border=0, levels=None)
    assert psnr(lr, lr + 0.001).item() == pytest.approx(60 - 20 * np.log10(219 / 255), abs=1e-3)  # Y: 219 of 255


def test_shrinking_augmentations_keep_16_bits():
    hr = tensor16()
    place = (torch.arange(48, dtype=torch.float64) + 0.5 - 24) / 0.7 + 48 - 0.5
    matrix = weights(place[None], torch.tensor([0.7], dtype=torch.float64), 96, 0.5)
    made = resample(hr, matrix, matrix, 65535)
    assert on_grid(made, 65535) and not on_grid(made, 255)
    near = (made - resample(hr, matrix, matrix, None)).abs() < 2 / 65535
    assert near.float().mean() > 0.98  # but for what was clipped


@pytest.mark.parametrize("channel", ["y", "rgb"])
def test_metrics_of_16_bits_are_those_of_skimage(channel):
    hr = tensor16()
    sr = enlarged(imresize(hr, 1 / 2, rounding=65535), 2, 65535)
    settings = {"crop_border": 0, "channel": channel, "levels": 65535}
    ours, theirs = ((x[0].double() * 65535).round().permute(1, 2, 0).numpy() for x in (sr, hr))
    if channel == "y":
        ours, theirs = (x @ np.array([[65.481], [128.553], [24.966]]) / 255 for x in (ours, theirs))
    assert PSNR(**settings)(sr, hr).item() == pytest.approx(peak_signal_noise_ratio(theirs, ours, data_range=65535), abs=1e-6)
    options = {"data_range": 65535, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    offset = 16 / 255 * 65535 if channel == "y" else 0  # SSIM is not the same without it
    full = structural_similarity(theirs + offset, ours + offset, channel_axis=-1, **options)[1]
    assert SSIM(**settings)(sr, hr).item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_a_difference_that_8_bits_would_hide_is_measured():
    hr = tensor16()
    sr = (hr + 20 / 65535).clamp(0, 1)
    assert PSNR(crop_border=0, channel="rgb", levels=65535)(sr, hr).item() == pytest.approx(20 * np.log10(65535 / 20), abs=0.1)
    assert PSNR(crop_border=0, channel="rgb")(sr, hr).item() < 68


def test_three_bands_without_luma_are_measured_together():
    hr = tensor16()
    sr = imresize(imresize(hr, 1 / 2), 2)
    without = PSNR(crop_border=2, channel="y", levels=65535, luma=False)(sr, hr)
    assert torch.equal(without, PSNR(crop_border=2, channel="rgb", levels=65535)(sr, hr))
    assert GRAY.measured == "gray" and SENTINEL.measured == "6 bands" and PHOTO16.measured == ""


def draws(count: int) -> Draws:
    return Draws(3, 0, count, "degradation")


@pytest.mark.parametrize("room", ["network", "discriminator"])
def test_every_network_yaml_takes_its_channels_from_the_kind(room):
    files = sorted((ROOT / "conf" / room).glob("*.yaml"))
    nodes = {file.stem: node(file) for file in files}
    assert [name for name, n in nodes.items() if "_target_" in n and n.get("channels") != "${image.bands}"] == []


def test_values_outside_a_narrow_range_are_refused(tmp_path):
    """Twelve bits in 16-bit files: a file of 16 bits would be scored outside [0, 1]."""
    kind = Kind("gray12", 1, "uint16", (0, 4095), 4095, False, (0,))
    for name, top in (("good", 4095), ("bad", 4096)):
        PIL.Image.fromarray(np.linspace(0, top, 64 * 64).astype(np.uint16).reshape(64, 64)).save(tmp_path / f"{name}.png")
    assert kind.read(tmp_path / "good.png").max() == 4095
    with pytest.raises(InputError, match=r"bad.png: values from 0 to 4096, but image=gray12 has range \[0, 4095\]: convert"):
        kind.read(tmp_path / "bad.png")
    PIL.Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "eight.png")
    assert kind.not_used(tmp_path / "eight.png") == []  # it is refused, not scaled
