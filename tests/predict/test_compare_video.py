"""The page of videos in a headless Chromium: it plays, and both sides of the slider show the same frame."""

import time

import numpy as np
import pytest

from sr.errors import InputError
from sr.predict.compare_video import compare_videos
from sr.predict.video import VideoSettings
from tests.browser import started
from tests.infer.test_clip import Recurrent
from tests.predict.clips import film
from tests.predict.jobs import BICUBIC

pytest.importorskip("av")
COUNT = 6


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Frames whose gray grows by 20 each; HR is the film itself."""
    folder = tmp_path_factory.mktemp("film")
    source = film(folder / "in.mkv", [np.full((48, 64, 3), 10 + 20 * number, np.uint8) for number in range(COUNT)], rate=5)
    networks = [("a.ckpt", BICUBIC), ("b.ckpt", Recurrent())]
    assert compare_videos(networks, [source], folder, VideoSettings(cuts=None), degrade=True) == 0
    return folder / "compare.html"


def grays(browser) -> list[int]:
    """Left and right of the slider, read at once."""
    read = "((c) => [0.25, 0.75].map((at) => c.getContext('2d').getImageData(at * c.width, c.height / 2, 1, 1).data[1]))"
    browser.state()
    return browser.js(f"{read}(document.querySelector('#stage canvas'))")


def test_the_same_frame_on_both_sides(browser, page):
    browser.events.clear()
    state = browser.open(page, "left=LR&right=a")
    assert (state["frame"], state["playing"], state["left"], state["right"]) == ("0", "false", "LR", "a")
    for number in range(3):
        assert grays(browser) == pytest.approx([10 + 20 * number] * 2, abs=4)
        browser.key(".")
        for _ in range(50):
            if browser.state()["frame"] == str(number + 1):
                break
            time.sleep(0.02)
    browser.key("e")  # the error map: LR and HR are the same grays
    assert max(grays(browser)) <= 8 * 4
    logged = [event["params"]["entry"] for event in browser.events if event["method"] == "Log.entryAdded"]
    assert not [entry for entry in logged if entry["level"] == "error"]
    assert "Runtime.exceptionThrown" not in [event["method"] for event in browser.events]


@pytest.mark.slow
def test_it_plays_and_the_slider_moves(browser, page):
    browser.open(page, "left=HR&right=a")
    browser.key(" ")
    seen = set()
    for _ in range(25):
        state = browser.state()
        seen.add(int(state["frame"]))
        left, right = grays(browser)
        assert abs(left - right) <= 4
        time.sleep(0.03)
    assert state["playing"] == "true" and len(seen) >= 3
    browser.key("]")
    assert float(browser.key(" ")["split"]) == pytest.approx(0.55) and browser.state()["playing"] == "false"
    browser.js("document.getElementById('speed').value = '0.25'; document.getElementById('speed').onchange"
               "({target: {value: '0.25'}})")  # fmt: skip
    assert browser.js("movie.playbackRate") == 0.25


def test_numbers_without_a_browser(page):
    text = page.read_text()
    assert text.count('id="film-0"') == 1 and 'id="picture-0-0"' not in text and "Seconds per frame" in text
    assert "The first 6 frames at most" in text and "function filmed" in text


def test_wrong_pairs_are_one_line(tmp_path):
    gray = [np.full((24, 32, 3), 99, np.uint8)] * 3
    lr, hr = film(tmp_path / "lr.mkv", gray), film(tmp_path / "hr.mkv", gray)
    with pytest.raises(InputError, match="3 frames of 32x24, expected 3 of 64x48"):
        compare_videos([("a", BICUBIC)], [lr], tmp_path, VideoSettings(), reference=hr)
    with pytest.raises(InputError, match="there are 2 videos"):
        compare_videos([("a", BICUBIC)], [lr, lr], tmp_path, VideoSettings(), reference=hr)
    assert not (tmp_path / "compare.html").exists()
