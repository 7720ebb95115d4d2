"""The comparison page of images that are not photographs: GeoTIFF, DICOM, TIFF stacks, 16 bits, pixels without data."""

import base64
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pydicom
import pytest
import torch

from sr import build
from sr.build.image import common_kind
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.kind import PHOTO, Kind
from sr.network.interpolation import Interpolation
from sr.predict.compare import compare_files
from tests.browser import started
from tests.image.dicoms import real
from tests.image.geotiffs import PAN, SENTINEL2, samples, written
from tests.jobs import compose
from tests.predict.test_compare import rows


def kind(name: str, *words: str) -> Kind:
    return build.image(compose("train", f"image={name}", *words))


def networks(bands: int) -> list[tuple[str, Interpolation]]:
    return [(f"{name}.pth", Interpolation(scale=2, channels=bands, kernel=name)) for name in ("bilinear", "lanczos")]


def pictures(page: Path) -> dict[str, np.ndarray]:
    text = page.read_text()
    names = re.findall(r'<tr data-picture="([^"]+)">', text.split("<table>")[1].split("</table>")[0])
    uris = re.findall(r'id="picture-0-\d+">data:image/webp;base64,([^<]+)<', text)
    return {name: np.array(PIL.Image.open(BytesIO(base64.b64decode(uri)))) for name, uri in zip(names, uris, strict=True)}


def halved(hr: np.ndarray) -> torch.Tensor:
    """(1, 6, h, w) in [0, 1]: LR of reflectances (H, W, 6) by MATLAB's imresize."""
    return imresize(torch.from_numpy(hr / 10000).float().permute(2, 0, 1)[None], 1 / 2, rounding=10000)


def psnr(sr: np.ndarray, hr: np.ndarray, top: float, border: int = 2) -> float:
    cut = (slice(border, -border),) * 2
    return 10 * np.log10(top**2 / np.mean((sr[cut].astype(float) - hr[cut]) ** 2))


@pytest.fixture(scope="module")
def sentinel2(tmp_path_factory) -> Path:
    page = tmp_path_factory.mktemp("sentinel2") / "page.html"
    assert compare_files(networks(6), SENTINEL2, page, degrade=True, kind=kind("sentinel2")) == 0
    return page


def test_bands_are_shown_in_their_window_and_scored_in_their_range(sentinel2):
    hr = samples(SENTINEL2).astype(np.float64)
    hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
    seen = pictures(sentinel2)
    assert list(seen) == ["LR", "bicubic", "bilinear", "lanczos", "HR"]
    expected = np.floor(np.clip(hr[..., [5, 3, 0]] / 4000, 0, 1) * 255 + 0.5)
    assert np.abs(seen["HR"] - expected).max() <= 1  # float32 next to a half
    sr = (imresize(halved(hr), 2, rounding=10000)[0].permute(1, 2, 0).double().numpy() * 10000).round()
    row = rows(sentinel2)["bicubic"]
    assert float(row[0]) == pytest.approx(psnr(sr, hr, 10000), abs=0.006)
    assert [cell != "" for cell in row[:2]] == [True, True] and "×" in row[2]  # two metrics, then the size
    text = " ".join(sentinel2.read_text().split("<table>")[0].split())
    assert "PSNR (6 bands)" in sentinel2.read_text() and "PSNR Y" not in sentinel2.read_text()
    assert "10000 levels, 2 pixels of border cut, 6 bands of image=sentinel2." in text
    assert "bands 6, 4, 1 as red, green, blue; black to white is 0 to 4000" in text


