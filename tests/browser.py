"""A real browser, driven through its own protocol over a pipe, so that no driver is needed."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_TIMEOUT_S = 60


class Browser:
    """One page of a headless Chromium.

    `errors` collects what the page complains of: exceptions, console errors, and refused addresses.
    """

    def __init__(self, profile: Path, width: int = 1280, height: int = 900, *more: str) -> None:
        self.errors: list[str] = []
        self._number = 0
        self._rest = b""
        reading, its_output = self._pipe()
        its_input, self._to = self._pipe()
        self._from = reading
        # The browser talks on descriptors 3 and 4, which only a shell sets without harm to Python's own.
        command = f'exec "$0" "$@" 3<&{its_input} 4>&{its_output}'
        options = (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
            "--remote-debugging-pipe", f"--user-data-dir={profile}", f"--window-size={width},{height}",
            *more,
        )  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", command, CHROMIUM or "", *options, "about:blank"],
            pass_fds=(its_input, its_output), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(its_input)
        os.close(its_output)
        self._session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    @staticmethod
    def _pipe() -> tuple[int, int]:
        # Numbers well above those that the shell itself hands on.
        ends = os.pipe()
        high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 50) for end in ends)
        for end in ends:
            os.close(end)
        return high

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]
            self._note(answer)

    def _read(self) -> dict:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], _TIMEOUT_S)
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("the browser says nothing")
            self._rest += data
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict) -> None:
        what, parameters = event.get("method"), event.get("params", {})
        if what == "Runtime.exceptionThrown":
            self.errors.append(str(parameters["exceptionDetails"]))
        elif what == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.errors.append(str(parameters["args"]))
        elif what == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])
        elif what == "Network.requestWillBeSent" and parameters["request"]["url"].startswith("http"):
            self.errors.append(f"fetched {parameters['request']['url']}")

    def open(self, page: Path | str, fragment: str = "") -> None:
        # Away first: another fragment alone would not load the page again.
        self.call("Page.navigate", url="about:blank")
        address = page if isinstance(page, str) else page.resolve().as_uri()
        self.call("Page.navigate", url=address + fragment)
        self.wait("document.documentElement.dataset.ready === 'yes'")

    def run(self, script: str):
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait(self, script: str) -> None:
        end = time.monotonic() + _TIMEOUT_S
        while not self.run(script):
            if time.monotonic() > end:
                raise RuntimeError(f"never came true: {script}; {self.errors}")
            time.sleep(0.02)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_on(self, selector: str) -> None:
        """Click on the middle of an element, scrolled into view."""
        chosen = f"const e = document.querySelector({json.dumps(selector)});"
        place = self.run(
            "(() => {" + chosen + "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.click(*place)

    def press(self, key: str, shift: bool = False) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=8 if shift else 0)
