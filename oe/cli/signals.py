"""Signals as requests to a run: once asks it to end, twice to end now."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from oe.state.status import StopReason

_REASONS: dict[signal.Signals, StopReason] = {
    signal.SIGINT: "user", signal.SIGTERM: "terminated", signal.SIGHUP: "hangup",
}


@contextmanager
def stop_on_signals(stop: Callable[[StopReason], None]) -> Iterator[None]:
    """While it lasts, SIGINT, SIGTERM and SIGHUP call `stop` on the running event loop's thread.

    The handler itself only wakes the loop, which is what a handler may do at any instant. A signal that was ignored
    when the process began (nohup) stays ignored.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop, _REASONS[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in _REASONS}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in caught:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number] or signal.SIG_DFL)
