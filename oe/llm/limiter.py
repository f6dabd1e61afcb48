"""How many calls a provider takes at once: found out from its refusals, and shared by all calls with one key.

The state machine of TCP's congestion control, with refusals for loss. A fan-out starts with 16 calls and doubles every
30 ms until the first refusal comes back, so that few calls are wasted on a provider that is full, and hundreds still
start within an eighth of a second. A refusal closes the gate for all, for as long as the provider says; then one call
tries, and each success lets one more in, up to half of what was too much, and slowly beyond.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple
from weakref import WeakKeyDictionary

from oe.ports.model import ModelError

MOST_CALLS = 1024
LONGEST_PAUSE_SECONDS = 120.0
"""A provider that wants a longer pause is not waited for: the call fails, and a retry of the node may come later."""

_FIRST_CALLS = 16
_DOUBLE_SECONDS = 0.03
_BASE_SECONDS = 1.0
_BACKOFF_SECONDS = 60.0
_ENOUGH_ANSWERS = 24
"""A pause after which fewer calls than these were answered was too short, and the next is longer."""


class _Waiter(NamedTuple):
    """A call that waits; `number` says when it came, over all lines."""

    number: int
    future: asyncio.Future[int]


class Line:
    """Calls of one limiter with a bound of their own: at most `most` of them go on at once. Those that wait for that
    bound hold nobody up who waits in another line."""

    __slots__ = ("is_ready", "most", "running", "waiting")

    def __init__(self, most: int = MOST_CALLS) -> None:
        self.most = most
        self.running = 0
        self.waiting: deque[_Waiter] = deque()
        self.is_ready = False

    def first(self) -> _Waiter | None:
        """Whose turn it is; those that were cancelled are let go."""
        while self.waiting and self.waiting[0].future.done():
            self.waiting.popleft()
        return self.waiting[0] if self.waiting else None


class Admission(NamedTuple):
    """The right to make one call; `epoch` counts the refusals before it."""

    epoch: int
    line: Line


class Limiter:
    """The gate of one provider and key. For one loop; time is the loop's."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._limit = float(_FIRST_CALLS)
        self._slow_from = float(MOST_CALLS)
        self._running = 0
        self._epoch = 0
        self._short_pauses = 0
        self._answers = 0
        self._opens_at = 0.0
        self._numbers = count()
        self._lines: dict[Line, None] = {}
        """Those in which calls wait."""
        self._ready: list[tuple[int, Line]] = []
        """A heap of those of them whose own bound lets the first call in, by the number of that call."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pause_seconds(self) -> float:
        """For how long no call is let in; 0 where the gate is open."""
        return max(0.0, self._opens_at - self._loop.time())

    async def enter(self, line: Line) -> Admission:
        """Waits for a place, first come first served among the calls that the bounds of their lines let in. Each
        admission must be given back by one of `succeed`, `refuse` and `leave`. Raises ModelError where the gate stays
        closed for longer than anyone should wait."""
        while True:
            self._expect_short_pause()
            waiter = _Waiter(next(self._numbers), self._loop.create_future())
            line.waiting.append(waiter)
            self._lines[line] = None
            self._make_ready(line)
            self._admit()
            try:
                epoch = await waiter.future
            except asyncio.CancelledError:
                if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
                    self._let_go(line)  # let in and cancelled in one moment
                raise
            if epoch == self._epoch:
                return Admission(epoch, line)
            self._let_go(line)  # the gate was closed between the step through it and here

    def leave(self, admission: Admission) -> None:
        """The call ended in a way that says nothing of the provider's limits."""
        self._let_go(admission.line)

    def succeed(self, admission: Admission) -> None:
        """The call was answered: there is room for more."""
        if admission.epoch == self._epoch and self._epoch:
            self._answers += 1
            self._limit += 1.0 if self._limit < self._slow_from else 1.0 / self._limit
            self._limit = min(self._limit, MOST_CALLS)
        self.leave(admission)

    def refuse(self, admission: Admission, pause_seconds: float | None) -> bool:
        """The provider has no room, and wants to be left alone for a while where it says so. Whether this was news:
        calls that were under way together hear the same thing, and only the first of them counts as a failure."""
        is_news = admission.epoch == self._epoch
        if is_news:
            self._epoch += 1
            if self._limit > 1:
                self._slow_from = max(2.0, min(self._limit, self._running) / 2)
            self._limit = 1.0
            self._short_pauses = max(0, self._short_pauses + (1 if self._answers < _ENOUGH_ANSWERS else -1))
            self._answers = 0
            self._close(self._jittered(pause_seconds))
        elif pause_seconds is not None:
            self._close(pause_seconds)
        self.leave(admission)
        return is_news

    def _let_go(self, line: Line) -> None:
        self._running -= 1
        line.running -= 1
        self._make_ready(line)
        self._admit()

    def _jittered(self, pause_seconds: float | None) -> float:
        """A pause that was asked for is kept, with a little more, so that processes do not return together."""
        own = self._random() * min(_BACKOFF_SECONDS, _BASE_SECONDS * 2.0 ** min(self._short_pauses - 1, 30))
        if pause_seconds is None:
            return own
        return max(own, pause_seconds + self._random() * min(1.0, pause_seconds / 4))

    def _close(self, seconds: float) -> None:
        self._opens_at = max(self._opens_at, self._loop.time() + seconds)
        if self.pause_seconds > LONGEST_PAUSE_SECONDS:
            for line in self._lines:
                while (waiter := line.first()) is not None:
                    waiter.future.set_exception(self._long_pause())
            self._lines.clear()

    def _expect_short_pause(self) -> None:
        if self.pause_seconds > LONGEST_PAUSE_SECONDS:
            raise self._long_pause()

    def _long_pause(self) -> ModelError:
        return ModelError("model-busy", f"the provider wants no call for {self.pause_seconds:.0f}s",
                          retry_after_seconds=self.pause_seconds, hint="its quota may be used up")

    def _admit(self) -> None:
        """Lets in who may come now, and looks again when that may change by time alone."""
        while self._ready and self._running < int(self._limit) and not self.pause_seconds:
            number, line = heappop(self._ready)
            line.is_ready = False
            waiter = line.first()
            if waiter is not None and waiter.number == number:  # else it was cancelled, and the next one comes later
                line.waiting.popleft()
                line.running += 1
                self._running += 1
                waiter.future.set_result(self._epoch)
            self._make_ready(line)
        self._look_again()

    def _make_ready(self, line: Line) -> None:
        waiter = line.first()
        if waiter is None:
            self._lines.pop(line, None)
        elif line.running < line.most and not line.is_ready:
            line.is_ready = True
            heappush(self._ready, (waiter.number, line))

    def _look_again(self) -> None:
        if not self._ready or self._timer is not None:
            return
        if self.pause_seconds:
            self._timer = self._loop.call_later(self.pause_seconds, self._on_time)
        elif not self._epoch and self._limit < MOST_CALLS:
            self._timer = self._loop.call_later(_DOUBLE_SECONDS, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if not self._epoch:
            self._limit = min(self._limit * 2, MOST_CALLS)
        self._admit()


class Limiters:
    """The limiters of a process, one for each provider, address and key."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, ...], Limiter]]
        self._of_loop = WeakKeyDictionary()

    def find(self, *key: str) -> Limiter:
        """The limiter of that key on the running loop."""
        limiters = self._of_loop.setdefault(asyncio.get_running_loop(), {})
        if key not in limiters:
            limiters[key] = Limiter(self._random)
        return limiters[key]
