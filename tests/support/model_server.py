"""What Anthropic's and OpenAI's servers say, made from an Answer: as streams and as the behaviour of a FaultyServer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from oe.lang.scope import MISSING
from oe.ports.model import Answer, ModelError, Usage
from tests.support.faulty_server import Asked, Behaviour, Line, says, streams

Script = Callable[[str], str | Answer | ModelError]
"""What is answered to the last message of the user."""

_ANTHROPIC_STOPS = {"end": "end_turn", "max_tokens": "max_tokens", "refusal": "refusal", "other": "pause_turn"}
_OPENAI_STOPS = {"end": "stop", "max_tokens": "length", "refusal": "content_filter", "other": "unheard_of"}


def sse(events: Iterator[dict[str, Any]], *, named: bool = True) -> list[bytes]:
    """The events as a stream's pieces."""
    return [((f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n").encode() for event in events]


def anthropic_events(answer: Answer, *, as_tool: bool = False) -> Iterator[dict[str, Any]]:
    """The events of a streamed message."""
    usage = answer.usage or Usage()
    yield {"type": "message_start", "message": {
        "id": answer.request_id or "msg_1", "type": "message", "role": "assistant", "model": answer.model or "m",
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": {
            "input_tokens": usage.input_tokens, "output_tokens": 1, "cache_read_input_tokens": usage.cache_read_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens}}}
    yield {"type": "ping"}
    tool = {"type": "tool_use", "id": "toolu_1", "name": "answer", "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": tool if as_tool else {"type": "text", "text": ""}}
    for piece in _pieces(answer.text):
        delta = {"type": "input_json_delta", "partial_json": piece} if as_tool else {"type": "text_delta", "text": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    stop = "tool_use" if as_tool and answer.stop == "end" else _ANTHROPIC_STOPS[answer.stop]
    yield {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
           "usage": {"output_tokens": usage.output_tokens}}
    yield {"type": "message_stop"}


def openai_chunks(answer: Answer, *, as_tool: bool = False) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed completion, without the end mark."""
    def chunk(**rest: Any) -> dict[str, Any]:
        return {"id": answer.request_id or "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                "model": answer.model or "m", **rest}

    def choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}])

    yield choice({"role": "assistant", "content": None})
    if as_tool:
        yield choice({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                      "function": {"name": "answer", "arguments": ""}}]})
    for piece in _pieces(answer.text):
        yield choice({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if as_tool else {"content": piece})
    yield choice({}, "tool_calls" if as_tool and answer.stop == "end" else _OPENAI_STOPS[answer.stop])
    usage = answer.usage or Usage()
    yield chunk(choices=[], usage={
        "prompt_tokens": usage.all_input_tokens, "completion_tokens": usage.output_tokens,
        "total_tokens": usage.all_input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}})


def anthropic_behaviour(script: Script) -> Behaviour:
    """Answers as the Messages API does."""
    def behave(line: Line, asked: Asked) -> None:
        body = json.loads(asked.body)
        answer = _said(script(body["messages"][-1]["content"]))
        if isinstance(answer, ModelError):
            told = {"type": "error", "error": {"type": "api_error", "message": answer.message}}
            return says(json.dumps(told), answer.status or 500, Content_Type="application/json")(line, asked)
        events = anthropic_events(answer, as_tool="tools" in body)
        return streams(*sse(events), Request_Id=answer.request_id or "req_1")(line, asked)

    return behave


def openai_behaviour(script: Script) -> Behaviour:
    """Answers as chat completions do."""
    def behave(line: Line, asked: Asked) -> None:
        body = json.loads(asked.body)
        answer = _said(script(body["messages"][-1]["content"]))
        if isinstance(answer, ModelError):
            told = {"error": {"type": "server_error", "message": answer.message, "code": None, "param": None}}
            return says(json.dumps(told), answer.status or 500, Content_Type="application/json")(line, asked)
        chunks = sse(openai_chunks(answer, as_tool="tools" in body), named=False)
        return streams(*chunks, b"data: [DONE]\n\n", X_Request_Id=answer.request_id or "req_1")(line, asked)

    return behave


def _said(line: str | Answer | ModelError) -> Answer | ModelError:
    return Answer(line, MISSING, usage=Usage(3, 2)) if isinstance(line, str) else line


def _pieces(text: str) -> list[str]:
    return [text[place:place + 5] for place in range(0, len(text), 5)]
