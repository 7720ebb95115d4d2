"""sr/predict/compare.py and its page: the real command line once, the page in a headless Chromium where there is one."""

import base64
import html
import json
import os
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import sr
from predict import predict
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.infer.upscaler import upscale
from sr.network.interpolation import Interpolation
from sr.predict import compare
from test import test as run_test
from tests.browser import started
from tests.jobs import call, compose

NAMES = ["LR", "bicubic", "IMDN_x4", "fsrcnn_x4", "HR"]
WIDTH, HEIGHT = 160, 120  # of the HR crop
BICUBIC = [("bicubic", Interpolation(scale=2))]


@pytest.fixture(scope="module")
def weights(sr_data) -> dict[str, Path]:
    """Released files; fsrcnn's do not tell their scale."""
    files = {name: sr_data / "weights" / f"{name}.pth" for name in ("IMDN_x2", "IMDN_x4", "fsrcnn_x4")}
    if missing := [file for file in files.values() if not file.is_file()]:
        pytest.skip(f"no weights {missing[0]}")
    return files


@pytest.fixture(scope="module")
def page(sr_data, weights, tmp_path_factory) -> Path:
    """A page made by the command line, of a crop of Set5's butterfly, beside which hr/butterfly.png lies."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "hr").mkdir()
    butterfly = PIL.Image.open(sr_data / "benchmark" / "Set5" / "HR" / "butterfly.png")
    butterfly.crop((40, 30, 40 + WIDTH + 3, 30 + HEIGHT + 1)).save(folder / "hr" / "butterfly.png")  # 3 x 1 too many
    words = [f"ckpt=[{weights['IMDN_x4']},{weights['fsrcnn_x4']}]", "scale=4", "input=hr/butterfly.png", "device=cpu"]
    done = call("predict.py", *words, "compare=true", "degrade=true", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("compare.html (1 image, ")
    return folder / "compare.html"


@pytest.fixture(scope="module")
def pixels(page) -> dict[str, np.ndarray]:
    """The pictures as they are in the page."""
    uris = re.findall(r'id="picture-0-\d+">data:image/webp;base64,([^<]+)<', page.read_text())
    assert len(uris) == len(NAMES)
    return {name: np.array(PIL.Image.open(BytesIO(base64.b64decode(uri)))) for name, uri in zip(NAMES, uris, strict=True)}


def rows(page: Path) -> dict[str, list[str]]:
    """Name -> cells of the page's first table."""
    table = page.read_text().split("<table>")[1].split("</table>")[0]
    found = re.findall(r'<tr data-picture="([^"]+)">(.*?)</tr>', table, re.DOTALL)
    return {html.unescape(name): re.findall(r"<td[^>]*>(.*?)</td>", cells) for name, cells in found}


def test_the_pictures_are_those_of_the_networks(page, pixels, weights):
    hr = to_tensor(read_rgb8(page.parent / "hr" / "butterfly.png"))[..., :HEIGHT, :WIDTH]
    lr = imresize(hr, 1 / 4, rounding=True)
    expected = {"LR": lr, "bicubic": imresize(lr, 4, rounding=True), "HR": hr}
    expected["IMDN_x4"] = upscale(sr.load(weights["IMDN_x4"]), lr)
    expected["fsrcnn_x4"] = upscale(sr.load(weights["fsrcnn_x4"], scale=4), lr)
    for name, picture in expected.items():
        difference = np.abs(pixels[name].astype(int) - to_pixels(picture))
        assert difference.max() <= (1 if name in weights else 0), name  # the last bit of a network may differ


