"""One exchange as blocking calls in a thread of its own, over `http.client`. Imported only once something is asked.

`urllib.request` is not used: it hides the socket, and shutting that down from outside is what makes a cancelled call
end at once. `http.client` bounds the head: a line to 64 KiB, 100 lines.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from oe.net.http_address import Address, Proxy
from oe.net.http_errors import answer_error, connect_error, cut
from oe.ports.http import HttpError, HttpRequest

PIECE_BYTES = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trusting(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Who is trusted: the authorities of the machine, or those that a variable names. Raises HttpError."""
    file = next((environment[name] for name in _CA_FILES if environment.get(name)), None)
    try:
        return ssl.create_default_context(cafile=file, capath=environment.get("SSL_CERT_DIR") or None)
    except OSError as error:
        raise HttpError("http-unreachable", f"the authorities in '{file}' cannot be read: {error.strerror}",
                        hint=f"{' or '.join(_CA_FILES)} names a PEM file", retryable=False) from error


class Connection:
    """One request and its answer. `abort` may be called from another thread, at any time."""

    def __init__(self, request: HttpRequest, address: Address, proxy: Proxy | None,
                 trust: ssl.SSLContext | None) -> None:
        self._request = request
        self._address = address
        self._proxy = proxy
        self._trust = trust
        self._lock = threading.Lock()
        self._is_aborted = False
        self._socket: socket.socket | None = None
        self.is_looking_up = False
        self._left = request.most_bytes
        self._response: http.client.HTTPResponse | None = None

    def connect(self) -> None:
        """Reaches the server, through the proxy where there is one. Raises HttpError."""
        peer = self._proxy or self._address
        place = f"{peer.host}:{peer.port}" if self._proxy else self._address.place
        try:
            self._reach(peer.host, peer.port)
            if self._trust is not None:
                if self._proxy is not None:
                    self._tunnel(self._proxy)
                self._encrypt(self._trust)
        except OSError as error:
            raise connect_error(error, peer.host, place) from None
        except http.client.HTTPException as error:
            raise answer_error(error, place, self._request.connect_seconds, has_head=False) from None

    def ask(self) -> tuple[int, dict[str, str]]:
        """Sends the request and gives status and headers of the answer. Raises HttpError."""
        connection = http.client.HTTPConnection(self._address.host, self._address.port)
        connection.sock = self._socket
        try:
            self._stream().settimeout(self._request.idle_seconds)
            connection.putrequest(self._request.method, self._target(), skip_host=True, skip_accept_encoding=True)
            for name, value in self._headers():
                connection.putheader(name, value)
            with suppress(BrokenPipeError, ConnectionResetError):  # a server that refuses a long body answers meanwhile
                connection.endheaders(self._request.body or None)
            response = self._response = connection.getresponse()
        except (ValueError, UnicodeError):  # their texts quote the header
            raise HttpError("http-bad-url", "a header holds a line break or a letter beyond Latin-1",
                            hint="check the key for characters that do not belong there") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error, has_head=False) from None
        if response.msg.defects:  # http.client takes a head that breaks off as whole
            raise self._broken(http.client.HTTPException(), has_head=False)
        headers = {name.lower(): value for name, value in response.getheaders()}
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            raise HttpError("http-garbled", f"'{self._address.place}' answers in the encoding '{encoding[:20]}', which "
                            "was not asked for")
        return response.status, headers

    def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises HttpError."""
        response = self._response
        if response is None:
            return b""
        try:
            piece = response.read1(PIECE_BYTES)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._broken(error, has_head=True) from None
        if not piece and response.length:  # what was declared and did not come
            raise cut(self._address.place, "before its declared end")
        self._left -= len(piece)
        if self._left < 0:
            raise HttpError("http-too-large", f"the answer of '{self._address.place}' is longer than "
                            f"{self._request.most_bytes} bytes")
        return piece

    def abort(self, *, resets: bool) -> None:
        """Ends whatever the thread waits for, but for a name lookup, which nothing can end. With `resets` the server is
        told that nobody reads on: one whose answer is stuck in full buffers would hear of a mere end late."""
        with self._lock:
            self._is_aborted = True
            if self._socket is not None:
                with suppress(OSError):  # it was not connected yet, or is closed already
                    if resets:
                        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # an SSLSocket's own is not for two threads

    def close(self) -> None:
        """Gives back the socket; for the thread that uses it."""
        with self._lock:
            stream, self._socket = self._socket, None
        if self._response is not None:
            self._response.close()  # it holds the socket open otherwise
        if stream is not None:
            stream.close()

    def _reach(self, host: str, port: int) -> None:
        self.is_looking_up = True
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        finally:
            self.is_looking_up = False
        deadline = time.monotonic() + self._request.connect_seconds
        for place, (family, kind, protocol, _, where) in enumerate(found):
            stream = socket.socket(family, kind, protocol)
            self._own(stream)
            stream.settimeout(max(0.1, (deadline - time.monotonic()) / (len(found) - place)))
            try:
                stream.connect(where)
            except OSError:
                self.close()
                if place == len(found) - 1:
                    raise
                continue
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a stream may be silent for minutes
            return

    def _own(self, stream: socket.socket) -> None:
        with self._lock:
            self._socket = stream
            if not self._is_aborted:
                return
        self.close()
        raise ConnectionAbortedError

    def _stream(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionAbortedError
        return self._socket

    def _tunnel(self, proxy: Proxy) -> None:
        """Asks the proxy for a way through. Its refusal is a failure to connect."""
        stream = self._stream()
        place = self._address.place
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *_credentials(proxy), "", ""]
        stream.sendall("\r\n".join(lines).encode("latin-1"))
        answer = http.client.HTTPResponse(stream, method="CONNECT")
        try:
            answer.begin()
        finally:
            answer.close()
        if not 200 <= answer.status < 300:
            raise HttpError("http-unreachable", f"the proxy '{proxy.host}:{proxy.port}' gives no way to "
                            f"'{place}': status {answer.status}", retryable=answer.status >= 500)

    def _encrypt(self, trust: ssl.SSLContext) -> None:
        stream = trust.wrap_socket(self._stream(), server_hostname=self._address.host, do_handshake_on_connect=False)
        self._own(stream)
        stream.do_handshake()

    def _target(self) -> str:
        if self._proxy is not None and self._trust is None:
            return f"http://{self._address.host_header}{self._address.target}"
        return self._address.target

    def _headers(self) -> list[tuple[str, str]]:
        length = [("Content-Length", str(len(self._request.body)))] if self._request.body else []
        proxy = _credentials(self._proxy) if self._proxy is not None and self._trust is None else []
        return [("Host", self._address.host_header), *self._request.headers, *length,
                *((name, value) for name, _, value in (line.partition(": ") for line in proxy)),
                ("Accept-Encoding", "identity"), ("Connection", "close")]

    def _broken(self, error: Exception, *, has_head: bool) -> HttpError:
        return answer_error(error, self._address.place, self._request.idle_seconds, has_head=has_head)


def _credentials(proxy: Proxy) -> list[str]:
    if proxy.credentials is None:
        return []
    return [f"Proxy-Authorization: Basic {base64.b64encode(proxy.credentials.encode()).decode()}"]
