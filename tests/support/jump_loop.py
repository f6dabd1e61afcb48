"""An event loop whose time jumps: with nothing ready, the next timer is due at once. Tests on it never sleep.

Threads started through the loop are waited for by themselves; a child process, a socket or a thread of other making is
announced by `outside_work()`, and while it lasts the loop waits in real time. Where nothing could ever wake the loop the
test fails instead of hanging. With a seed, tasks that are ready together run in shuffled order, the same for each seed.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

WEEK_SECONDS = 7 * 86400.0


class NothingToWaitForError(AssertionError):
    """Every task waits for something that cannot come, or time has gone past what the test allows."""


class JumpLoop(asyncio.SelectorEventLoop):
    """`limit_seconds` ends a test that would poll for ever."""

    def __init__(self, seed: int | None = None, limit_seconds: float = WEEK_SECONDS) -> None:
        self._now = 0.0
        self._limit = limit_seconds
        self._outside = 0
        self._order = None if seed is None else random.Random(seed)
        super().__init__(_JumpSelector(self))

    def time(self) -> float:
        return self._now

    @contextmanager
    def outside_work(self) -> Iterator[None]:
        """While it lasts, something outside the loop may wake it: the loop waits in real time."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._outside_done)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        with self.outside_work():
            await super().shutdown_default_executor(*args)

    def wait(self, timeout: float | None, select: Callable[[float | None], list[Any]]) -> list[Any]:
        """What the selector's wait becomes: look, and if nothing is there jump, or wait for what is outside."""
        events = select(0)
        if events or timeout == 0:
            return events
        if self._outside:
            events = select(timeout)
        elif timeout is None:
            raise NothingToWaitForError(f"nothing can wake the loop any more: {self._waiting()}")
        if not events:
            self._now += timeout or 0.0
        if self._now > self._limit:
            raise NothingToWaitForError(f"time has gone past {self._limit:g} seconds: {self._waiting()}")
        return events

    def _outside_done(self, _: object) -> None:
        self._outside -= 1

    def _waiting(self) -> str:
        return ", ".join(sorted(str(task.get_coro()) for task in asyncio.all_tasks(self)))

    def _run_once(self) -> None:
        if self._order is not None:
            self._shuffle(self._order)
        super()._run_once()  # type: ignore[misc]

    def _shuffle(self, order: random.Random) -> None:
        """Only steps of tasks change places: transports rely on the order of their own callbacks."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        places = [place for place, handle in enumerate(ready) if _is_task_step(handle)]
        handles = [ready[place] for place in places]
        order.shuffle(handles)
        for place, handle in zip(places, handles, strict=True):
            ready[place] = handle


def _is_task_step(handle: Any) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)


class _JumpSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._loop.wait(timeout, super().select)


class JumpClock:
    """Wall time that goes with the loop's time: a `Clock` for what a scenario records."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: float = 1_800_000_000.0) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> float:
        return self._start + self._loop.time()


def run(main: Coroutine[Any, Any, T], *, seed: int | None = None, limit_seconds: float = WEEK_SECONDS) -> T:
    """Runs the coroutine to its end on a fresh loop."""
    with asyncio.Runner(loop_factory=lambda: JumpLoop(seed, limit_seconds)) as runner:
        return runner.run(main)


@contextmanager
def outside_work() -> Iterator[None]:
    """`JumpLoop.outside_work` of the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpLoop)
    with loop.outside_work():
        yield
