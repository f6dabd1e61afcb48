"""Threads for blocking calls: daemons that grow on demand, are used again, and are never waited for at exit.

Not `concurrent.futures`: its threads are joined when the interpreter ends, so one tool that never returns would keep
`oe` from ending. Results that come close together reach the loop with one wake-up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_MOST_THREADS = 256


class DaemonThreads:
    """Implements ThreadRunner. Calls beyond `most` wait for a thread; an abandoned thread does not count among them."""

    def __init__(self, most: int = _MOST_THREADS) -> None:
        self._most = most
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._threads = 0
        self._abandoned: dict[_Call, str] = {}
        self._busy: dict[int, str] = {}
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Mailbox] = WeakKeyDictionary()

    async def call(self, function: Callable[[], T], name: str) -> T:
        """The function's result; see ThreadRunner."""
        loop = asyncio.get_running_loop()
        mailbox = self._mailboxes.get(loop)
        if mailbox is None:
            mailbox = self._mailboxes[loop] = _Mailbox(loop)
        future: asyncio.Future[T] = loop.create_future()
        call = _Call(function, copy_context(), future, mailbox)
        call.name = name
        with self._lock:
            self._pending += 1
        self._calls.put(call)
        try:
            self._grow()
        except RuntimeError:
            self._abandon(call)  # or a later thread would carry out what its caller was told has failed
            raise
        try:
            return await future
        except asyncio.CancelledError:
            self._abandon(call)
            with suppress(RuntimeError):  # no thread to be had: who waits goes on waiting for one of the others
                self._grow()
            raise

    def abandoned(self) -> list[str]:
        """Names of calls that were given up and still run."""
        with self._lock:
            return list(self._abandoned.values())

    def busy(self) -> dict[int, str]:
        """What each thread is at."""
        with self._lock:
            return dict(self._busy)

    def close(self) -> None:
        """Lets the idle threads end. Nothing is called after this."""
        with self._lock:
            idle = self._threads
        for _ in range(idle):
            self._calls.put(None)

    def _grow(self) -> None:
        """One thread more where a call waits for one and there may be more."""
        with self._lock:
            if not self._threads < min(self._pending, self._most):
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="oe-thread", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
                helpless = self._threads == 0
            if helpless:
                raise  # the machine gives no thread, and there is none to take the call

    def _abandon(self, call: _Call) -> None:
        """Another thread may take its place, as this one may never come back."""
        with self._lock:
            call.is_given_up = True
            if call.is_running:
                self._abandoned[call] = call.name
                self._threads -= 1
                self._pending -= 1

    def _work(self) -> None:
        me = threading.get_ident()
        while True:
            call = self._calls.get()
            if call is None:
                return
            with self._lock:
                call.is_running = not call.is_given_up
                if call.is_given_up:
                    self._pending -= 1
                    continue
                self._busy[me] = call.name
            call.run()
            with self._lock:
                del self._busy[me]
                call.is_running = False
                if call.is_given_up:
                    self._abandoned.pop(call, None)
                    return  # its place is taken
                self._pending -= 1
            call.mailbox.deliver(call)
            del call  # or an idle thread keeps the last result alive


class _Call:
    """One call: what to run, where its result goes."""

    __slots__ = ("_context", "_function", "error", "future", "is_given_up", "is_running", "mailbox", "name", "result")

    def __init__(self, function: Callable[[], Any], context: Context, future: asyncio.Future[Any],
                 mailbox: _Mailbox) -> None:
        self._function = function
        self._context = context
        self.name = ""
        self.future = future
        self.mailbox = mailbox
        self.is_running = False
        self.is_given_up = False
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Runs the function in its context and keeps what it gives."""
        try:
            self.result = self._context.run(self._function)
        except (SystemExit, KeyboardInterrupt, StopIteration, asyncio.CancelledError) as error:
            # in a task the first two would end the loop, the third cannot be raised, the last would mean another thing
            self.error = RuntimeError(f"{type(error).__name__} raised in a thread")
            self.error.__cause__ = error
        except BaseException as error:
            self.error = error

    def settle(self) -> None:
        """On the loop: hands the result to whoever still waits."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)
            self.error = None  # its traceback refers back to here


class _Mailbox:
    """Ended calls on their way to one loop."""

    __slots__ = ("_arrived", "_is_woken", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[_Call] = deque()
        self._is_woken = False

    def deliver(self, call: _Call) -> None:
        """From a worker: wakes the loop unless it is being woken already."""
        self._arrived.append(call)
        if not self._is_woken:
            self._is_woken = True
            try:
                self._loop.call_soon_threadsafe(self._settle)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self._arrived.clear()

    def _settle(self) -> None:
        self._is_woken = False  # first, so that a call arriving from here on wakes the loop again
        while self._arrived:
            self._arrived.popleft().settle()
