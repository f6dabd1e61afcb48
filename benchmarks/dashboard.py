"""S12: the dashboard over 10,000 units: a frame, a key, taking a new picture; and the share of a core that it takes
while nothing happens."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Figure
from benchmarks.tree import TASKS, seconds, units
from oe.app.watching import Picture
from oe.tui.cells import UNICODE
from oe.tui.screen import Size, draw
from oe.tui.view import View

_SIZE = Size(200, 50)
_ROOT = Path(__file__).resolve().parents[1]
_IDLE_SECONDS = 5.0
_READING_SECONDS = 60.0
_SPEC = """\
name: idle
version: 1.0.0
graph:
  nodes:
    - {id: last, kind: tool, command: [sleep, "600"]}
"""


def measure() -> Iterator[Figure]:
    """Frames first, then the whole program on a terminal."""
    view = View()
    picture = Picture(units().snapshot())
    taken, _ = seconds(lambda: view.take(picture))
    view.order = "longest first"
    sorted_, _ = seconds(lambda: view.take(picture))
    drawn, _ = seconds(lambda: draw(view, 100.0, _SIZE, UNICODE))

    def search() -> None:
        view.search = "not there"
        view.press("n")

    found, _ = seconds(search)
    for what, took in (("taking a new picture", taken), ("taking and sorting it", sorted_), ("drawing a frame", drawn),
                       ("searching all", found)):
        yield Figure("S12", f"dashboard, {TASKS:,} units: {what}", took * 1000, "ms", 50)
    yield Figure("S12", f"dashboard, {TASKS:,} units: idle, of a core", _idle_share() * 100, "%", 5)


def _idle_share() -> float:
    """Processor time of `oe top` by the clock, once it has read the log of a run that waits."""
    with TemporaryDirectory() as folder:
        lines = "".join(f"    - {{id: n{number}, kind: tool, command: [sleep, '600'], needs: [last]}}\n"
                        for number in range(TASKS - 1))
        Path(folder, "experience.yaml").write_text(_SPEC + lines)
        run = subprocess.Popen([sys.executable, str(_ROOT / "oe.py"), "run", "--quiet"], cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return _share_of_top(folder)
        finally:
            run.terminate()
            run.wait()


def _share_of_top(folder: str) -> float:
    _wait(lambda: any(Path(folder, ".openexpertise/runs").glob("*.live")))
    outer, inner = pty.openpty()
    top = subprocess.Popen([sys.executable, str(_ROOT / "oe.py"), "top"], cwd=folder, stdin=inner, stdout=inner,
                           stderr=inner, env={**os.environ, "TERM": "xterm"}, start_new_session=True,
                           preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))  # noqa: PLW1509 -- no threads yet
    os.close(inner)
    shown = [0]

    def drain() -> None:
        with suppress(OSError):
            while data := os.read(outer, 65536):
                shown[0] += len(data)

    threading.Thread(target=drain, daemon=True).start()
    try:
        _wait(lambda: shown[0] > 2000)
        time.sleep(1.0)
        began, used = time.monotonic(), _cpu_seconds(top.pid)
        time.sleep(_IDLE_SECONDS)
        return (_cpu_seconds(top.pid) - used) / (time.monotonic() - began)
    finally:
        top.kill()
        top.wait()
        os.close(outer)


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + _READING_SECONDS
    while not until():
        if time.monotonic() > end:
            raise RuntimeError("the dashboard or its run did not begin")
        time.sleep(0.05)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
