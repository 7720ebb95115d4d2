"""The documentation: it builds without a dead link, says what conf/ says, and fits narrow and wide screens, light and dark."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, started
from tests.jobs import CONF, ROOT

pytest.importorskip("mkdocs", reason='no mkdocs: pip install ".[docs]"')
# Plain text, wide tables, long lines of code, pictures, generated pages.
SHOWN = ("index", "tour", "compare", "howto/medical", "howto/export", "config/network", "api/index", "bench/choosing")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built as `make docs` does, where a warning is an error."""
    place = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(place)]
    variables = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=280, env=variables)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.mark.slow
def test_pages_show_configs_and_docstrings(site):
    network = text(site / "config" / "network.html")
    for file in (CONF / "network").glob("*.yaml"):
        for comment in re.findall(r" {2}# (.+)$", file.read_text(), re.MULTILINE):
            assert comment in network, f"{file.name}: {comment}"
    assert 'id="sr.network.edsr.EDSR"' in (site / "api" / "network.html").read_text()
    assert 'href="../api/network.html#sr.network.edsr.EDSR"' in (site / "config" / "network.html").read_text()
    api = text(site / "api" / "index.html")
    assert "sr.load" in api and "the papers' protocol: rounded to 8 bits" in api


@pytest.mark.slow
def test_no_page_asks_another_server(site):
    for page in (site / f"{name}.html" for name in SHOWN):
        found = re.findall(r"<(?:script|img|link)\b[^>]*?(?:src|href)=[\"']?(https?://[^\"'> ]+)", page.read_text())
        assert not found, page


@pytest.mark.slow
def test_pages_fit_the_screen(site, browser):
    """At 1280 and 390 pixels nothing scrolls sideways but tables and code in their own boxes; dark is dark."""
    for scheme in ("light", "dark"):
        browser.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        shown(browser, site / "index.html")
        browser.js("localStorage.clear()")  # a new visitor's: a page remembers the scheme of the last visit
        for width in (1280, 390):
            browser.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            for name in SHOWN if scheme == "light" else SHOWN[:2]:
                shown(browser, site / f"{name}.html")
                assert browser.js("document.documentElement.scrollWidth") <= width, (name, width)
                assert browser.js("document.querySelector('.md-content').getBoundingClientRect().right") <= width, (name, width)
                red = browser.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
                assert (int(red) > 200) == (scheme == "light"), (name, scheme)
                broken = browser.js(
                    "[...document.images].filter((one) => one.complete && !one.naturalWidth).map((one) => one.src)"
                )
                assert not broken, name


def text(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))


def shown(browser: Browser, page: Path) -> None:
    browser.do("Page.navigate", url=page.as_uri())
    for _ in range(200):
        if browser.js("document.readyState == 'complete' && location.href") == page.as_uri():
            return
        browser.js("new Promise((done) => setTimeout(done, 50))")
    raise TimeoutError(page)
