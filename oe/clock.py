"""Time as a value that is handed in, so that a test can own it."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is recorded. Waiting and time-outs use the event loop's own time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""


class SystemClock:
    """The machine's clock, but never behind itself or before a moment that it is told of: a clock that is stepped back
    must neither disorder a log nor stop durations. Time then goes on from there at its own pace."""

    def __init__(self, not_before: float = 0.0) -> None:
        self._seen = (not_before, time.monotonic())

    def now(self) -> float:
        last, since = self._seen
        steady = time.monotonic()
        now = max(time.time(), last + steady - since)
        self._seen = (now, steady)
        return now


def seconds_of_iso(text: str) -> float:
    """The reverse of `iso`. Raises ValueError."""
    from datetime import datetime  # costs 2 ms, and few need it

    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@lru_cache(maxsize=4)
def _second_text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def iso(seconds: float) -> str:
    """`2026-11-20T21:40:01.250Z`: ISO 8601, UTC, milliseconds."""
    second, rest = divmod(int(seconds * 1000), 1000)
    return f"{_second_text(second)}.{rest:03d}Z"