def test_the_scores_are_those_of_the_benchmarks(page, weights, tmp_path):
    for name in ("IMDN_x4", "fsrcnn_x4"):
        words = [f"ckpt={weights[name]}", "benchmark=folder", f"benchmark.folder.hr={page.parent}/hr", "scale=4"]
        run_test(compose("test", "trainer.accelerator=cpu", *words, f"output_dir={tmp_path}/{name}"))
        scores = json.loads((tmp_path / name / "metrics.json").read_text())["folder"]
        for row, of in ((name, scores), ("bicubic", scores["bicubic"])):
            shown = [float(cell) for cell in rows(page)[row][:4]]
            expected = [of["psnr"], of["ssim"], of["psnr_rgb"], of["ssim_rgb"]]
            assert (np.abs(np.subtract(shown, expected)) < [0.0051, 0.000051, 0.0051, 0.000051]).all(), (shown, expected)
    assert rows(page)["HR"][:4] == [""] * 4
    assert float(rows(page)["LR"][0]) < float(rows(page)["bicubic"][0]) < float(rows(page)["IMDN_x4"][0])
    assert rows(page)["LR"][4] == f"{WIDTH // 4} × {HEIGHT // 4}"


def test_the_page_needs_nothing_else(page):
    text = re.sub(r"data:image/webp;base64,[^<]+", "", page.read_text())
    assert not re.search(r"https?:|\bsrc=|\bhref=|@import|url\(|\{\{", text)
    assert [file.name for file in page.parent.iterdir() if file.suffix not in (".html", "")] == []  # no temporary file


# -- in a browser ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("profile"))


