"""Anthropic's Messages API, and servers that speak it. Tests check the shapes against the official SDK's types."""

from __future__ import annotations

from collections.abc import Callable

from oe.llm.anthropic_reader import AnthropicReader
from oe.llm.forms import Forms, in_words, is_strict
from oe.llm.wire import HEADERS, Offer, Place, Post, ask
from oe.ports.model import Answer, CallWatch, ModelCall, ModelSettings
from oe.values import Json, JsonObject, canonical

API_VERSION = "2023-06-01"
"""The version whose requests may hold a temperature; `api_version` sets a newer one."""

TOOL = "answer"
"""The name of the tool whose arguments are the object that is asked for."""

_CACHED_CHARACTERS = 4000
"""From about 1,000 tokens on a prefix can be cached at all; a shorter mark is passed over by the provider."""

_STRICT_LADDER = ("strict tool", "format", "tool", "words")
_LADDER = ("tool", "format", "words")
"""Models that think refuse a tool that they must call; older ones know neither strict tools nor formats."""

_MARK: JsonObject = {"cache_control": {"type": "ephemeral"}}


class Anthropic:
    """Implements ModelProvider."""

    name = "anthropic"

    def __init__(self, place: Place) -> None:
        self._place = place._replace(base_url=place.base_url.removesuffix("/v1"))
        self._forms = Forms({"strict tool": ("strict", "tool", "schema"), "tool": ("tool", "schema"),
                             "format": ("output_config", "format", "schema"), "words": ()})

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider."""
        return {"provider": self.name, "base_url": self._place.base_url, "model": settings.model,
                "max_tokens": settings.max_tokens, "temperature": settings.temperature,
                "api_version": settings.api_version}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """See ModelProvider."""
        async def attempt(form: str, on_accepted: Callable[[], None]) -> Answer:
            post = Post("/v1/messages", self._headers(), request_body(call, form),
                        call.settings.idle_timeout_seconds, on_accepted, call.texts)
            return await ask(self.name, self._place, post, AnthropicReader(), watch)

        if call.schema is None:
            return await attempt("words", _nothing)
        ladder = _STRICT_LADDER if is_strict(call.schema) else _LADDER
        return await self._forms.ask((call.settings.model, canonical(call.schema)), ladder, attempt)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        version = self._place.api_version or API_VERSION
        headers = (*HEADERS, ("anthropic-version", version))
        if self._place.key is None:
            return headers
        if self._place.is_token or version > "2026":  # from then on the official client sends keys as bearers too
            return (*headers, ("Authorization", f"Bearer {self._place.key}"))
        return (*headers, ("x-api-key", self._place.key))


def request_body(call: ModelCall, form: str) -> JsonObject:
    """The body of a request. `form` says how an object is asked for."""
    settings = call.settings
    body: dict[str, Json] = {
        "model": settings.model, "max_tokens": settings.max_tokens, "stream": True,
        "messages": [{"role": message.role, "content": message.text} for message in call.messages]}
    system = call.system
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if call.schema is not None and form == "words":
        system = f"{system}\n\n{in_words(call.schema)}" if system else in_words(call.schema)
    elif call.schema is not None and form == "format":
        body["output_config"] = {"format": {"type": "json_schema", "schema": call.schema}}
    elif call.schema is not None:
        tool: dict[str, Json] = {"name": TOOL, "description": "Gives the answer.", "input_schema": call.schema}
        if form == "strict tool":
            tool["strict"] = True
        body["tools"] = [tool]
        body["tool_choice"] = {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True}
    if system:
        marked = call.shares_prefix and len(system) >= _CACHED_CHARACTERS
        body["system"] = [{"type": "text", "text": system, **_MARK}] if marked else system
    return body


def _nothing() -> None:
    pass


OFFER = Offer("anthropic", Anthropic, "https://api.anthropic.com", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL",
              ("ANTHROPIC_API_KEY",), ("ANTHROPIC_AUTH_TOKEN",))
