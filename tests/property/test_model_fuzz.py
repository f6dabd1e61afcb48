"""Answers of providers with bytes changed, cut, doubled and mixed: an Answer or a ModelError comes out, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from oe.llm.anthropic import Anthropic
from oe.llm.openai import OpenAI
from oe.llm.wire import Place
from oe.net.memory_http import MemoryHttp, Reply
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelProvider, ModelSettings, Unwatched, Usage
from oe.redact import Redactor
from oe.values import compact
from tests.support.faulty_server import chunk, head, raw, serving
from tests.support.jump_loop import run
from tests.support.model_server import anthropic_events, openai_chunks, sse

CALL = ModelCall("ask", ModelSettings("p", "m"), (Message("user", "hi"),))
ODD = [b"", b"\n", b"\r\n\r\n", b"null", b"[]", b"{}", b"1e999", b"-1", b'"', b"\\ud83d", b"\xff", b"\x00", b"data: ",
       b"[" * 5000, b"9" * 5000, b"true", b"NaN", b'"choices":7', b'"index":"x"', b'"usage":[]', b'"delta":null', b'"error":{}']


def mutated(data: bytes, dice: random.Random) -> bytes:
    pieces = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        start = dice.randrange(len(pieces) + 1)
        end = min(len(pieces), start + dice.choice([0, 1, 3, 20, 200]))
        pieces[start:end] = dice.choice([*ODD, pieces[start:end] * 2, bytes(dice.randbytes(4))])
    return bytes(pieces)


def whole(make: Callable[[Place], ModelProvider], *, as_tool: bool) -> bytes:
    answer = Answer('{"n": 1, "t": "grüße"}', usage=Usage(5, 6, 1, 1))
    if make is Anthropic:
        return b"".join(sse(anthropic_events(answer, as_tool=as_tool)))
    return b"".join(sse(openai_chunks(answer, as_tool=as_tool), named=False)) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("make", [Anthropic, OpenAI])
@pytest.mark.parametrize("as_tool", [False, True])
@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_a_body(make: Callable[[Place], ModelProvider], as_tool: bool, content_type: str) -> None:
    ends = {"answer": 0, "error": 0}
    for seed in range(1500):
        dice = random.Random(seed)
        body = mutated(whole(make, as_tool=as_tool), dice)
        if content_type == "application/json":
            body = mutated(json.dumps({"id": 1, "choices": [{"message": {"content": "x", "tool_calls": []}}], "content": [
                {"type": "tool_use", "input": {"n": 1.5}}], "usage": {"input_tokens": 1}}).encode(), dice)
        cut = dice.randrange(len(body) + 1)
        status = dice.choice([200] * 9 + [400, 429, 500])
        http = MemoryHttp([Reply(status, [piece for piece in (body[:cut], body[cut:]) if piece], {"Content-Type": content_type})])
        try:
            answer = run(make(Place(http, "http://h", lambda: 0.0, Redactor(), "k-4711")).answer(CALL, Unwatched()))
        except ModelError as error:
            ends["error"] += 1
            assert error.message.isprintable()
        else:
            ends["answer"] += 1
            answer.text.encode()
            compact([answer.text, answer.stop, answer.model, answer.request_id, *(answer.usage or ())])
    assert min(ends.values()) > 20, "both ends are reached"


def test_bytes_on_a_real_connection() -> None:
    import asyncio

    from oe.net.http_client import ThreadedHttp

    data = head(200, Transfer_Encoding="chunked", Content_Type="text/event-stream") + chunk(whole(OpenAI, as_tool=False)) + b"0\r\n\r\n"

    async def ask(url: str) -> None:
        call = CALL._replace(settings=CALL.settings._replace(idle_timeout_seconds=2))
        await OpenAI(Place(ThreadedHttp({}), url, lambda: 0.0, Redactor(), "k-4711")).answer(call, Unwatched())

    ends = 0
    for seed in range(300):
        with serving(raw(mutated(data, random.Random(seed)))) as server:
            try:
                asyncio.run(ask(server.url))
            except ModelError:
                ends += 1
    assert 50 < ends < 300
