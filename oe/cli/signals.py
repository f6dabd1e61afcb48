"""Signals as requests to a run: once asks it to end, twice to end now, and the process ends in any case."""

from __future__ import annotations

import _thread
import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from oe.state.status import StopReason

HEARD_SECONDS = 2.0
"""How long a second signal waits for the event loop to take it, before the process ends without it."""

_REASONS: dict[signal.Signals, StopReason] = {
    signal.SIGINT: "user", signal.SIGTERM: "terminated", signal.SIGHUP: "hangup",
}


@contextmanager
def caught_signals(force: Callable[[StopReason], None]) -> Iterator[Requests]:
    """While it lasts, SIGINT, SIGTERM and SIGHUP are requests to a run: `hand_to` says which. It is to surround
    the event loop from before it is made until after it is closed: a signal in the midst of that would break it.

    A second signal that the loop does not take, because something blocks it, and any third one call `force` in a thread
    of its own: it is to end the process. A signal that was ignored when the process began (nohup) stays ignored.
    """
    requests = Requests(force)
    before = {number: signal.getsignal(number) for number in _REASONS}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in caught:
        signal.signal(number, requests.handle)
    try:
        yield requests
    finally:
        for number in caught:
            signal.signal(number, before[number] or signal.SIG_DFL)


class Requests:
    """The signals that came, and those that the loop has taken."""

    def __init__(self, force: Callable[[StopReason], None]) -> None:
        self._force = force
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[StopReason], None] | None = None
        self._early: list[StopReason] = []
        self._came = 0
        self._taken = 0

    def hand_to(self, stop: Callable[[StopReason], None]) -> None:
        """From now on signals call `stop` on the running event loop's thread, and so do those that came before."""
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        early, self._early = self._early, []
        for reason in early:
            self._loop.call_soon(self._take, reason)

    def handle(self, number: int, _: FrameType | None) -> None:
        """Wakes the loop, which is what a handler may do at any instant; so is a thread without the locks of
        `threading`, which this very thread may be holding."""
        self._came += 1
        reason = _REASONS[signal.Signals(number)]
        if self._loop is None:
            self._early.append(reason)
        else:
            with suppress(RuntimeError):  # the loop is closed: the run has ended, and how is being told
                self._loop.call_soon_threadsafe(self._take, reason)
        if self._came > 1:
            _thread.start_new_thread(self._insist, (reason, self._came))

    def _take(self, reason: StopReason) -> None:
        self._taken += 1
        if self._stop is not None:
            self._stop(reason)

    def _insist(self, reason: StopReason, count: int) -> None:
        if count == 2:
            until = time.monotonic() + HEARD_SECONDS
            while time.monotonic() < until:
                time.sleep(0.05)
                if self._taken >= count:
                    return
        self._force(reason)