def test_the_page_of_a_satellite_image_opens_in_a_browser(sentinel2, tmp_path_factory):
    for browser in started(tmp_path_factory.mktemp("profile")):
        state = browser.open(sentinel2, "left=HR&right=lanczos&split=1")
        assert (state["left"], state["right"]) == ("HR", "lanczos")
        seen = pictures(sentinel2)["HR"]
        crop = browser.crop()
        x, y = (int(crop[0] + 0.5 * (crop[2] - crop[0])), int(crop[1] + 0.5 * (crop[3] - crop[1])))
        around = seen[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
        assert (np.abs(around - browser.pixel("#stage canvas", 0.5, 0.5)).max(1) <= 2).any()
        assert "6 bands of image=sentinel2" in browser.js("document.body.innerText")


def test_a_reference_gives_the_scores_of_degrade(sentinel2, tmp_path):
    hr = samples(SENTINEL2)
    hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
    file = written(tmp_path / "lr.tif", (halved(hr)[0].permute(1, 2, 0).numpy() * 10000).round().astype(np.uint16))
    page = tmp_path / "page.html"
    assert compare_files(networks(6), file, page, reference=SENTINEL2, kind=kind("sentinel2")) == 0
    assert rows(page)["lanczos"][:2] == rows(sentinel2)["lanczos"][:2]
    assert compare_files(networks(6), file, tmp_path / "alone.html", kind=kind("sentinel2")) == 0
    assert "PSNR" not in (tmp_path / "alone.html").read_text()


def test_hounsfield_units_are_shown_in_their_window(tmp_path):
    file, ct = real("CT_small.dcm"), kind("ct")
    page = tmp_path / "page.html"
    assert compare_files(networks(1), file, page, degrade=True, kind=ct) == 0
    ds = pydicom.dcmread(file)
    hu = ds.pixel_array.astype(np.float64) * ds.RescaleSlope + ds.RescaleIntercept
    expected = np.floor(np.clip((hu + 160) / 400, 0, 1) * 255 + 0.5)
    assert np.abs(pictures(page)["HR"][..., 0] - expected).max() <= 1
    assert "PSNR (gray)" in page.read_text() and "black to white is -160 to 240 HU" in page.read_text()
    with pytest.raises(InputError, match="image=mri is scaled by its own percentiles.*pass HR as input with degrade=true"):
        compare_files(networks(1), file, tmp_path / "mri.html", reference=file, kind=kind("mri"))
    assert compare_files(networks(1), file, tmp_path / "mri.html", degrade=True, kind=kind("mri")) == 0


def test_stacks_and_one_band_of_16_bits(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    cells = np.random.default_rng(0).integers(0, 4000, (3, 40, 44)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", cells, photometric="minisblack")
    gray16 = Kind("gray16", 1, "uint16", (0, 65535), 65535, False, (0,), window=(0, 4000))
    with pytest.warns(UserWarning, match="have several planes; only the first is used"):
        assert compare_files(networks(1), tmp_path / "stack.tif", tmp_path / "a.html", degrade=True, kind=gray16) == 0
    expected = np.floor(np.clip(cells[0] / 4000, 0, 1) * 255 + 0.5)
    assert np.abs(pictures(tmp_path / "a.html")["HR"][..., 0] - expected).max() <= 1
    assert compare_files(networks(1), PAN, tmp_path / "b.html", degrade=True, kind=kind("landsat8_pan")) == 0
    assert "black to white is 5000 to 20000 DN" in (tmp_path / "b.html").read_text()


def test_pixels_without_data_are_black_and_not_scored(tmp_path):
    pixels = samples(SENTINEL2)[:40, :40].copy()
    s2, page = kind("sentinel2"), tmp_path / "page.html"
    whole = written(tmp_path / "whole.tif", pixels)
    compare_files(networks(6), whole, tmp_path / "whole.html", degrade=True, kind=s2)
    pixels[:, :20] = 0
    compare_files(networks(6), written(tmp_path / "half.tif", pixels, nodata=0), page, degrade=True, kind=s2)
    for name, picture in pictures(page).items():
        width = picture.shape[1]
        assert picture[:, : width // 2].max() == 0 and picture[:, width // 2 :].max() > 30, name
    assert abs(float(rows(page)["lanczos"][0]) - float(rows(tmp_path / "whole.html")["lanczos"][0])) < 6  # holes would be 0 dB


def test_a_file_of_another_kind_is_one_line(tmp_path):
    with pytest.raises(InputError, match="6 bands, but image=photo has 3"):
        compare_files(networks(3), SENTINEL2, tmp_path / "page.html", degrade=True)
    with pytest.raises(InputError, match="bands, but image=sentinel2 has 6"):
        compare_files(networks(6), PAN, tmp_path / "page.html", degrade=True, kind=kind("sentinel2"))
    assert not (tmp_path / "page.html").exists()


def test_networks_of_two_kinds_are_not_compared():
    s2, ct, gray = kind("sentinel2"), kind("ct"), kind("gray")
    assert common_kind(["a", "b"], [None, s2]) == common_kind(["a", "b"], [s2, replace(s2, window=None)]) == s2
    assert common_kind(["a", "b"], [PHOTO, gray]) == common_kind(["a"], [None]) == PHOTO
    line = "^a was trained with image=sentinel2 and b with image=ct: compare .* image=sentinel2 bandwise=true"
    with pytest.raises(InputError, match=line):
        common_kind(["a", "b"], [s2, ct])


def test_a_network_for_photographs_is_compared_band_by_band(weights):
    words = [f"ckpt=[{weights['IMDN_x2']}]", f"input={SENTINEL2}", "output=x.html", "compare=true", "image=sentinel2"]
    ((name, network),), found = build.compared_networks(compose("predict", *words, "bandwise=true"))
    assert name == str(weights["IMDN_x2"]) and network.channels == 6 and found == kind("sentinel2")
    with pytest.raises(InputError, match="IMDN has 3 channels, but image=sentinel2 has 6 bands: .* pass bandwise=true"):
        build.compared_networks(compose("predict", *words))


def test_a_scan_in_colour_becomes_gray_as_in_training(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    PIL.Image.fromarray(colour).save(tmp_path / "scan.png")
    with pytest.warns(UserWarning, match="1 of 1 images are in colour and are converted to gray"):
        compare_files(networks(1), tmp_path / "scan.png", tmp_path / "page.html", degrade=True, kind=kind("document"))
    seen = pictures(tmp_path / "page.html")["HR"]
    assert (seen == seen[..., :1]).all() and np.abs(seen[..., 0] - colour @ [0.299, 0.587, 0.114]).max() < 1
    assert "PSNR (gray)" in (tmp_path / "page.html").read_text()
