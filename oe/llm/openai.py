"""OpenAI's chat completions, and the many servers that speak them: vLLM, Ollama, llama.cpp, LM Studio, gateways.

What a server lacks is found out by its refusal, once, and then left out: `max_completion_tokens`, `stream_options`, and
ways of asking for an object. Shapes are checked against the official SDK's types in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from oe.llm.forms import Forms, in_words, is_strict
from oe.llm.openai_reader import OpenAIReader
from oe.llm.wire import HEADERS, Offer, Place, Post, ask
from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, ModelSettings
from oe.values import Json, JsonObject, canonical

FUNCTION = "answer"
"""The name of the schema, or of the function whose arguments are the object that is asked for."""

_OWN_HOST = "api.openai.com"
_OPTIONS = ("max_completion_tokens", "max_tokens", "stream_options")
_NAMES: Mapping[str, str] = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
"""The two names of one limit: reasoning models know only the first, older servers only the second."""

_LADDER = ("json_schema", "tool", "json_object", "words")


class OpenAI:
    """Implements ModelProvider."""

    name = "openai"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._forms = Forms({"json_schema": ("response_format", "json_schema", "schema", "structured"),
                             "tool": ("tool", "function"), "json_object": ("response_format", "json_object", "json"),
                             "words": ()})
        own = urlsplit(place.base_url).hostname == _OWN_HOST
        self._limit = "max_completion_tokens" if own else "max_tokens"
        self._limits: dict[str, str] = {}
        self._counts_streams = True

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider."""
        return {"provider": self.name, "base_url": self._place.base_url, "model": settings.model,
                "max_tokens": settings.max_tokens, "temperature": settings.temperature}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """See ModelProvider."""
        async def attempt(form: str, on_accepted: Callable[[], None]) -> Answer:
            return await self._ask(call, form, on_accepted, watch)

        if call.schema is None:
            return await attempt("words", _nothing)
        return await self._forms.ask((call.settings.model, canonical(call.schema)), _LADDER, attempt)

    async def _ask(self, call: ModelCall, form: str, on_accepted: Callable[[], None], watch: CallWatch) -> Answer:
        """Asks; where the server refuses an option by name, again without it, and never with it from then on."""
        for _ in _OPTIONS:
            body = request_body(call, form, self._limits.get(call.settings.model, self._limit), self._counts_streams)
            try:
                return await self._send(body, call, on_accepted, watch)
            except ModelError as error:
                if not self._leaves_out(error, body, call.settings.model):
                    raise
        return await self._send(body, call, on_accepted, watch)

    def _leaves_out(self, error: ModelError, body: JsonObject, model: str) -> bool:
        """Whether the refusal names an option of the body that can do without, which is remembered."""
        message = error.message.replace('"', "'").replace("`", "'")
        named = next((option for option in _OPTIONS if option in body and f"'{option}'" in message), None)
        if error.status not in (400, 422, 500) or named is None:
            return False
        if named == "stream_options":
            self._counts_streams = False
        elif self._limits.get(model, self._limit) == named:  # else another call has found it out meanwhile
            if model in self._limits:
                return False  # both names were refused
            self._limits[model] = _NAMES[named]
        return True

    async def _send(self, body: JsonObject, call: ModelCall, on_accepted: Callable[[], None],
                    watch: CallWatch) -> Answer:
        post = Post("/chat/completions", self._headers(), body, call.settings.idle_timeout_seconds, on_accepted,
                    call.texts)
        return await ask(self.name, self._place, post, OpenAIReader(), watch)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        key = self._place.key
        return HEADERS if key is None else (*HEADERS, ("Authorization", f"Bearer {key}"))


def request_body(call: ModelCall, form: str, limit: str, counts_streams: bool) -> JsonObject:
    """The body of a request. `form` says how an object is asked for, `limit` is the name of the bound on tokens."""
    settings = call.settings
    body: dict[str, Json] = {"model": settings.model, limit: settings.max_tokens, "stream": True}
    if counts_streams:
        body["stream_options"] = {"include_usage": True}
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    system = call.system
    if call.schema is not None and form in ("words", "json_object"):
        system = f"{system}\n\n{in_words(call.schema)}" if system else in_words(call.schema)
    if call.schema is not None:
        body.update(_wish(call.schema, form))
    messages: list[Json] = [{"role": "system", "content": system}] if system else []
    body["messages"] = [*messages, *({"role": message.role, "content": message.text} for message in call.messages)]
    return body


def _wish(schema: JsonObject, form: str) -> JsonObject:
    """The parts of a body that ask for an object."""
    if form == "json_schema":
        return {"response_format": {"type": "json_schema", "json_schema": {
            "name": FUNCTION, "schema": schema, "strict": is_strict(schema)}}}
    if form == "tool":
        function: JsonObject = {"name": FUNCTION, "description": "Gives the answer.", "parameters": schema}
        return {"tools": [{"type": "function", "function": function}], "parallel_tool_calls": False,
                "tool_choice": {"type": "function", "function": {"name": FUNCTION}}}
    return {"response_format": {"type": "json_object"}} if form == "json_object" else {}


def _nothing() -> None:
    pass


OFFER = Offer("openai", OpenAI, "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_MODEL", ("OPENAI_API_KEY",))
