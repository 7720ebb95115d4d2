"""The comparison page in a headless Chromium."""

import re

import numpy as np
import pytest

from sr.predict import compare
from tests.browser import started
from tests.predict.compared import BICUBIC, HEIGHT, NAMES, WIDTH, noise


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


@pytest.mark.medium
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
