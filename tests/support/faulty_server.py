"""A real HTTP server on loopback that answers as it is told, well or badly: what a provider does on its worst days.

Each connection has a thread; a `Behaviour` writes bytes to it, and sees when the client has gone.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Asked(NamedTuple):
    """A request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Line:
    """The connection to one client, as a behaviour uses it."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self.left = threading.Event()

    def send(self, data: bytes) -> bool:
        """False once the client has gone."""
        try:
            self._stream.sendall(data)
        except OSError:
            self.left.set()
            return False
        return True

    def wait_for_leave(self, seconds: float = 200.0) -> bool:
        """Blocks until the client has closed; False where it has not in that time."""
        self._stream.settimeout(seconds)
        try:
            while self._stream.recv(4096):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        self.left.set()
        return True

    def reset(self) -> None:
        """Ends the connection as a crash would: with RST."""
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._stream.close()


Behaviour = Callable[[Line, Asked], None]


def says(body: bytes | str = b"", status: int = 200, **headers: str) -> Behaviour:
    """A whole answer of declared length. Header names have `_` for `-`."""
    data = body.encode() if isinstance(body, str) else body

    def behave(line: Line, _: Asked) -> None:
        line.send(head(status, Content_Length=str(len(data)), **headers) + data)

    return behave


def streams(*pieces: bytes | str, end: bytes = b"0\r\n\r\n", **headers: str) -> Behaviour:
    """A chunked answer. `end` empty: it breaks off."""
    def behave(line: Line, _: Asked) -> None:
        line.send(head(200, Transfer_Encoding="chunked", **{"Content_Type": "text/event-stream", **headers}))
        for piece in pieces:
            data = piece.encode() if isinstance(piece, str) else piece
            line.send(chunk(data))
        line.send(end)

    return behave


def raw(data: bytes) -> Behaviour:
    """These bytes, then the end of the connection."""
    def behave(line: Line, _: Asked) -> None:
        line.send(data)

    return behave


def stalls(*first: bytes) -> Behaviour:
    """These bytes, then nothing, until the client goes."""
    def behave(line: Line, _: Asked) -> None:
        for data in first:
            line.send(data)
        line.wait_for_leave()

    return behave


def endless(head_bytes: bytes, piece: bytes) -> Behaviour:
    """The head, and then the piece again and again until the client goes."""
    def behave(line: Line, _: Asked) -> None:
        line.send(head_bytes)
        while line.send(piece):
            pass

    return behave


def head(status: int = 200, **headers: str) -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status} Status", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class FaultyServer:
    """Answers each request by the behaviour of its path, or by `script`, in order, of which the last stays."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._script = list(script)
        self.paths: dict[str, Behaviour] = {}
        self.asked: list[Asked] = []
        self.lines: list[Line] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=300)
        self.port = self._listener.getsockname()[1]
        self.place = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.place}"
        threading.Thread(target=self._accept, name="faulty-server", daemon=True).start()

    def close(self) -> None:
        """Accepts no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits for a client would get one more
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), name="faulty-client", daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            stream = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        except OSError:
            plain.close()
            return
        with stream:
            asked = _read_request(stream)
            if asked is None:
                return
            line = Line(stream)
            with self._lock:
                self.asked.append(asked)
                self.lines.append(line)
                behave = self.paths.get(asked.target.partition("?")[0]) or (
                    self._script.pop(0) if len(self._script) > 1 else self._script[0])
            behave(line, asked)


def _read_request(stream: socket.socket) -> Asked | None:
    with stream.makefile("rb") as file:
        if file.peek(1)[:1] == b"\x16":  # TLS where none is spoken: a server closes, or says 400
            return None
        words = file.readline().split()
        if len(words) < 2:
            return None
        headers: dict[str, str] = {}
        while (text := file.readline().strip()):
            name, _, value = text.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
    return Asked(words[0].decode(), words[1].decode(), headers, body)


@contextmanager
def serving(*script: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[FaultyServer]:
    """A server for as long as the block lasts."""
    server = FaultyServer(*script, tls=tls)
    try:
        yield server
    finally:
        server.close()