def test_it_opens_offline_without_a_complaint(browser, page):
    browser.events.clear()
    state = browser.open(page)
    assert (state["left"], state["right"], state["fit"], state["error"]) == ("bicubic", "IMDN_x4", "true", "0")
    assert len(browser.crops()) == 1 + len(NAMES)
    left, top, right, bottom = browser.crop()
    assert left <= 0 and top <= 0 and right >= WIDTH and bottom >= HEIGHT
    requests = [event["params"] for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    kinds = {params["request"]["url"].split(":")[0] for params in requests}
    assert "file" in kinds and kinds <= {"file", "data", "about"}
    bad = [event for event in browser.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert not bad, bad


def at(crop: list[float], fx: float, fy: float) -> tuple[float, float]:
    """The point of the picture at a fraction of a pane."""
    return crop[0] + fx * (crop[2] - crop[0]), crop[1] + fy * (crop[3] - crop[1])


@pytest.mark.parametrize("pane", ["#stage canvas", "#grid figure:nth-child(4) canvas"])
def test_wheel_and_drag_move_every_picture(browser, page, pane):
    browser.open(page)
    left, top, width, height = browser.box(pane)
    before = browser.crop()
    browser.mouse("mouseWheel", left + 0.3 * width, top + 0.4 * height, deltaX=0, deltaY=-600)
    near = browser.crop()
    assert near[2] - near[0] < 0.6 * (before[2] - before[0])
    assert at(near, 0.3, 0.4) == pytest.approx(at(before, 0.3, 0.4), abs=0.6)  # the point below the pointer stays there
    browser.drag((left + 0.25 * width, top + 0.3 * height), (left + 0.2 * width, top + 0.25 * height))
    moved = browser.crop()
    assert at(moved, 0.2, 0.25) == pytest.approx(at(near, 0.25, 0.3), abs=0.6)
    assert moved != near


def test_two_fingers_zoom(browser, page):
    browser.open(page)
    browser.do("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    left, top, width, height = browser.box("#stage canvas")
    before = browser.crop()
    for kind, apart in (("touchStart", 0.05), ("touchMove", 0.1), ("touchMove", 0.15), ("touchEnd", None)):
        points = [(0.25 - apart, 0.5), (0.25 + apart, 0.5)] if apart else []
        touches = [{"x": left + fx * width, "y": top + fy * height, "id": i} for i, (fx, fy) in enumerate(points)]
        browser.do("Input.dispatchTouchEvent", type=kind, touchPoints=touches)
    near = browser.crop()
    browser.do("Emulation.setTouchEmulationEnabled", enabled=False)
    assert (before[2] - before[0]) / (near[2] - near[0]) == pytest.approx(3, rel=0.05)


def test_keys(browser, page):
    browser.open(page)
    assert browser.key("1", "Digit1")["left"] == "LR"
    assert browser.key("%", "Digit5", shift=True)["right"] == "HR"
    assert browser.key("9", "Digit9")["left"] == "LR"  # there is no ninth
    swapped = browser.key("x")
    assert (swapped["left"], swapped["right"]) == ("HR", "LR")
    whole = browser.crop()
    browser.key("+")
    browser.key("+")
    near = browser.crop()
    assert near[2] - near[0] < whole[2] - whole[0]
    browser.key("ArrowRight")
    browser.key("ArrowUp")
    moved = browser.crop()
    assert moved[0] > near[0] and moved[1] < near[1] and moved[2] - moved[0] == pytest.approx(near[2] - near[0], abs=0.02)
    assert float(browser.key("-")["zoom"]) < WIDTH
    assert browser.key("0", "Digit0")["fit"] == "true" and browser.crop() == whole
    assert browser.key("e")["error"] == "8" and browser.key("e")["error"] == "0"
    browser.js("document.querySelector('#slider').focus()")
    assert float(browser.key("ArrowRight")["split"]) == pytest.approx(0.52) and browser.crop() == whole
    assert browser.js("document.querySelector('#slider').getAttribute('aria-valuenow')") == "52"


VIEW = "zoom=8&x=80&y=60"


def test_the_slider_parts_two_pictures(browser, page, pixels):
    browser.open(page, f"{VIEW}&left=LR&right=HR&split=0.5")
    left, top, width, height = browser.box("#stage")
    browser.drag((left + 0.5 * width, top + 0.8 * height), (left + 0.25 * width, top + 0.8 * height))
    assert float(browser.state()["split"]) == pytest.approx(0.25, abs=0.002)
    crop = browser.crop()
    for fx in (0.1, 0.2, 0.3, 0.6, 0.9):
        x, y = map(int, at(crop, fx, 0.41))
        expected = pixels["LR"][y // 4, x // 4] if fx < 0.25 else pixels["HR"][y, x]
        assert browser.pixel("#stage canvas", fx, 0.41) == expected.tolist(), fx


def test_each_pane_shows_its_picture(browser, page, pixels):
    browser.open(page, VIEW)
    x, y = map(int, at(browser.crop(), 0.503, 0.497))
    for index, name in enumerate(NAMES):
        expected = pixels[name][y // 4, x // 4] if name == "LR" else pixels[name][y, x]
        assert browser.pixel(f"#grid figure:nth-child({index + 1}) canvas", 0.503, 0.497) == expected.tolist(), name


def test_the_error_map(browser, page, pixels):
    browser.open(page, f"{VIEW}&error=8&left=bicubic&right=HR&split=0.5")
    for fx in (0.2, 0.31, 0.44):
        x, y = map(int, at(browser.crop(), fx, 0.41))
        expected = np.abs(pixels["bicubic"][y, x].astype(int) - pixels["HR"][y, x]) * 8
        assert browser.pixel("#stage canvas", fx, 0.41) == expected.clip(max=255).tolist()
    x, y = map(int, at(browser.crop(), 0.7, 0.41))
    assert browser.pixel("#stage canvas", 0.7, 0.41) == pixels["HR"][y, x].tolist()  # HR stays itself


def test_the_address_is_the_view(browser, page):
    view = "zoom=6&x=70&y=50&left=fsrcnn_x4&right=HR&split=0.3&error=4"
    state = browser.open(page, view)
    assert {key: state[key] for key in ("zoom", "x", "y", "left", "right", "split", "error")} == dict(
        word.split("=") for word in view.split("&")
    )
    crop = browser.crop()
    browser.key("1", "Digit1")
    browser.js("new Promise((done) => setTimeout(done, 400))")
    address = browser.js("location.hash")
    again = browser.open(page, address[1:])
    assert (again["left"], again["right"], browser.crop()) == ("LR", "HR", crop)
    nonsense = browser.open(page, "zoom=x&x=-1e9&left=%3Cb%3E&split=7&error=3&file=99")
    assert (nonsense["left"], nonsense["split"], nonsense["error"], nonsense["fit"]) == ("bicubic", "1", "0", "true")


def test_light_and_dark_and_names_for_all_controls(browser, page):
    browser.open(page)
    shades = []
    for scheme in ("light", "dark"):
        browser.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        shades.append(int(re.findall(r"\d+", browser.js("getComputedStyle(document.body).backgroundColor"))[0]))
    assert shades[0] > 200 > 60 > shades[1]
    tree = browser.do("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if node["role"]["value"] in ("button", "combobox", "slider", "image", "img")]
    assert len(controls) > 15 and all(node["name"]["value"].strip() for node in controls), controls


def test_several_files_on_one_page(browser, tmp_path):
    for index, (width, height) in enumerate([(24, 30), (40, 20)]):
        noise(tmp_path / "in" / f"{index}.png", width, height)
    compare.compare_files(BICUBIC, tmp_path / "in", tmp_path / "page.html")
    assert browser.open(tmp_path / "page.html")["file"] == "0"
    assert browser.key("n")["file"] in "01"
    browser.js("new Promise((done) => setTimeout(done, 200))")
    assert browser.state()["file"] == "1" and browser.crops()[0][2] >= 80
    assert browser.js("[...document.querySelectorAll('section')].map((s) => s.hidden)") == [True, False]
    assert browser.js("getComputedStyle(document.querySelector('#error')).display") == "none"  # there is no HR
    assert browser.open(tmp_path / "page.html", "file=2")["file"] == "1"


# -- without one -------------------------------------------------------------------------------------------------------------


def noise(path: Path, width: int, height: int) -> Path:
    """A file of random pixels."""
    path.parent.mkdir(exist_ok=True, parents=True)
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    "sources, expected",
    [
        (["outputs/first/checkpoints/best.ckpt", "w/IMDN_x4.pth"], ["first", "IMDN_x4"]),
        (["a/checkpoints/best.ckpt", "a/checkpoints/last.ckpt", "b.pth"], ["a/best", "a/last", "b"]),
        (["x/y/net.pth", "x/z/net.pth"], ["y/net", "z/net"]),
        (["1/a/net.pth", "2/a/net.pth"], ["1/a/net.pth", "2/a/net.pth"]),
        (["net.pth", "net.pth"], ["net.pth", "net.pth (2)"]),
        (["w/bicubic.pth", "HR"], ["w/bicubic", None]),
    ],
)
def test_names_are_short_and_different(sources, expected):
    names = compare.column_names(sources)
    assert len(set(names) | set(compare.RESERVED)) == len(names) + 3
    assert [name if want else None for name, want in zip(names, expected, strict=True)] == expected


def test_a_list_of_files_with_their_references(tmp_path):
    for name in ("a", "b"):
        for folder, side in (("hr", 32), ("lr", 16)):
            (tmp_path / name / folder).mkdir(parents=True)
            PIL.Image.new("RGB", (side, side)).save(tmp_path / name / folder / f"{name}.png")
    (tmp_path / "hr").mkdir()
    for name in ("a", "b"):
        (tmp_path / name / "hr" / f"{name}.png").rename(tmp_path / "hr" / f"{name}.png")
    files = [tmp_path / "a" / "lr" / "a.png", tmp_path / "b" / "lr"]
    assert compare.find_pairs(files, tmp_path / "hr", 2) == {
        tmp_path / name / "lr" / f"{name}.png": tmp_path / "hr" / f"{name}.png" for name in ("a", "b")
    }
    assert compare.find_pairs(files[:1], tmp_path / "hr" / "a.png", 2) == {files[0]: tmp_path / "hr" / "a.png"}


def test_a_reference_folder_and_a_broken_file(tmp_path, capsys):
    noise(tmp_path / "lr" / "ax2.png", 20, 15), noise(tmp_path / "hr" / "a.png", 41, 30)
    noise(tmp_path / "lr" / "b.png", 21, 16), noise(tmp_path / "hr" / "b.png", 42, 32)
    assert compare.compare_files(BICUBIC, tmp_path / "lr", tmp_path / "out", reference=tmp_path / "hr") == 0
    out = capsys.readouterr().out
    assert f"{tmp_path}/out/compare.html (2 images, " in out and "bicubic" in out
    assert "Mean of 2 images" in (tmp_path / "out" / "compare.html").read_text()
    noise(tmp_path / "lr" / "ax2.png", 20, 15).write_bytes((tmp_path / "lr" / "b.png").read_bytes()[:200])
    assert compare.compare_files(BICUBIC, tmp_path / "lr", tmp_path / "page.html") == 1
    assert f"{tmp_path}/lr/ax2.png" in capsys.readouterr().err


def test_a_name_that_is_no_utf_8(tmp_path):
    file = noise(tmp_path / os.fsdecode(b"a\xff.png"), 20, 15)
    assert compare.compare_files(BICUBIC, file, tmp_path / "page.html") == 0
    assert "<h2>a?.png</h2>" in (tmp_path / "page.html").read_text()


def test_names_of_files_are_text(tmp_path):
    file = noise(tmp_path / "<b>&amp; {{data}} <!--<script>.png", 20, 15)
    compare.compare_files([("<i><script>.pth", Interpolation(scale=2))], file, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("</script>") == 2 + 3 and "<b>" not in text and "<i>" not in text and "<!--" not in text
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert data["files"][0]["name"] == file.name and data["networks"] == ["<i><script>"]


def test_what_cannot_be_is_said_in_one_line(tmp_path, monkeypatch):
    lr, hr = noise(tmp_path / "lr.png", 20, 15), noise(tmp_path / "hr.png", 44, 30)

    def refused(message: str, *args: object, **options: object) -> None:
        with pytest.raises((ValueError, OSError), match=message) as caught:
            compare.compare_files(*(args or (BICUBIC, lr, tmp_path / "page.html")), **options)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "page.html").exists()

    refused(r"expected 22x15|expected 15x22|sizes do not match", reference=hr)
    refused("leave out reference", reference=hr, degrade=True)
    refused("tile=0", tile=0)
    refused("overlap=64 does not fit", tile=32, overlap=64)
    refused("no such file, or no images there", BICUBIC, tmp_path / "none*.png", tmp_path / "page.html")
    refused("one file for 2 of", BICUBIC, tmp_path / "*r.png", tmp_path / "page.html", reference=hr)
    refused("is a file, and no .html", BICUBIC, lr, hr)
    refused("is a file, and no .html", BICUBIC, lr, tmp_path / "new.png")
    refused("names no network", [], lr, tmp_path / "page.html")
    refused(
        "a.pth is for scale 2 and b.pth for scale 3", [("a.pth", BICUBIC[0][1]), ("b.pth", Interpolation(scale=3))], lr, "x"
    )
    (tmp_path / "compare.html").write_text("mine")
    refused("compare.html is there already: pass overwrite=true", BICUBIC, lr, tmp_path)
    monkeypatch.setattr(compare, "TOO_LARGE", 1000)
    refused("take fewer or smaller files")
    monkeypatch.undo()
    monkeypatch.setattr(compare, "LARGE", 1000)
    with pytest.warns(UserWarning, match="slow to open: compare fewer files"):
        compare.compare_files(BICUBIC, lr, tmp_path, overwrite=True)


def test_networks_of_two_scales_and_other_settings_are_refused(weights, tmp_path):
    lr = noise(tmp_path / "lr.png", 20, 15)
    words = [f"ckpt=[{weights['IMDN_x2']},{weights['IMDN_x4']}]", f"input={lr}", f"output={tmp_path}/p.html", "device=cpu"]
    with pytest.raises(ValueError, match=r"IMDN_x2.pth is for scale 2 and .*IMDN_x4.pth for scale 4"):
        predict(compose("predict", *words, "compare=true"))
    for word in ("alpha=0", "format=png", "precision=bf16", "batch=4", "alpha_upscale=network"):
        with pytest.raises(ValueError, match=f"{word} does not go with compare=true"):
            predict(compose("predict", *words, "compare=true", word))
