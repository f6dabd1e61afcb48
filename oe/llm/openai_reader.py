"""Puts together an answer of chat completions, streamed or not. Pure; tolerant of what compatible servers leave out."""

from __future__ import annotations

from collections.abc import Mapping

from oe.lang.scope import MISSING
from oe.llm.failures import told_error
from oe.llm.shapes import Garbled, count_in, object_in, objects_in, parse_object, text_in, value_of
from oe.llm.sse import ServerEvent
from oe.ports.model import Answer, Stop, Usage
from oe.values import JsonObject

_STOPS: Mapping[str, Stop] = {"stop": "end", "tool_calls": "end", "function_call": "end", "length": "max_tokens",
                              "content_filter": "refusal"}


class OpenAIReader:
    """Implements AnswerReader. Reasoning is passed over; a function's arguments take the place of the text."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.is_ended = False
        self.is_whole = False
        self._completion_id: str | None = None
        self._model = ""
        self._stop = ""
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._arguments: list[str] = []
        self._has_tool = False

    def take(self, event: ServerEvent) -> str:
        """See AnswerReader. Usage comes after the reason to stop, in an event of its own, so only `[DONE]` ends it; a
        server that sends none has told all once it has told the reason."""
        if event.data.strip() == "[DONE]":
            self.is_ended = self.is_whole = True
            return ""
        data = parse_object(event.data, "an event")
        if data.get("error") or event.type == "error":
            raise told_error("openai", data, self.usage)
        told = self._take_choices(data, "delta")
        self.is_whole = bool(self._stop)
        return told

    def take_whole(self, body: JsonObject) -> str:
        """See AnswerReader."""
        if body.get("error"):
            raise told_error("openai", body, None)
        if not objects_in(body, "choices"):
            raise Garbled("an answer without choices")
        told = self._take_choices(body, "message")
        self.is_ended = self.is_whole = True
        return told

    def answer(self) -> Answer:
        """See AnswerReader."""
        stop = _STOPS.get(self._stop, "other")
        text = "".join(self._arguments) if self._has_tool else "".join(self._text)
        refusal = "".join(self._refusal)
        if refusal and not text:
            stop, text = "refusal", refusal
        value = value_of(text) if self._has_tool else MISSING
        if isinstance(value, Mapping) and stop == "max_tokens":
            stop = "end"  # the object is whole; what was cut is something that came behind it
        return Answer(text, value, stop, self.usage, self._model, self._completion_id)

    def _take_choices(self, data: JsonObject, part: str) -> str:
        self._completion_id = self._completion_id or text_in(data, "id") or None
        self._model = self._model or text_in(data, "model")
        self._count(object_in(data, "usage"))
        told = ""
        for choice in objects_in(data, "choices"):
            if not choice.get("index"):  # some servers number none
                told += self._take_message(object_in(choice, part))
                self._stop = text_in(choice, "finish_reason") or self._stop
        return told

    def _take_message(self, message: JsonObject) -> str:
        self._refusal.append(text_in(message, "refusal"))
        told = ""
        for call in objects_in(message, "tool_calls")[:1]:
            if not call.get("index"):  # of several calls the first counts
                self._has_tool = True
                self._arguments.append(text_in(object_in(call, "function"), "arguments"))
                told = self._arguments[-1]
        self._text.append(text_in(message, "content"))
        return told if self._has_tool else self._text[-1]

    def _count(self, usage: JsonObject) -> None:
        """Cached tokens are among the prompt's here; they are counted apart. Some servers count as they go."""
        prompt, output = count_in(usage, "prompt_tokens"), count_in(usage, "completion_tokens")
        if prompt is None and output is None:
            return
        details = object_in(usage, "prompt_tokens_details")
        read, written = count_in(details, "cached_tokens") or 0, count_in(details, "cache_write_tokens") or 0
        self.usage = Usage(max(0, (prompt or 0) - read - written), output or 0, read, written)
