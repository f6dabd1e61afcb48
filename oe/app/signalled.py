"""SIGUSR1: a picture of what this process does, on stderr, at any instant.

The picture is drawn by a thread of its own, so neither a blocked event loop nor a tool stands in its way. The thread
waits at the one descriptor that the interpreter writes every signal's number to. Nothing is drawn while C code holds
the interpreter; then the stacks are printed by `faulthandler`, which needs no interpreter. It must not do so otherwise:
it would read the frames of threads that run meanwhile, which ends the process with a segmentation fault once in a few
hundred times. So the first signal only leaves a request with a shell (net/delayed_signal). Unless the thread says soon
that it is alive, the shell sends a second signal, and that one prints the stacks.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from oe.net.delayed_signal import DelayedSignal

_ASKED, _LATE = signal.SIGUSR1, signal.SIGURG
"""SIGURG is ignored by whoever does not ask for it, so one that comes late does no harm."""
_LATE_SECONDS = 2.0
"""A busy machine may keep the thread waiting for a while: stacks are not to be read while the interpreter runs."""
_MARK = "most recent call first"
"""Stands in the first line of what faulthandler prints of one thread."""
_QUIET_SECONDS = 0.25
"""A run that is over sooner never starts the shell. Until it has, a signal prints the stacks right away."""
_CHAIN_SECONDS = 0.5
_END_SECONDS = 1.0
_STDERR = 2


class SignalledPicture:
    """Answers SIGUSR1 from entering to leaving its `with` statement, which must be on the main thread's running loop.
    Elsewhere, or where SIGUSR1 is ignored, it does nothing. `picture` gives the text, in a thread of ours."""

    def __init__(self, picture: Callable[[], str]) -> None:
        self._picture = picture
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: signal.Handlers | Callable[[int, FrameType | None], object] | int | None = None
        self._fd_before = -1
        self._forward_fd = -1
        self._read_fd = self._write_fd = -1
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None
        self._late: DelayedSignal | None = None
        self._has_tried = False

    def __enter__(self) -> SignalledPicture:
        self._before = signal.getsignal(_ASKED)
        if threading.current_thread() is not threading.main_thread() or self._before is signal.SIG_IGN:
            return self
        self._loop = asyncio.get_running_loop()
        try:
            self._read_fd, self._write_fd = os.pipe()
        except OSError:  # the run does without
            return self
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        signal.signal(_ASKED, _do_nothing)
        faulthandler.register(_ASKED, _STDERR, all_threads=True, chain=True)
        self._fd_before = self._forward_fd = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._wait, name="oe-signals", daemon=True)
        try:
            thread.start()  # last: it registers again, for what it finds
        except RuntimeError:
            self._put_back()
            os.close(self._read_fd)
            return self
        self._thread = thread
        self._timer = self._loop.call_later(_CHAIN_SECONDS, self._stay_first)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is None or self._timer is None:
            return
        self._timer.cancel()
        self._put_back()
        if not self._thread.is_alive():
            os.close(self._read_fd)
            if self._late is not None:
                faulthandler.unregister(_LATE)
                self._late.close()

    def _put_back(self) -> None:
        """Ends the thread and leaves the signal as it was found."""
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._write_fd)  # ends the thread
        if self._thread is not None:
            self._thread.join(_END_SECONDS)
        faulthandler.unregister(_ASKED)
        signal.signal(_ASKED, self._before or signal.SIG_DFL)

    def _stay_first(self) -> None:
        """Takes the place at the descriptor back from whoever has taken it (asyncio's own signal handlers do), and
        hands on to them what comes. The interpreter allows that on this thread alone."""
        found = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        if found not in (-1, self._write_fd):
            self._forward_fd = found
        if self._loop is not None:
            self._timer = self._loop.call_later(_CHAIN_SECONDS, self._stay_first)

    def _wait(self) -> None:
        """In the thread."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        if not poll.poll(_QUIET_SECONDS * 1000):
            self._start_late()
        while poll.poll():
            with suppress(BlockingIOError):
                numbers = os.read(self._read_fd, 4096)
                if not numbers:
                    return
                self._take(numbers)
            if self._late is None and not self._has_tried:
                self._start_late()

    def _take(self, numbers: bytes) -> None:
        count = numbers.count(_ASKED)
        if count and self._late is not None:
            self._late.answer(count)
        if self._forward_fd >= 0:
            with suppress(OSError):
                os.write(self._forward_fd, numbers)
        if count < len(numbers) and self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(_wake_up)
        if count:
            self._show()

    def _show(self) -> None:
        try:
            text = self._picture()
        except Exception as error:  # whatever it is, it must not end the thread, and the run does not care
            text = f"oe: no picture of the run could be made: {type(error).__name__}: {error}"
        data = (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
        with suppress(OSError):
            while data:
                data = data[os.write(_STDERR, data):]

    def _start_late(self) -> None:
        self._has_tried = True
        try:
            late = DelayedSignal(_LATE, _MARK, _LATE_SECONDS)
        except OSError:
            faulthandler.unregister(_ASKED)
            return
        faulthandler.register(_LATE, _STDERR, all_threads=True)
        faulthandler.register(_ASKED, late.request_fd, all_threads=False, chain=True)
        self._late = late


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """The interpreter has written the number to the descriptor already."""


def _wake_up() -> None:
    """A signal that comes just before the loop begins to wait would not be handled until something else happens."""
