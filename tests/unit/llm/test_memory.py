"""The twins in memory keep the contracts that the kinds are tested against."""

from __future__ import annotations

import asyncio

import pytest

from oe.llm.memory import MemoryModel, MemoryModels
from oe.net.memory_http import MemoryHttp, Reply
from oe.ports.http import HttpError, HttpRequest, read_whole
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelSettings, Unwatched
from tests.support.jump_loop import run

SETTINGS = ModelSettings("memory", "m-1")
CALL = ModelCall("review", SETTINGS, (Message("user", "hi"),))


class _Listener(Unwatched):
    def __init__(self) -> None:
        self.heard = ""

    def text(self, piece: str) -> None:
        self.heard += piece


def test_a_model_says_its_lines_in_order_and_tells_every_piece() -> None:
    model = MemoryModel(["  one\ntwo two ", ModelError("model-busy", "later"), Answer("last")])

    async def main() -> None:
        listener = _Listener()
        assert (await model.answer(CALL, listener)).text == listener.heard == "  one\ntwo two "
        with pytest.raises(ModelError, match="later"):
            await model.answer(CALL, listener)
        assert [(await model.answer(CALL, Unwatched())).text for _ in range(2)] == ["last", "last"]

    run(main())
    assert model.calls == [CALL] * 4


def test_settings_take_what_is_wanted_and_leave_what_they_do_not_know() -> None:
    settings = MemoryModels().settings({"model": "x", "temperature": 0, "prompt": "no"})
    assert (settings.provider, settings.model, settings.temperature) == ("memory", "x", 0)


def test_whether_a_failure_lasts_depends_on_its_kind() -> None:
    assert ModelError("model-busy", "x").retryable
    assert not ModelError("model-denied", "x").retryable
    assert ModelError("model-silent", "x").name == "TimeoutError"


def test_an_answer_is_read_in_pieces_and_broken_off_where_the_script_says() -> None:
    cut = HttpError("http-cut", "gone")
    http = MemoryHttp([Reply(200, [b"ab", b"cd"], {"X-Id": "7"}), Reply(200, [b"ab", cut]), cut])

    async def main() -> None:
        request = HttpRequest("GET", "http://h/")
        async with http.exchange(request) as response:
            assert (response.headers["x-id"], await read_whole(response, 3)) == ("7", b"abc")
        async with http.exchange(request) as response:
            assert await response.read() == b"ab"
            with pytest.raises(HttpError, match="gone"):
                await response.read()
        with pytest.raises(HttpError, match="gone"):
            async with http.exchange(request):
                pass
        with pytest.raises(HttpError, match="larger"):
            async with MemoryHttp([Reply(200, [b"abc"])]).exchange(request._replace(most_bytes=2)) as response:
                await response.read()

    run(main())


def test_an_exchange_that_is_cancelled_is_left() -> None:
    http = MemoryHttp([Reply(200, [b"x"], seconds=60)])

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), http.exchange(HttpRequest("GET", "http://h/")) as response:
                await response.read()
        assert http.open == 0

    run(main())
