"""Asking an HTTP server: one request, and an answer that is read piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple, Protocol, TypeAlias

from oe.errors import NodeError

HttpFault: TypeAlias = Literal["http-unreachable", "http-cut", "http-silent", "http-garbled", "http-too-large",
                               "http-bad-url"]
"""Nobody answers, the name is unknown or the certificate is not trusted · the connection ended before the answer did ·
nothing came for too long · what came is no HTTP · more came than was allowed · the address is no HTTP address."""

_RETRYABLE: frozenset[HttpFault] = frozenset({"http-unreachable", "http-cut", "http-silent", "http-garbled"})


class HttpError(NodeError):
    """There is no whole answer. The message names host and port, never a path, a query, a header or a body: each
    of them can hold a key."""

    def __init__(self, fault: HttpFault, message: str, *, hint: str | None = None,
                 retryable: bool | None = None) -> None:
        name = "TimeoutError" if fault == "http-silent" else "HttpError"
        super().__init__(message, name=name, hint=hint, code=fault,
                         retryable=fault in _RETRYABLE if retryable is None else retryable)


class HttpRequest(NamedTuple):
    """One request. `headers` are complete but for Host, Content-Length, Connection and Accept-Encoding.

    `connect_seconds` bounds finding and reaching the server, `idle_seconds` the wait for the whole head of its answer
    and for each piece of its body. `most_bytes` bounds the body.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    connect_seconds: float = 10.0
    idle_seconds: float = 60.0
    most_bytes: int = 64 * 1024 * 1024


class HttpResponse(Protocol):
    """An answer whose head has come. `headers` have names in lower case; of several with one name the last counts."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The next piece of the body as it came, at most 64 KiB; empty once the body is whole. Raises HttpError where
        it breaks off, is silent for too long or exceeds `most_bytes`."""


class HttpClient(Protocol):
    """Sends requests. Redirects are not followed: a 3xx is an answer like any other, so that no header ever reaches
    another host. Proxy and CA variables of the environment are honoured."""

    def exchange(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        """Sends the request and waits for the head of the answer. Leaving the context closes the connection, also in
        the middle of an answer; on cancellation that takes milliseconds. Raises HttpError on entry."""


async def read_whole(response: HttpResponse, most_bytes: int) -> bytes:
    """The body, or its first `most_bytes` where it is longer: for error bodies, of which a part says enough."""
    pieces: list[bytes] = []
    size = 0
    while size < most_bytes and (piece := await response.read()):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)[:most_bytes]
