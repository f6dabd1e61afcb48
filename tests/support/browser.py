"""A headless Chromium, spoken to over its DevTools pipe (fd 3 and 4, JSON with a NUL behind each message).

    with browser(program, profile) as page:
        page.open(path, width=390)
        assert page.troubles == [] and page.requests == [path.as_uri()]
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
          "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
          "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")


class Browser:
    """One page. `requests` are the addresses that it asked for, `troubles` what its console says, since it was opened."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._writer = os.fdopen(writer, "wb", buffering=0)
        self._pending = b""
        self._number = 0
        self._session: str | None = None
        self._is_loaded = False
        self.requests: list[str] = []
        self.troubles: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Audits"):
            self.call(f"{domain}.enable")

    def open(self, path: Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Opens a file in a window of that size; returns when it is loaded."""
        self.requests.clear()
        self.troubles.clear()
        self._is_loaded = False
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.as_uri())
        while not self._is_loaded:
            self._receive()
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; of a promise what it comes to."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, file: Path, size: tuple[int, int] | None = None) -> None:
        """The whole page as PNG, or so much of its upper left."""
        clip = {} if size is None else {"clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}}
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True, **clip)
        file.write_bytes(base64.b64decode(answer["data"]))

    def print_to(self, file: Path) -> None:
        """The page as PDF, on A4."""
        answer = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        file.write_bytes(base64.b64decode(answer["data"]))

    def call(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def close(self) -> None:
        """Closes the pipes, which ends the browser."""
        self._writer.close()
        self._reader.close()

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            piece = self._reader.read(1 << 16)
            assert piece, "the browser has gone"
            self._pending += piece
        text, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, parameters: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._is_loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Log.entryAdded":
            self.troubles.append(parameters["entry"]["text"])
        elif method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"}:
            self.troubles.append(json.dumps(parameters))


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, which is ended in any case."""
    to_read, browser_writes = map(_far, os.pipe())
    browser_reads, to_write = map(_far, os.pipe())
    script = (f"import os, sys; os.dup2({browser_reads}, 3); os.dup2({browser_writes}, 4); "
              "os.execv(sys.argv[1], sys.argv[1:])")
    process = subprocess.Popen([sys.executable, "-c", script, program, *_FLAGS, f"--user-data-dir={profile}",
                                "about:blank"], pass_fds=(browser_reads, browser_writes), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(browser_reads)
    os.close(browser_writes)
    try:
        opened = Browser(to_read, to_write)
        try:
            yield opened
        finally:
            opened.close()
    finally:
        process.terminate()
        process.wait(30)


def _far(descriptor: int) -> int:
    """The same under a number that is none of those that the browser takes."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(descriptor)
    return moved
