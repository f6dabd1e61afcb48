"""The HTTP client against a real server that misbehaves: each fault gives the stated error, and nothing is left open."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import threading
from pathlib import Path

import pytest

from oe.net.http_client import ThreadedHttp
from oe.ports.http import HttpError, HttpRequest, read_whole
from tests.support.faulty_server import (
    Asked,
    Behaviour,
    Line,
    chunk,
    endless,
    head,
    raw,
    says,
    serving,
    stalls,
    streams,
)

CERTIFICATE = Path(__file__).resolve().parents[2] / "support" / "loopback.pem"
KEY = "sk-planted-secret-4711"


def ask(url: str, environment: dict[str, str] | None = None, **request: object) -> tuple[int, bytes]:
    async def main() -> tuple[int, bytes]:
        full = HttpRequest("GET", url)._replace(**request)  # type: ignore[arg-type]
        async with ThreadedHttp(environment or {}).exchange(full) as response:
            return response.status, await read_whole(response, 1 << 30)

    return asyncio.run(main())


def fault_of(behaviour: Behaviour, **request: object) -> HttpError:
    with serving(behaviour) as server, pytest.raises(HttpError) as caught:
        ask(server.url, **request)
    assert server.place in caught.value.message
    return caught.value


def test_a_request_goes_out_as_it_is_and_the_answer_comes_back() -> None:
    with serving(says("grüß", X_Request_Id="r-1")) as server:
        async def main() -> None:
            request = HttpRequest("POST", f"{server.url}/v1/a?b=c", (("X-Key", KEY),), b'{"a": 1}')
            async with ThreadedHttp({}).exchange(request) as response:
                assert (response.status, response.headers["x-request-id"]) == (200, "r-1")
                assert await response.read() == "grüß".encode()
                assert await response.read() == b""
                assert await response.read() == b""

        asyncio.run(main())
        assert server.asked == [Asked("POST", "/v1/a?b=c", {
            "host": server.place, "x-key": KEY, "content-length": "8", "accept-encoding": "identity",
            "connection": "close"}, b'{"a": 1}')]


def test_pieces_come_as_the_server_sends_them() -> None:
    heard: list[bytes] = []
    goes_on = threading.Event()

    def behave(line: Line, _: Asked) -> None:
        line.send(head(Transfer_Encoding="chunked") + chunk(b"one"))
        assert goes_on.wait(100)
        line.send(chunk(b"two") + b"0\r\n\r\n")

    with serving(behave) as server:
        async def main() -> None:
            async with ThreadedHttp({}).exchange(HttpRequest("GET", server.url)) as response:
                while piece := await response.read():
                    heard.append(piece)
                    goes_on.set()  # so the first piece was here before the second was sent

        asyncio.run(main())
    assert heard == [b"one", b"two"]


@pytest.mark.parametrize(("behaviour", "code", "words"), [
    (raw(b""), "http-cut", "before it began"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour"), "http-cut", "before its declared end"),
    (raw(head(Transfer_Encoding="chunked") + chunk(b"a")), "http-cut", "before its declared end"),
    (raw(head(Transfer_Encoding="chunked") + b"8\r\nhalf"), "http-cut", "before its declared end"),
    (raw(head(Transfer_Encoding="chunked") + b"xyz\r\n"), "http-cut", "before its declared end"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "http-garbled", "does not answer in HTTP"),
    (raw(b"SSH-2.0-OpenSSH_9\r\n"), "http-garbled", "does not answer in HTTP"),
    (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "http-garbled", "does not answer in HTTP"),
    (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"), "http-garbled", "does not answer in HTTP"),
    (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n"), "http-garbled", "does not answer in HTTP"),
    (says(b"\x1f\x8b", Content_Encoding="gzip"), "http-garbled", "in the encoding 'gzip'"),
    (stalls(), "http-silent", "timeout: .* was silent for 0.2s"),
    (stalls(head(Content_Length="9"), b"four"), "http-silent", "timeout: .* was silent for 0.2s"),
    (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "http-silent", "was silent"),
    (says(b"x" * 1001), "http-too-large", "longer than 1000 bytes"),
    (endless(head(), b"x" * 4096), "http-too-large", "longer than 1000 bytes"),
    (lambda line, _: line.reset(), "http-cut", "broke off before it began"),
])
def test_a_server_that_misbehaves_gives_the_stated_error(behaviour: Behaviour, code: str, words: str) -> None:
    error = fault_of(behaviour, most_bytes=1000, idle_seconds=0.2 if code == "http-silent" else 100.0)
    assert error.code == code
    assert re.search(words, error.message), error.message
    assert error.retryable == (code != "http-too-large")


def test_a_redirect_is_an_answer_and_goes_nowhere() -> None:
    with serving(says("", 307, Location="/again")) as server:
        assert ask(server.url, headers=(("Authorization", f"Bearer {KEY}"),)) == (307, b"")
        assert len(server.asked) == 1


def test_a_body_that_is_refused_early_gives_the_answer_and_not_a_broken_pipe() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        stream, _ = listener.accept()
        with stream:
            stream.recv(1024)
            stream.sendall(head(413, Content_Length="3") + b"big")
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(1 << 20):
                pass

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        assert ask(f"http://127.0.0.1:{listener.getsockname()[1]}", method="POST", body=b"x" * 5_000_000) == (413, b"big")


@pytest.mark.parametrize("waiting", [stalls(), stalls(head(Content_Length="9"), b"four"),
                                     endless(head(), b"x" * 65536)])
def test_a_cancelled_exchange_closes_its_connection_at_once(waiting: Behaviour) -> None:
    with serving(waiting) as server:
        async def main() -> None:
            http = ThreadedHttp({})

            async def talk() -> None:
                request = HttpRequest("GET", server.url, idle_seconds=1000, most_bytes=1 << 50)
                async with http.exchange(request) as response:
                    while await response.read():
                        pass

            count = len(server.lines)
            task = asyncio.create_task(talk())
            while len(server.lines) == count:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)  # so that it is in the midst
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.lines[-1].left.wait(60), "it would be given up by itself after much longer"
            assert http.abandoned() == []

        asyncio.run(main())


def test_a_connection_that_is_not_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hangs.wait(100) and [])

    async def main() -> None:
        http = ThreadedHttp({})
        with pytest.raises(HttpError, match=r"cannot be reached: no answer in 0\.1s"):
            async with http.exchange(HttpRequest("GET", "http://slow.example", connect_seconds=0.1)):
                pass
        assert http.abandoned() == ["looking up slow.example:80"]

        hangs.set()
        while http.abandoned():
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_nobody_there_and_unknown_names_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf, pytest.raises(HttpError, match="cannot be reached: connection refused") as refused:
        deaf.bind(("127.0.0.1", 0))  # so that nobody else gets the port; it does not listen
        ask(f"http://127.0.0.1:{deaf.getsockname()[1]}")
    assert refused.value.retryable

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HttpError, match=r"no address is known for host 'modell\.example'") as misspelt:
        ask("http://modell.example")
    assert not misspelt.value.retryable


def secure_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_is_trusted_where_a_variable_names_its_authority(variable: str) -> None:
    with serving(says("secret"), tls=secure_server()) as server:
        assert ask(server.url, {variable: str(CERTIFICATE)}) == (200, b"secret")
        with pytest.raises(HttpError, match=r"certificate of '.*' is not trusted") as caught:
            ask(server.url)
        assert not caught.value.retryable


def test_a_stream_that_is_cancelled_over_tls_ends_too() -> None:
    with serving(stalls(head(Content_Length="9"), b"four"), tls=secure_server()) as server:
        async def main() -> None:
            http = ThreadedHttp({"SSL_CERT_FILE": str(CERTIFICATE)})
            async with http.exchange(HttpRequest("GET", server.url)) as response:
                assert await response.read() == b"four"
            assert server.lines[0].left.wait(60)

        asyncio.run(main())


def test_plain_http_where_tls_is_spoken_and_the_reverse() -> None:
    with serving(says("x")) as server, pytest.raises(HttpError, match="no encrypted connection"):
        ask(server.url.replace("http:", "https:"))
    with pytest.raises(HttpError, match="authorities in '/none' cannot be read"):
        ask("https://127.0.0.1:1", {"SSL_CERT_FILE": "/none"})


def test_a_proxy_gets_the_whole_address_and_its_credentials() -> None:
    with serving(says("via")) as proxy:
        environment = {"HTTP_PROXY": f"http://me:p%40ss@{proxy.place}"}
        assert ask("http://far.example/x?y", environment) == (200, b"via")
        asked = proxy.asked[0]
        assert (asked.target, asked.headers["host"]) == ("http://far.example/x?y", "far.example")
        assert asked.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()


def test_a_proxy_gives_a_way_through_for_tls() -> None:
    with serving(says("inside"), tls=secure_server()) as server:
        def tunnel(line: Line, asked: Asked) -> None:
            assert (asked.method, asked.target) == ("CONNECT", server.place)
            assert KEY not in str(asked)
            with socket.create_connection(("127.0.0.1", server.port)) as far:
                line.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=_copy, args=(line._stream, far), daemon=True).start()
                _copy(far, line._stream)

        with serving(tunnel) as proxy:
            environment = {"https_proxy": proxy.url, "SSL_CERT_FILE": str(CERTIFICATE)}
            assert ask(server.url, environment, headers=(("X-Key", KEY),)) == (200, b"inside")
    with serving(says("no", 403)) as proxy, pytest.raises(HttpError, match=r"gives no way to 'far\.example:443': status 403"):
        ask("https://far.example", {"https_proxy": proxy.url})


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_no_message_holds_a_key() -> None:
    for broken in (f"{KEY}\n", f"{KEY}ключ"):
        with serving(says("x")) as server, pytest.raises(HttpError) as caught:
            ask(server.url, headers=(("Authorization", broken),))
        assert caught.value.code == "http-bad-url"
        error: BaseException | None = caught.value
        while error is not None:
            assert KEY not in f"{error}"
            error = error.__cause__
    for url in (f"http://u:{KEY}@h/", f"http://h:{KEY}/", f"ftp://{KEY}", f"http://h/ {KEY}"):
        with pytest.raises(HttpError) as caught:
            ask(url)
        assert KEY not in caught.value.message
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_two_hundred_exchanges_run_at_once() -> None:
    together = threading.Barrier(200)

    def behave(line: Line, asked: Asked) -> None:
        together.wait(100)  # no answer before all have asked
        says(asked.target)(line, asked)

    with serving(behave) as server:
        async def one(http: ThreadedHttp, number: int) -> bytes:
            async with http.exchange(HttpRequest("GET", f"{server.url}/{number}")) as response:
                return await read_whole(response, 100)

        async def main() -> list[bytes]:
            http = ThreadedHttp({})
            return await asyncio.gather(*(one(http, number) for number in range(200)))

        assert asyncio.run(main()) == [f"/{number}".encode() for number in range(200)]


def test_a_chunked_answer_may_be_empty() -> None:
    with serving(streams()) as server:
        assert ask(server.url) == (200, b"")
