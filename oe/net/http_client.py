"""The HTTP client: each exchange has a daemon thread that blocks, and the loop takes the pieces as they come.

Threads and not the loop's own transports, because those look names up in threads that are joined at exit; one that
hangs would hold `oe`. A thread of its own per exchange costs 0.1 ms, against calls that take seconds.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from oe.net.http_address import find_proxy, parse_address
from oe.ports.http import HttpError, HttpRequest, HttpResponse

if TYPE_CHECKING:
    import ssl

    from oe.net.http_connection import Connection

_PIECES_AHEAD = 16
"""How many pieces a thread reads before the loop has taken the first: what an endless answer can fill."""


class ThreadedHttp:
    """Implements HttpClient. `environment` holds the proxy and CA variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._trust: ssl.SSLContext | None = None
        self._unfinished: set[_Exchange] = set()

    @asynccontextmanager
    async def exchange(self, request: HttpRequest) -> AsyncIterator[HttpResponse]:
        """See HttpClient."""
        exchange = self._prepared(request)
        try:
            await exchange.start()
            yield exchange
        except BaseException:
            exchange.leave(resets=True)
            raise
        exchange.leave(resets=False)

    def abandoned(self) -> list[str]:
        """What exchanges that were left still wait for: name lookups, which cannot be ended."""
        return [exchange.name for exchange in tuple(self._unfinished) if exchange.is_stuck]

    def _prepared(self, request: HttpRequest) -> _Exchange:
        from oe.net.http_connection import Connection, trusting  # 25 ms, which a run that asks nobody can do without

        address = parse_address(request.url)
        if address.is_secure and self._trust is None:
            self._trust = trusting(self._environment)
        connection = Connection(request, address, find_proxy(address, self._environment),
                                self._trust if address.is_secure else None)
        return _Exchange(connection, request, address.place, self._unfinished)


class _Exchange:
    """The loop's side and the thread's side of one exchange. Implements HttpResponse."""

    status: int
    headers: Mapping[str, str]

    def __init__(self, connection: Connection, request: HttpRequest, place: str, unfinished: set[_Exchange]) -> None:
        self.name = f"looking up {place}"
        self.is_left = False
        self._connection = connection
        self._request = request
        self._place = place
        self._unfinished = unfinished
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[_Step] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._room = threading.Semaphore(_PIECES_AHEAD)
        self._is_ended = False

    @property
    def is_stuck(self) -> bool:
        """Whether it was left and its thread still looks up a name."""
        return self.is_left and self._connection.is_looking_up

    async def start(self) -> None:
        """From the first look at a name to the head of the answer."""
        self._unfinished.add(self)
        try:
            threading.Thread(target=self._work, name="oe-http", daemon=True).start()
        except RuntimeError:
            self._unfinished.discard(self)
            raise HttpError("http-unreachable", f"'{self._place}' cannot be asked: the machine gives no further "
                            "thread") from None
        if await self._within(self._request.connect_seconds) is None:
            raise HttpError("http-unreachable", f"'{self._place}' cannot be reached: no answer in "
                            f"{self._request.connect_seconds:g}s")
        head = await self._within(self._request.idle_seconds)
        if not isinstance(head, tuple):
            raise self._silence()
        self.status, self.headers = head

    async def read(self) -> bytes:
        """See HttpResponse."""
        if self._is_ended:
            return b""
        piece = await self._within(None)  # the thread's socket knows how long it may be silent
        self._room.release()
        if not piece:
            self._is_ended = True
        return piece if isinstance(piece, bytes) else b""

    def leave(self, *, resets: bool) -> None:
        """The thread ends by itself, and nothing waits for it."""
        self.is_left = True
        self._connection.abort(resets=resets)
        self._room.release()

    async def _within(self, seconds: float | None) -> _Step:
        """What the thread tells next, raised where it is an error; None where the time is over first."""
        try:
            async with asyncio.timeout(seconds):
                while not self._arrived:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        except TimeoutError:
            return None
        step = self._arrived.popleft()
        if isinstance(step, Exception):
            self._is_ended = True
            raise step
        return step

    def _silence(self) -> HttpError:
        from oe.net.http_errors import silence

        return silence(self._place, self._request.idle_seconds)

    def _work(self) -> None:
        """The thread's side."""
        try:
            self._connection.connect()
            self._tell(True)
            self._tell(self._connection.ask())
            piece = b"-"
            while piece and not self.is_left:
                self._room.acquire()
                piece = self._connection.read()
                self._tell(piece)
        except Exception as error:  # any other than HttpError is our own bug, and must not leave the loop waiting
            self._tell(error)
        finally:
            self._connection.close()
            self._unfinished.discard(self)

    def _tell(self, step: _Step) -> None:
        if not self.is_left:
            self._arrived.append(step)
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self.is_left = True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


_Step = bool | tuple[int, dict[str, str]] | bytes | Exception | None
"""True once the server is reached, the head, each piece, or why there is no more."""
