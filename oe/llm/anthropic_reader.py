"""Puts together an answer of the Messages API, streamed or not. Pure; tolerant of what compatible servers leave out."""

from __future__ import annotations

from collections.abc import Mapping

from oe.lang.scope import MISSING
from oe.llm.failures import told_error
from oe.llm.shapes import Garbled, count_in, json_text, object_in, objects_in, parse_object, text_in, value_of
from oe.llm.sse import ServerEvent
from oe.ports.model import Answer, Stop, Usage
from oe.values import JsonObject

_STOPS: Mapping[str, Stop] = {
    "end_turn": "end", "stop_sequence": "end", "tool_use": "end", "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens", "refusal": "refusal"}


class AnthropicReader:
    """Implements AnswerReader. Thinking is passed over; a tool's arguments take the place of the text."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.is_ended = False
        self.is_whole = False
        self._message_id: str | None = None
        self._model = ""
        self._stop = ""
        self._text: list[str] = []
        self._arguments: list[str] = []
        self._tool: int | None = None

    def take(self, event: ServerEvent) -> str:
        """See AnswerReader. The type inside the data counts, as some servers send no `event:` lines."""
        data = parse_object(event.data, "an event")
        kind = text_in(data, "type")
        if kind == "message_start":
            self._take_head(object_in(data, "message"))
        elif kind == "content_block_start":
            return self._take_block(object_in(data, "content_block"), count_in(data, "index"))
        elif kind == "content_block_delta":
            return self._take_delta(object_in(data, "delta"), count_in(data, "index"))
        elif kind == "message_delta":
            self._stop = text_in(object_in(data, "delta"), "stop_reason") or self._stop
            self._count(object_in(data, "usage"))
        elif kind == "message_stop":
            self.is_ended = self.is_whole = True
        elif kind == "error" or "error" in data:
            raise told_error("anthropic", data, self.usage)
        return ""

    def take_whole(self, body: JsonObject) -> str:
        """See AnswerReader."""
        if text_in(body, "type") == "error" or "error" in body:
            raise told_error("anthropic", body, None)
        if "content" not in body:
            raise Garbled("an answer without content")
        self._take_head(body)
        self._stop = text_in(body, "stop_reason")
        told = [self._take_block(block, index) for index, block in enumerate(objects_in(body, "content"))]
        self.is_ended = self.is_whole = True
        return "".join(told)

    def answer(self) -> Answer:
        """See AnswerReader."""
        stop = _STOPS.get(self._stop, "other")
        text = "".join(self._arguments) if self._tool is not None else "".join(self._text)
        value = value_of(text) if self._tool is not None else MISSING
        if isinstance(value, Mapping) and stop == "max_tokens":
            stop = "end"  # the object is whole; what was cut is something that came behind it
        return Answer(text, value, stop, self.usage, self._model, self._message_id)

    def _take_head(self, message: JsonObject) -> None:
        self._message_id = text_in(message, "id") or None
        self._model = text_in(message, "model")
        self._count(object_in(message, "usage"))

    def _take_block(self, block: JsonObject, index: int | None) -> str:
        kind = text_in(block, "type")
        if kind == "text":
            self._text.append(text_in(block, "text"))
            return self._text[-1] if self._tool is None else ""
        if kind == "tool_use" and self._tool is None:  # of several calls the first counts
            self._tool = -1 if index is None else index
            given = object_in(block, "input")  # whole in an answer that is not streamed, else empty or left out
            self._arguments = [json_text(given)] if given else []
            return "".join(self._arguments)
        return ""

    def _take_delta(self, delta: JsonObject, index: int | None) -> str:
        kind = text_in(delta, "type")
        if kind == "text_delta":
            self._text.append(text_in(delta, "text"))
            return self._text[-1] if self._tool is None else ""
        if kind == "input_json_delta" and index in (self._tool, None):
            self._arguments.append(text_in(delta, "partial_json"))
            return self._arguments[-1]
        return ""

    def _count(self, usage: JsonObject) -> None:
        """Counts are cumulative, and some servers send zeros first: of two the larger one counts."""
        if not usage:
            return
        before = self.usage or Usage()
        self.usage = Usage(max(before.input_tokens, count_in(usage, "input_tokens") or 0),
                           max(before.output_tokens, count_in(usage, "output_tokens") or 0),
                           max(before.cache_read_tokens, count_in(usage, "cache_read_input_tokens") or 0),
                           max(before.cache_write_tokens, count_in(usage, "cache_creation_input_tokens") or 0))
