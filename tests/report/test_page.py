"""The report's page in a headless Chromium: the viewer, the vote, print."""

import base64
import json
import re
import time

import numpy as np
import pytest

from sr.report.make import report
from tests.browser import started
from tests.report.study import QUICK, pictures


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def page(browser, made):
    """The page, opened; without votes of another test."""
    browser.open(made / "report.html")
    browser.js("localStorage.clear()")
    browser.events.clear()
    browser.open(made / "report.html")
    return browser


def test_it_opens_offline_without_a_complaint(page):
    assert page.state()["ready"] == "true"
    bad = [event for event in page.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    kinds = {e["params"]["request"]["url"].split(":")[0] for e in page.events if e["method"] == "Network.requestWillBeSent"}
    assert not bad and "file" in kinds and kinds <= {"file", "data", "about"}
    tree = page.do("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if node["role"]["value"] in ("button", "combobox", "slider", "image", "img", "link")]
    assert len(controls) > 30 and all(node["name"]["value"].strip() for node in controls if not node.get("ignored"))
    assert page.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_keys_are_the_pages_until_the_viewer_is_entered(page):
    before = page.state()
    page.key("x")
    assert page.state()["left"] == before["left"]
    page.key("g")
    assert page.js("document.activeElement.id") == "slider"
    assert float(page.key("ArrowRight")["split"]) == pytest.approx(0.52)
    assert page.key("x")["left"] == before["right"]
    assert float(page.key("+")["zoom"]) > float(before["zoom"])
    assert page.key("?") and page.js("document.querySelector('#help').open")
    page.js("document.querySelector('#help').close()")


def test_a_picture_of_a_strip_opens_in_the_viewer(page):
    page.js("document.querySelectorAll('.strip')[1].querySelector('[data-name=HR]').click()")
    time.sleep(0.3)
    state = page.state()
    assert (state["file"], state["left"]) == ("1", "HR") and state["right"] != "HR"


def canvas(page, side: str) -> list[int]:
    """Its pixels."""
    return page.js(
        f"((c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])(document.querySelector('#vote-{side}'))"
    )


@pytest.mark.slow
def test_a_blind_vote_by_keys(page, made, study, tmp_path):
    """Whoever always prefers the one with more features must find it preferred in every pair: sides are told apart here."""
    data = json.loads(page.js("document.querySelector('#data').textContent"))
    all_pictures = [pictures(made / "report.html", index) for index in range(2)]

    def side_of(name: str) -> str:
        left = np.array(canvas(page, "left"), np.uint8).reshape(-1, 4)[:, :3]
        for shown in all_pictures:
            whole = shown[name]
            half = [n // 2 for n in whole.shape[:2]]
            for y in (0, half[0]):
                for x in (0, half[1]):
                    part = whole[y : y + half[0], x : x + half[1]].reshape(-1, 3)
                    if part.shape == left.shape and (part == left).all():
                        return "left"
        return "right"

    page.js("document.querySelector('#vote-a').value = 'network.n_feats-6'")
    page.js("document.querySelector('#vote-b').value = 'network.n_feats-8'")
    page.key("v")
    assert page.js("document.activeElement.id") == "begin"
    sides = []
    for _ in range(20):
        page.js("document.querySelector('#begin').click()")
        sides.append(side_of("network.n_feats-8"))
    assert set(sides) == {"left", "right"}  # by chance
    assert page.js("document.querySelector('#vote-progress').textContent") == "1 of 8"
    for _ in range(7):
        page.key("ArrowLeft" if side_of("network.n_feats-8") == "left" else "ArrowRight")
        assert page.js("document.querySelector('#tally').textContent") == ""  # nothing is told before the end
    assert page.key("Backspace")["votes"] == "6" and page.key("=")["votes"] == "7"
    page.key("h")
    assert page.js("document.querySelector('#vote-middle').hidden") is False
    page.key("ArrowLeft" if side_of("network.n_feats-8") == "left" else "ArrowRight")
    told = page.js("document.querySelector('#tally').textContent")
    assert told == "network.n_feats-6 preferred to network.n_feats-8 in 0 of 7, 0 % [0, 41]; 1 equal"

    page.open(made / "report.html")  # a reload forgets nothing
    assert page.state()["votes"] == "8" and page.js("document.querySelector('#tally').textContent") == told
    page.do("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.js("document.querySelector('#save-votes').click()")
    for _ in range(100):
        if saved := list(tmp_path.glob("votes-*.json")):
            break
        time.sleep(0.05)
    cast = json.loads(saved[0].read_text())["votes"]
    assert len(cast) == 8 and {vote["picture"] for vote in cast} == {file["name"] for file in data["files"]}
    text = report([str(study)], tmp_path / "voted", vote_files=[str(saved[0])], **QUICK)
    assert f"- {told}" in text


def test_it_prints_without_what_only_a_screen_can(page):
    page.do("Emulation.setEmulatedMedia", media="print")
    shown = page.js(
        "['.report nav', '.closer', '#vote', '.strip', '.plot', 'table', 'footer']"
        ".map((s) => getComputedStyle(document.querySelector(s)).display !== 'none')"
    )
    page.do("Emulation.setEmulatedMedia", media="")
    assert shown == [False, False, False, True, True, True, True]
    pdf = base64.b64decode(page.do("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) in range(2, 9)
