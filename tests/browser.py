"""A page in headless Chromium, for the tests of pages; they skip where there is no such browser."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Browser:
    """A page in headless Chromium, driven through its DevTools protocol."""

    def __init__(self, program: str, profile: Path) -> None:
        import aiohttp

        self.loop, self.events, self.count = asyncio.new_event_loop(), [], 0
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
        words += [f"--user-data-dir={profile}", "--force-device-scale-factor=1", "about:blank"]
        self.process = subprocess.Popen([program, *words], stderr=subprocess.PIPE, text=True)
        lines = (re.search(r"DevTools listening on ws://([\w.:]+)/", line) for line in self.process.stderr)
        address = next((found[1] for found in lines if found), None)
        if address is None:
            pytest.skip(f"{program} does not start here")

        async def connect() -> None:
            self.session = aiohttp.ClientSession()
            targets = await (await self.session.get(f"http://{address}/json")).json()
            url = next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
            self.socket = await self.session.ws_connect(url, max_msg_size=0)

        self.loop.run_until_complete(connect())
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")
        self.do("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)

    def do(self, method: str, **params: object) -> dict:
        async def exchange() -> dict:
            self.count += 1
            await self.socket.send_json({"id": self.count, "method": method, "params": params})
            while (answer := await self.socket.receive_json(timeout=30)).get("id") != self.count:
                self.events.append(answer)
            return answer

        answer = self.loop.run_until_complete(exchange())
        assert "error" not in answer, answer
        return answer["result"]

    def js(self, expression: str) -> object:
        result = self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, page: Path, view: str = "") -> dict[str, str]:
        """Load the page with a view in its address, and wait for its pictures."""
        self.do("Page.navigate", url="about:blank")
        self.do("Page.navigate", url=f"{page.as_uri()}#{view}")
        for _ in range(300):
            if self.js("document.documentElement?.dataset.ready") == "true":
                return self.state()
            self.js("new Promise((done) => setTimeout(done, 50))")
        raise TimeoutError(f"{page} shows nothing: {self.events[-3:]}")

    def state(self) -> dict[str, str]:
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return json.loads(self.js("JSON.stringify(document.documentElement.dataset)"))

    def crops(self) -> list[list[float]]:
        """What each pane says to show: left, top, right, bottom in SR pixels."""
        self.state()
        crops = self.js("[...document.querySelectorAll('.pane')].map((pane) => pane.dataset.crop)")
        return [[float(value) for value in crop.split()] for crop in crops]

    def crop(self) -> list[float]:
        """The same of the panes, which must agree."""
        crops = self.crops()
        assert len(crops) > 1 and all(crop == crops[0] for crop in crops), crops
        return crops[0]

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """left, top, width, height of an element that has been scrolled to."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.js(f"{found}.scrollIntoView({{block: 'nearest'}})")
        return tuple(
            self.js(f"(({{left, top, width, height}}) => [left, top, width, height])({found}.getBoundingClientRect())")
        )

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse("mousePressed", *start, button="left", clickCount=1)
        self.mouse("mouseMoved", *end, button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)

    def key(self, key: str, code: str = "", shift: bool = False) -> dict[str, str]:
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=key, code=code, modifiers=8 * shift)
        return self.state()

    def pixel(self, selector: str, fx: float, fy: float) -> list[int]:
        """RGB of a canvas at a fraction of its width and height."""
        self.state()
        place = f"Math.floor({fx} * c.width), Math.floor({fy} * c.height), 1, 1"
        read = f"((c) => [...c.getContext('2d').getImageData({place}).data])"
        return self.js(f"{read}(document.querySelector({json.dumps(selector)}))")[:3]

    def close(self) -> None:
        async def disconnect() -> None:
            await self.socket.close()
            await self.session.close()

        self.loop.run_until_complete(disconnect())
        self.loop.close()
        self.process.terminate()
        self.process.communicate(timeout=20)


def started(profile: Path) -> Iterator[Browser]:
    """A browser, closed at the end."""
    pytest.importorskip("aiohttp")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"no browser to show the page: none of {', '.join(names)} is installed")
    browser = Browser(program, profile)
    yield browser
    browser.close()
