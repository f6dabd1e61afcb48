"""Providers against a real server that misbehaves on purpose: each fault gives the stated error, and no message a key."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oe.llm.anthropic import Anthropic
from oe.llm.failures import retry_after
from oe.llm.openai import OpenAI
from oe.llm.wire import Place
from oe.net.http_client import ThreadedHttp
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelProvider, ModelSettings, Unwatched, Usage
from oe.redact import Redactor
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
from tests.support.model_server import anthropic_behaviour, anthropic_events, openai_behaviour, openai_chunks, sse

KEY = "sk-planted-secret-4711"
NOW = 1_800_000_000.0
CALL = ModelCall("ask", ModelSettings("p", "m-1", idle_timeout_seconds=100), (Message("user", "hi"),))
IMPATIENT = CALL._replace(settings=CALL.settings._replace(idle_timeout_seconds=0.2))
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
SSE = {"Content_Type": "text/event-stream"}


def place(url: str) -> Place:
    return Place(ThreadedHttp({}), url, lambda: NOW, Redactor(), KEY)


def ask(provider: ModelProvider, call: ModelCall = CALL) -> Answer:
    return asyncio.run(provider.answer(call, Unwatched()))


def error_of(make: Callable[[Place], ModelProvider], behaviour: Behaviour, call: ModelCall = CALL) -> ModelError:
    with serving(behaviour) as server, pytest.raises(ModelError) as caught:
        ask(make(place(server.url)), call)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r} {error} {getattr(error, 'hint', '')}"
        error = error.__cause__ or error.__context__
    return caught.value


BOTH = pytest.mark.parametrize("make", [Anthropic, OpenAI])


def told(message: str, kind: str = "x", code: Any = None) -> str:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message, "code": code}})


@BOTH
@pytest.mark.parametrize(("behaviour", "code", "again", "words"), [
    (says(told(f"Incorrect API key: {KEY}"), 401), "model-denied", False, "refuses the key (401): Incorrect API key: [redacted]"),
    (says(told("not yours"), 403), "model-denied", False, "refuses the key (403)"),
    (says(told("pay first", "billing_error"), 402), "model-denied", False, "402"),
    (says(told("quota", "insufficient_quota", "insufficient_quota"), 429), "model-denied", False, "429"),
    (says(told("no such model"), 404), "model-request", False, "refuses the request (404): no such model"),
    (says(told("Expected 'messages'", "invalid_request_error", 400), 400), "model-request", False, "Expected 'messages'"),
    (says(told("too many", "exceed_context_size_error", 400), 400), "model-context", False, "finds the prompt too long"),
    (says(told("prompt is too long: 300000 tokens > 200000"), 400), "model-context", False, "too long"),
    (says(told("x", "y", "context_length_exceeded"), 400), "model-context", False, "too long"),
    (says("", 408), "model-failed", True, "failed (408)"),
    (says("", 409), "model-failed", True, "failed (409)"),
    (says("", 425), "model-failed", True, "failed (425)"),
    (says(told("slow down"), 429), "model-busy", True, "is overloaded (429): slow down"),
    (says("<html>bad gateway</html>", 502), "model-failed", True, "failed (502)"),
    (says("upstream connect error", 503), "model-busy", True, "(503): upstream connect error"),
    (says(told("Overloaded", "overloaded_error"), 529), "model-busy", True, "(529): Overloaded"),
    (says(told("oops", "server_error"), 500), "model-failed", True, "failed (500): oops"),
    (says('{"detail": "Not Found"}', 404), "model-request", False, "(404): Not Found"),
    (says("", 307, Location="http://169.254.169.254/"), "model-request", False, "(307)"),
    (says("\x1b[31mred\x07" + "x" * 2000, 500), "model-failed", True, "\\x1b[31mred\\x07"),
    (raw(b""), "model-cut", True, "broke off before it began"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata: "), "model-cut", True, "before its declared end"),
    (streams("data: {}\n\n", end=b""), "model-cut", True, "broke off"),
    (streams(), "model-cut", True, "broke off before its end mark"),
    (streams(": ping\n\n", b"data: {\"type\":"), "model-cut", True, "broke off before its end mark"),
    (streams("data: {malformed json: <<<chaos>>>\n\n"), "model-garbled", True, "an event is no JSON"),
    (streams("data: [1, 2]\n\n"), "model-garbled", True, "an event is no JSON object"),
    (streams("data: " + "[" * 100_000 + "\n\n"), "model-garbled", True, "an event is no JSON"),
    (says("{malformed", Content_Type="application/json"), "model-garbled", True, "the answer is no JSON"),
    (says(told("late"), Content_Type="application/json"), "model-failed", True, "failed (within its answer): late"),
    (streams("event: error\ndata: " + told("Overloaded", "overloaded_error") + "\n\n"), "model-busy", True, "Overloaded"),
    (stalls(), "model-silent", True, "timeout: "),
    (stalls(head(Transfer_Encoding="chunked", **SSE) + chunk(b": x\n\n")), "model-silent", True, "was silent for 0.2s"),
    (raw(b"nonsense\r\n\r\n"), "model-garbled", True, "does not answer in HTTP"),
])
def test_a_fault_gives_the_stated_error(make: Callable[[Place], ModelProvider], behaviour: Behaviour, code: str,
                                        again: bool, words: str) -> None:
    error = error_of(make, behaviour, IMPATIENT if code == "model-silent" else CALL)
    assert (error.code, error.retryable) == (code, again)
    assert words in error.message
    assert len(error.message) < 700


@BOTH
@pytest.mark.parametrize(("body", "content_type", "words"), [
    ("<!doctype html><title>Welcome, planted</title>", "text/html; charset=utf-8", "it sends 'text/html', no events and no JSON"),
    ("<html>planted</html>", "application/json", "it sends 'application/json'"),
    ("\n <html>planted</html>", "text/event-stream", "it sends 'text/event-stream'"),
    ("planted: all is well", "text/plain", "it sends 'text/plain'"),
    ("planted", "", "it sends something without a type"),
    ("planted", "text/x\x1b[31m" + "y" * 200, "it sends 'text/x"),
])
def test_an_address_that_is_no_model_s_is_told_and_not_asked_again(make: Callable[[Place], ModelProvider], body: str,
                                                                  content_type: str, words: str) -> None:
    error = error_of(make, says(body, **({"Content_Type": content_type} if content_type else {})))
    assert (error.code, error.retryable) == ("model-garbled", False)
    assert words in error.message and "planted" not in str(error) and "\x1b" not in error.message
    assert len(error.message) < 200
    assert "check base_url: for 'openai' it ends in /v1" in str(error.hint)


@BOTH
def test_a_server_may_name_the_wrong_type(make: Callable[[Place], ModelProvider]) -> None:
    answer = Answer("fine", usage=Usage(1, 1))
    lines = [json.dumps(event) for event in (anthropic_events if make is Anthropic else openai_chunks)(answer)]
    events = "".join(f"data: {line}\n\n" for line in lines) + ("data: [DONE]\n\n" if make is OpenAI else "")
    whole = {"type": "message", "content": [{"type": "text", "text": "fine"}], "stop_reason": "end_turn"} if make is Anthropic \
        else {"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}
    for body, content_type in ((events, "text/plain"), ("\n" + events, "application/octet-stream"),
                               (json.dumps(whole), "text/plain"), (json.dumps(whole), "text/event-stream")):
        with serving(says(body, Content_Type=content_type)) as server:
            assert ask(make(place(server.url))).text == "fine"


@BOTH
def test_an_error_does_not_quote_the_prompt(make: Callable[[Place], ModelProvider]) -> None:
    asked = CALL._replace(messages=(Message("user", "the planted diary of\nsomebody"),), system="planted standing orders")
    message = "bad content at 'the planted diary of somebody' and 'planted standing orders', 3 tokens"
    with serving(says(told(message), 400)) as server, pytest.raises(ModelError) as caught:
        ask(make(place(server.url)), asked)
    assert "refuses the request (400): bad content at '…' and '…', 3 tokens" in caught.value.message


@BOTH
def test_an_endless_answer_is_given_up(make: Callable[[Place], ModelProvider], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oe.llm.wire._MOST_ANSWER_BYTES", 100_000)
    assert error_of(make, endless(head(**SSE), b": ping\n\n" * 1000)).code == "model-garbled"
    monkeypatch.setattr("oe.llm.wire._MOST_ANSWER_BYTES", 10_000_000)
    monkeypatch.setattr("oe.llm.sse.MOST_CHARACTERS", 10_000)
    assert "an event without end" in error_of(make, endless(head(**SSE), b"data: x\n" * 1000)).message
    assert error_of(make, says("x" * 1_000_000, 500)).code == "model-failed"


@BOTH
def test_half_a_character_at_a_cut_is_whole_in_the_end(make: Callable[[Place], ModelProvider]) -> None:
    answer = Answer("🦊 grüßt", usage=Usage(1, 1))
    events = anthropic_events(answer) if make is Anthropic else openai_chunks(answer)
    lines = [json.dumps(event, ensure_ascii=False) for event in events] + (["[DONE]"] if make is OpenAI else [])
    data = "".join(f"data: {line}\n\n" for line in lines).encode()
    with serving(streams(*(data[at:at + 1] for at in range(len(data))))) as server:
        assert ask(make(place(server.url))).text == answer.text


@BOTH
def test_a_failed_call_says_what_it_cost_as_far_as_is_known(make: Callable[[Place], ModelProvider]) -> None:
    answer = Answer("a long text", usage=Usage(25, 9, 4, 2))
    if make is Anthropic:
        assert error_of(make, streams(*sse(anthropic_events(answer))[:3])).usage == Usage(25, 1, 4, 2)
        estimated = error_of(make, streams(*sse(anthropic_events(answer))[:5])).usage
        assert estimated == Usage(25, 4, 4, 2), "ten bytes came, three of which make a token"
    else:
        assert error_of(make, streams(*sse(openai_chunks(answer), named=False)[:3])).usage is None


@BOTH
def test_a_server_that_is_not_there(make: Callable[[Place], ModelProvider]) -> None:
    with socket.socket() as deaf, pytest.raises(ModelError) as caught:
        deaf.bind(("127.0.0.1", 0))  # so that nobody else gets the port; it does not listen
        ask(make(place(f"http://127.0.0.1:{deaf.getsockname()[1]}")))
    assert (caught.value.code, caught.value.retryable) == ("model-unreachable", True)


def test_an_address_that_is_none_is_no_reason_to_try_again() -> None:
    with pytest.raises(ModelError) as caught:
        ask(OpenAI(place("ftp://x")))
    assert (caught.value.code, caught.value.retryable) == ("model-request", False)


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after": "1.5"}, 1.5), ({"retry-after": "0"}, 0.0),
    ({"retry-after": "-3"}, 0.0), ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
    ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0), ({"retry-after": "soon"}, None), ({"retry-after": ""}, None),
    ({"retry-after": "nan"}, None), ({"retry-after": "inf"}, None), ({"retry-after": "9" * 400}, None),
    ({"retry-after-ms": "250", "retry-after": "7"}, 0.25), ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
    ({"retry-after": "Fri, 99 Jan 99999 08:00:30 GMT"}, None),
])
def test_both_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@BOTH
def test_retry_after_comes_with_the_error(make: Callable[[Place], ModelProvider]) -> None:
    assert error_of(make, says("", 429, Retry_After="12")).retry_after_seconds == 12.0
    assert error_of(make, says("", 503, Retry_After="Fri, 15 Jan 2027 08:00:09 GMT")).retry_after_seconds == 9.0


def refusing(answers: Behaviour, *refusals: tuple[str, int, str]) -> Behaviour:
    """Refuses bodies that hold a key (at any depth), with a status and a message."""
    def behave(line: Line, asked: Asked) -> None:
        for part, status, message in refusals:
            if f'"{part}"' in asked.body.decode():
                return says(told(message), status, Content_Type="application/json")(line, asked)
        return answers(line, asked)

    return behave


@pytest.fixture
def structured() -> ModelCall:
    return CALL._replace(schema=SCHEMA)


@pytest.mark.parametrize(("make", "answers", "refusals", "parts"), [
    (OpenAI, openai_behaviour, [], ["json_schema"]),
    (OpenAI, openai_behaviour, [("json_schema", 500, "response_format.type: Input should be 'text'")], ["json_schema", "tools"]),
    (OpenAI, openai_behaviour, [("json_schema", 400, "json_schema is not supported"), ("tools", 400, "no tools here")],
     ["json_schema", "tools", "json_object"]),
    (OpenAI, openai_behaviour, [("response_format", 422, "unknown: response_format"), ("tools", 400, "no tools here")],
     ["json_schema", "tools", "json_object", "JSON Schema"]),
    (Anthropic, anthropic_behaviour, [], ["strict"]),
    (Anthropic, anthropic_behaviour, [("strict", 400, "tools.0.strict: unknown"), ("output_config", 400, "output_config: unknown")],
     ["strict", "output_config", "tools"]),
    (Anthropic, anthropic_behaviour, [("tool_choice", 400, "Thinking may not be enabled when tool_choice forces tool use")],
     ["strict", "output_config"]),
])
def test_what_a_server_lacks_is_found_out_once(make: Callable[[Place], ModelProvider], answers: Any, structured: ModelCall,
                                               refusals: list[tuple[str, int, str]], parts: list[str]) -> None:
    with serving(refusing(answers(lambda _: '{"n": 4}'), *refusals)) as server:
        provider = make(place(server.url))

        async def main() -> list[Answer]:
            together = await asyncio.gather(*(provider.answer(structured, Unwatched()) for _ in range(20)))
            return [*together, await provider.answer(structured, Unwatched())]

        assert {answer.text for answer in asyncio.run(main())} == {'{"n": 4}'}
        bodies = [asked.body.decode() for asked in server.asked]
    assert len(bodies) == 21 + len(parts) - 1, "twenty calls together find it out once"
    assert all(part in body for part, body in zip(parts, bodies, strict=False))
    assert all(parts[-1] in body for body in bodies[len(parts):])


def test_a_refusal_that_is_not_about_the_form_is_the_answer(structured: ModelCall) -> None:
    with serving(says(told("messages: roles must alternate"), 400)) as server:
        provider = OpenAI(place(server.url))
        for _ in range(2):
            with pytest.raises(ModelError, match="roles must alternate"):
                ask(provider, structured)
        assert len(server.asked) == 2


@pytest.mark.parametrize(("refusals", "bodies"), [
    ([("max_tokens", 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")], 2),
    ([("stream_options", 422, "extra_forbidden ('body', 'stream_options')")], 2),
    ([("max_tokens", 400, "'max_tokens'"), ("stream_options", 400, "'stream_options'")], 3),
])
def test_options_that_a_server_does_not_know_are_left_out_from_then_on(refusals: list[tuple[str, int, str]], bodies: int) -> None:
    with serving(refusing(openai_behaviour(lambda _: "ok"), *refusals)) as server:
        provider = OpenAI(place(server.url))
        assert [ask(provider).text for _ in range(3)] == ["ok"] * 3
        assert len(server.asked) == bodies + 2


def test_both_names_of_the_limit_refused() -> None:
    refusals = [("max_tokens", 400, "'max_tokens' is unknown"), ("max_completion_tokens", 400, "'max_completion_tokens' is unknown")]
    with serving(refusing(openai_behaviour(lambda _: "ok"), *refusals)) as server:
        for _ in range(2):
            with pytest.raises(ModelError, match="is unknown"):
                ask(OpenAI(place(server.url)))
        assert len(server.asked) == 4


@pytest.fixture
def headers_sent() -> Iterator[Callable[..., dict[str, str]]]:
    def sent(make: Callable[[Place], ModelProvider], **changes: Any) -> dict[str, str]:
        behaviour = anthropic_behaviour if make is Anthropic else openai_behaviour
        with serving(behaviour(lambda _: "ok")) as server:
            ask(make(place(server.url)._replace(**changes)))
            return server.asked[0].headers

    yield sent


def test_keys_and_versions_go_into_the_headers_that_each_provider_wants(headers_sent: Callable[..., dict[str, str]]) -> None:
    plain = headers_sent(Anthropic)
    assert (plain["x-api-key"], plain["anthropic-version"], "authorization" in plain) == (KEY, "2023-06-01", False)
    newer = headers_sent(Anthropic, api_version="2026-10-21")
    assert (newer["authorization"], newer["anthropic-version"]) == (f"Bearer {KEY}", "2026-10-21")
    assert headers_sent(Anthropic, is_token=True)["authorization"] == f"Bearer {KEY}"
    assert headers_sent(OpenAI)["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in headers_sent(OpenAI, key=None)


def test_a_key_that_is_needed_and_not_set_is_said_before_anything_is_sent() -> None:
    with serving(says("x")) as server:
        with pytest.raises(ModelError, match="'openai' needs a key, and OPENAI_API_KEY is not set") as caught:
            ask(OpenAI(place(server.url)._replace(key=None, wants="OPENAI_API_KEY")))
        assert caught.value.code == "model-denied" and not server.asked
