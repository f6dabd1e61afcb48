"""What goes out to providers and what is made of what comes back, on samples that real servers sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oe.lang.scope import MISSING
from oe.llm import anthropic, openai
from oe.llm.anthropic_reader import AnthropicReader
from oe.llm.forms import is_strict
from oe.llm.openai_reader import OpenAIReader
from oe.llm.sse import EventReader
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelSettings, Usage
from oe.values import JsonObject

STRICT: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                      "additionalProperties": False}
LOOSE: JsonObject = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}


def call(**changes: Any) -> ModelCall:
    settings = ModelSettings("p", "m-1", max_tokens=100, temperature=changes.pop("temperature", None))
    return ModelCall("ask", settings, (Message("user", "hi"),))._replace(**changes)


def read(reader: AnthropicReader | OpenAIReader, stream: str) -> tuple[Answer, str]:
    events = EventReader().feed(stream.encode())
    told = "".join(reader.take(event) for event in events)
    assert reader.is_whole
    return reader.answer(), told


def test_anthropic_plain_body() -> None:
    assert anthropic.request_body(call(system="be brief"), "words") == {
        "model": "m-1", "max_tokens": 100, "stream": True, "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}]}


def test_sampling_is_sent_only_where_it_was_chosen() -> None:
    assert "temperature" not in anthropic.request_body(call(), "words")
    assert "temperature" not in openai.request_body(call(), "words", "max_tokens", True)
    assert anthropic.request_body(call(temperature=0.0), "words")["temperature"] == 0.0
    assert openai.request_body(call(temperature=0.0), "words", "max_tokens", True)["temperature"] == 0.0


def test_anthropic_forms() -> None:
    body = anthropic.request_body(call(schema=STRICT), "strict tool")
    assert body["tools"] == [{"name": "answer", "description": "Gives the answer.", "input_schema": STRICT, "strict": True}]
    assert body["tool_choice"] == {"type": "tool", "name": "answer", "disable_parallel_tool_use": True}
    assert "strict" not in str(anthropic.request_body(call(schema=STRICT), "tool"))
    assert anthropic.request_body(call(schema=STRICT), "format")["output_config"] == {
        "format": {"type": "json_schema", "schema": STRICT}}
    in_words = anthropic.request_body(call(schema=STRICT, system="be brief"), "words")
    assert str(in_words["system"]).startswith("be brief\n\nAnswer with one JSON object") and "tools" not in in_words


def test_a_long_prefix_that_others_share_is_marked_for_the_cache() -> None:
    long = "x" * 4000
    mark = {"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}
    assert anthropic.request_body(call(system=long, shares_prefix=True), "words")["system"] == [mark]
    assert anthropic.request_body(call(system=long), "words")["system"] == long
    assert anthropic.request_body(call(system="short", shares_prefix=True), "words")["system"] == "short"


def test_openai_bodies() -> None:
    assert openai.request_body(call(system="be brief"), "words", "max_completion_tokens", True) == {
        "model": "m-1", "max_completion_tokens": 100, "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]}
    body = openai.request_body(call(schema=STRICT), "json_schema", "max_tokens", False)
    assert body["response_format"] == {"type": "json_schema", "json_schema": {
        "name": "answer", "schema": STRICT, "strict": True}}
    assert "stream_options" not in body
    loose = openai.request_body(call(schema=LOOSE), "json_schema", "max_tokens", True)
    assert loose["response_format"]["json_schema"]["strict"] is False  # type: ignore[index, call-overload]
    tool = openai.request_body(call(schema=LOOSE), "tool", "max_tokens", True)
    assert tool["tool_choice"] == {"type": "function", "function": {"name": "answer"}}
    assert tool["parallel_tool_calls"] is False
    assert openai.request_body(call(schema=LOOSE), "json_object", "max_tokens", True)["messages"][0]["role"] == "system"  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("schema", "strict"), [
    (STRICT, True), (LOOSE, False), ({"type": "object"}, False), (True, False), ({"type": "string"}, False),
    ({**STRICT, "required": []}, False), ({**STRICT, "additionalProperties": True}, False),
    ({**STRICT, "properties": {"n": {"type": "array", "items": STRICT}}}, True),
    ({**STRICT, "properties": {"n": {"type": "array", "items": LOOSE}}}, False),
    ({**STRICT, "properties": {"n": {"anyOf": [{"type": "null"}, STRICT]}}}, True),
    ({**STRICT, "properties": {"n": {"$ref": "#/$defs/x"}}, "$defs": {"x": LOOSE}}, False),
])
def test_which_schemas_strict_modes_take(schema: Any, strict: bool) -> None:
    assert is_strict(schema) is strict


ANTHROPIC_HEAD = ('event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
                  '"role":"assistant","model":"claude-x","content":[],"usage":{"input_tokens":25,"output_tokens":1,'
                  '"cache_read_input_tokens":4,"cache_creation_input_tokens":2}}}\n\n')
ANTHROPIC_END = ('data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},'
                 '"usage":{"output_tokens":51}}\n\ndata: {"type":"message_stop"}\n\n')


@pytest.mark.parametrize("start", [
    '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"DbMq","name":"f"}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_gP","name":"f","input":{}}}',
    '{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "call_", "name": "f", "input": {}}}',
])
def test_three_servers_spellings_of_one_tool_call(start: str) -> None:
    answer, told = read(AnthropicReader(), ANTHROPIC_HEAD + f"data: {start}\n\n" + "".join(
        f'data: {{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":{json.dumps(piece)}}}}}\n\n'
        for piece in '{"n": 4') + 'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",'
        '"partial_json":"2}"}}\n\n' + ANTHROPIC_END)
    assert answer == Answer('{"n": 42}', {"n": 42}, "end", Usage(25, 51, 4, 2), "claude-x", "msg_1")
    assert told == '{"n": 42}'


def test_thinking_pings_and_unknown_events_are_passed_over() -> None:
    answer, told = read(AnthropicReader(), ANTHROPIC_HEAD + "".join(f"data: {json.dumps(event)}\n\n" for event in [
        {"type": "ping"}, {"type": "unheard_of", "x": 1},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "yes"}}]) + ANTHROPIC_END)
    assert (answer.text, told, answer.value) == ("yes", "yes", MISSING)


@pytest.mark.parametrize(("reason", "stop"), [
    ("end_turn", "end"), ("stop_sequence", "end"), ("max_tokens", "max_tokens"), ("refusal", "refusal"),
    ("model_context_window_exceeded", "max_tokens"), ("pause_turn", "other"), (None, "other")])
def test_anthropic_stop_reasons(reason: str | None, stop: str) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}}
    answer, _ = read(AnthropicReader(), ANTHROPIC_HEAD + f"data: {json.dumps(end)}\n\n" + 'data: {"type":"message_stop"}\n\n')
    assert answer.stop == stop


def test_what_is_cut_behind_a_whole_object_does_not_count() -> None:
    answer, _ = read(AnthropicReader(), ANTHROPIC_HEAD + "".join(f"data: {json.dumps(event)}\n\n" for event in [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "answer", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"n": 1}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "answer", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"n'}}])
        + ANTHROPIC_END.replace("tool_use", "max_tokens"))
    assert (answer.text, answer.value, answer.stop) == ('{"n": 1}', {"n": 1}, "end")


def test_counts_that_come_only_at_the_end() -> None:
    head = ANTHROPIC_HEAD.replace('"input_tokens":25', '"input_tokens":0')
    end = ANTHROPIC_END.replace('"output_tokens":51', '"input_tokens":30,"output_tokens":51')
    assert read(AnthropicReader(), head + end)[0].usage == Usage(30, 51, 4, 2)


LLAMA_CHAT = """data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"id":"c-1","model":"tiny"}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hello"}}],"id":"c-1","model":"tiny"}

