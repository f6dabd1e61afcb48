"""The dashboard of a run that this process carries out: another process has the terminal, so that whatever happens to
it the run goes on, and whatever happens to the run the terminal is given back.

Meanwhile standard output and error of this process are a file that nobody has to read; what stands in it is shown when
the dashboard is gone. The two share a process group: Ctrl-C reaches both, and the dashboard leaves it to the run.
"""

from __future__ import annotations

import os
import signal
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from oe.net.beside import start_beside

_STREAMS = (1, 2)
_TERMINAL = 2
_MOST_SHOWN = 65_536
_STOP_SECONDS = 0.5
_LOOK_SECONDS = 0.01


def can_show(environment: Mapping[str, str]) -> bool:
    """Whether there is a terminal to draw on, and this process is in front of it."""
    if environment.get("TERM", "dumb") == "dumb":
        return False
    try:
        return os.isatty(_TERMINAL) and os.tcgetpgrp(_TERMINAL) == os.getpgrp()
    except OSError:
        return False


class Line:
    """The dashboard's end: what the run's process says, and what it would have shown."""

    def __init__(self, said: int, kept: int) -> None:
        self._said = said
        self._kept = kept
        self._rest = b""
        self._size = 0

    def read(self, *, block: bool) -> list[str] | None:
        """What has been said since; None where nobody is there any more to say anything."""
        os.set_blocking(self._said, block)
        try:
            data = os.read(self._said, 4096)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode() for line in lines]

    def kept(self) -> bytes:
        """The end of what would have been shown."""
        return _end_of(self._kept)

    def last_shown(self) -> str:
        """The last line that would have been shown, if there is a new one."""
        size = os.fstat(self._kept).st_size
        if size == self._size:
            return ""
        self._size = size
        text = os.pread(self._kept, 2048, max(0, size - 2048)).decode("utf-8", "replace")
        return text.rstrip("\n").rpartition("\n")[2]


class Beside:
    """The run's end. `work` shows the run in the other process and ends it; `on_end` is called in a thread when that
    has ended, whyever."""

    def __init__(self, work: Callable[[Line], NoReturn], leaving: Callable[[int], bytes],
                 on_end: Callable[[], None]) -> None:
        """`leaving` gives what a terminal is told where a killed dashboard left it as it was. Raises OSError where no
        process can be started."""
        self._modes = termios.tcgetattr(_TERMINAL)
        self._kept = _memory()
        said, self._say = os.pipe()

        def carry_on() -> NoReturn:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(self._say)
            os.dup2(_TERMINAL, 1)
            if not os.isatty(0):
                os.dup2(_TERMINAL, 0)
            work(Line(said, self._kept))

        self._pid = start_beside(carry_on)
        os.close(said)
        self._streams = [os.dup(stream) for stream in _STREAMS]
        for stream in _STREAMS:
            os.dup2(self._kept, stream)
        self._leaving, self._on_end = leaving, on_end
        self._before = signal.signal(signal.SIGTSTP, self._stop)
        self._thread = threading.Thread(target=self._wait, name="oe-dashboard", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Tells the dashboard something; nothing where it is gone."""
        with suppress(OSError):
            os.write(self._say, f"{text}\n".encode())

    def close(self) -> None:
        """Says that the run is over and waits until the terminal is free. Ctrl-C ends the waiting and the dashboard."""
        self.say("end")
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGCONT)
        try:
            self._thread.join()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
            self._thread.join()
        signal.signal(signal.SIGTSTP, self._before)
        os.close(self._say)

    def _wait(self) -> None:
        """In the thread: gives the terminal back and shows what was kept from it."""
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        terminal = self._streams[_STREAMS.index(_TERMINAL)]
        with suppress(OSError, termios.error):
            if termios.tcgetattr(terminal) != self._modes:  # it was killed
                os.write(terminal, self._leaving(terminal))
                termios.tcsetattr(terminal, termios.TCSANOW, self._modes)
        for stream, original in zip(_STREAMS, self._streams, strict=True):
            os.dup2(original, stream)
        with suppress(OSError):
            os.write(_TERMINAL, _end_of(self._kept))
        self._on_end()

    def _stop(self, number: int, _: FrameType | None) -> None:
        """Ctrl-Z: first the dashboard gives the terminal back and stops, then this process."""
        until = time.monotonic() + _STOP_SECONDS
        with suppress(ChildProcessError):
            while time.monotonic() < until and os.waitpid(self._pid, os.WUNTRACED | os.WNOHANG) == (0, 0):
                time.sleep(_LOOK_SECONDS)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._stop)


def _end_of(kept: int) -> bytes:
    return os.pread(kept, _MOST_SHOWN, max(0, os.fstat(kept).st_size - _MOST_SHOWN))


def _memory() -> int:
    """A file without a name: in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("oe")
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    return descriptor
