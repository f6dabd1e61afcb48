"""An HTTP server in memory: the twin of the network, whose answers are written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from oe.ports.http import HttpError, HttpRequest, HttpResponse

_NONE: Mapping[str, str] = {}


class Reply(NamedTuple):
    """One answer. An HttpError among the pieces breaks it off there; before each piece passes `seconds` of the loop's
    time. The head comes after `head_seconds`."""

    status: int = 200
    pieces: Sequence[bytes | HttpError] = ()
    headers: Mapping[str, str] = _NONE
    seconds: float = 0.0
    head_seconds: float = 0.0


class MemoryHttp:
    """An HttpClient. `script` is asked for each request, or is the replies in order, of which the last is given for
    ever; `requests` are those that came, `open` counts exchanges that are not left yet."""

    def __init__(self, script: Callable[[HttpRequest], Reply | HttpError] | Iterable[Reply | HttpError]) -> None:
        self.requests: list[HttpRequest] = []
        self.open = 0
        self._script = script if callable(script) else _in_order(list(script))

    @asynccontextmanager
    async def exchange(self, request: HttpRequest) -> AsyncIterator[HttpResponse]:
        """See HttpClient."""
        self.requests.append(request)
        reply = self._script(request)
        if isinstance(reply, HttpError):
            raise reply
        self.open += 1
        try:
            await asyncio.sleep(reply.head_seconds)
            yield _Response(reply, request.most_bytes)
        finally:
            self.open -= 1


class _Response:
    def __init__(self, reply: Reply, most_bytes: int) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in reply.headers.items()}
        self._rest: Iterator[bytes | HttpError] = iter(reply.pieces)
        self._seconds = reply.seconds
        self._left = most_bytes

    async def read(self) -> bytes:
        piece = next(self._rest, b"")
        if piece:
            await asyncio.sleep(self._seconds)
        if isinstance(piece, HttpError):
            raise piece
        self._left -= len(piece)
        if self._left < 0:
            raise HttpError("http-too-large", "the answer is larger than it may be")
        return piece


def _in_order(replies: list[Reply | HttpError]) -> Callable[[HttpRequest], Reply | HttpError]:
    def next_reply(_: HttpRequest) -> Reply | HttpError:
        return replies.pop(0) if len(replies) > 1 else replies[0]

    return next_reply