data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"id":"c-1","model":"tiny"}

data: {"choices":[],"usage":{"completion_tokens":3,"prompt_tokens":22,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":9}}}

data: [DONE]

"""


def test_llama_cpp_chat() -> None:
    answer, told = read(OpenAIReader(), LLAMA_CHAT)
    assert answer == Answer("Hello", MISSING, "max_tokens", Usage(13, 3, 9), "tiny", "c-1")
    assert told == "Hello"


@pytest.mark.parametrize("first", ["{", ""])
def test_a_function_call_in_two_servers_pieces(first: str) -> None:
    rest = '{"city":"Oslo"}'.removeprefix(first)
    calls = [{"index": 0, "id": "x", "type": "function", "function": {"name": "answer", "arguments": first}},
             *({"index": 0, "function": {"arguments": piece}} for piece in rest)]
    stream = "".join(f"data: {json.dumps({'choices': [{'delta': {'tool_calls': [each]}}]})}\n\n" for each in calls)
    stream += 'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
    answer, told = read(OpenAIReader(), stream)
    assert (answer.text, answer.value, answer.stop, told) == ('{"city":"Oslo"}', {"city": "Oslo"}, "end", '{"city":"Oslo"}')


def test_a_refusal_and_reasoning() -> None:
    stream = ('data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm","refusal":"I cannot"}}]}\n\n'
              'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    answer, _ = read(OpenAIReader(), stream)
    assert (answer.text, answer.stop, answer.usage) == ("I cannot", "refusal", None)


def test_a_server_without_end_mark_has_told_all_once_it_told_the_reason() -> None:
    assert read(OpenAIReader(), 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n')[0].text == "a"
    reader = OpenAIReader()
    reader.take(EventReader().feed(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')[0])
    assert not reader.is_whole


def test_numbers_that_are_not_finite_are_no_value() -> None:
    calls = [{"index": 0, "function": {"arguments": '{"n": 1e999}'}}]
    stream = f"data: {json.dumps({'choices': [{'delta': {'tool_calls': calls}, 'finish_reason': 'tool_calls'}]})}\n\n"
    answer, _ = read(OpenAIReader(), stream)
    assert (answer.text, answer.value) == ('{"n": 1e999}', MISSING)


def test_halves_of_characters_are_joined_or_replaced() -> None:
    stream = ('data: {"choices":[{"delta":{"content":"a\\ud83e\\udd8a"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ud83e"},'
              '"finish_reason":"stop"}]}\n\n')
    assert read(OpenAIReader(), stream)[0].text == "a\U0001f98a\ufffd"


@pytest.mark.parametrize(("told", "code"), [
    ('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "model-busy"),
    ('{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}', "model-busy"),
    ('{"type":"error","error":{"type":"api_error","message":"oops"}}', "model-failed"),
    ('{"type":"error","error":{"type":"authentication_error","message":"no"}}', "model-denied"),
    ('{"type":"error","error":{"type":"invalid_request_error","message":"no"}}', "model-request"),
    ('{"error":{"message":"upstream died","type":"server_error","code":null}}', "model-failed"),
    ('{"error":{"message":"x","type":"exceed_context_size_error","code":400}}', "model-context"),
    ('{"error":"just a text"}', "model-failed"),
])
@pytest.mark.parametrize("reader", [AnthropicReader, OpenAIReader])
def test_an_error_in_the_midst(reader: type[AnthropicReader] | type[OpenAIReader], told: str, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        read(reader(), f"data: {told}\n\n")
    assert caught.value.code == code


def test_answers_that_are_not_streamed() -> None:
    reader = AnthropicReader()
    assert reader.take_whole({"id": "m", "model": "c", "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 2},
                              "content": [{"type": "text", "text": "so"}, {"type": "tool_use", "name": "answer", "input": {"n": 1}}]})
    assert reader.answer() == Answer('{"n":1}', {"n": 1}, "end", Usage(1, 2), "c", "m")
    other = OpenAIReader()
    assert other.take_whole({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}) == "hi"
    assert other.answer().text == "hi"
