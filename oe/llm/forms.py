"""The ways of asking for an object: the strongest that a server is not known to lack, found out once for each model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from oe.ports.model import Answer, ModelError
from oe.values import Json, JsonObject, compact

_LACKING = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses by which servers say that they do not know a part of the request; some have only 500 for it."""

_STRICT_KEYWORDS = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "title", "description", "$schema", "$comment"})
"""What every provider's strict mode takes. A schema that says more is sent as guidance, and validated here."""


Attempt = Callable[[str, Callable[[], None]], Awaitable[Answer]]
"""Asks in a form, and calls back once the server has taken it."""


class Forms:
    """Which form each (model, schema) is served with. `words` are, for each form, those of which a refusal for want of
    it holds one. The first call of a pair finds out while others wait, so that a fan-out does not run into the same
    refusal a hundred times."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._words = words
        self._found: dict[tuple[str, str], str] = {}
        self._seeking: dict[tuple[str, str], asyncio.Event] = {}

    async def ask(self, key: tuple[str, str], ladder: Sequence[str], attempt: Attempt) -> Answer:
        """The answer in the first form of the ladder that the server does not refuse to know. Raises ModelError."""
        known = await self._claim(key)
        if known is not None:
            return await attempt(known, _nothing)
        try:
            for form in ladder[:-1]:
                try:
                    return await attempt(form, lambda form=form: self._settle(key, form))  # type: ignore[misc]
                except ModelError as error:
                    if not self._is_lacking(form, error):
                        raise
            return await attempt(ladder[-1], lambda: self._settle(key, ladder[-1]))
        finally:
            self._settle(key, None)

    async def _claim(self, key: tuple[str, str]) -> str | None:
        """The form that is known to be served; None where the caller is to find out, and then to call `_settle`."""
        while key not in self._found:
            seeker = self._seeking.get(key)
            if seeker is None:
                self._seeking[key] = asyncio.Event()
                return None
            await seeker.wait()
        return self._found[key]

    def _settle(self, key: tuple[str, str], form: str | None) -> None:
        """What was found out; None where it was not, so that the next one tries."""
        if form is not None:
            self._found[key] = form
        seeker = self._seeking.pop(key, None)
        if seeker is not None:
            seeker.set()

    def _is_lacking(self, form: str, error: ModelError) -> bool:
        """Whether the refusal says that the server does not know this form: by a fitting status, and a word of it."""
        message = error.message.lower()
        return error.status in _LACKING and any(word in message for word in self._words[form])


def is_strict(schema: Json) -> bool:
    """Whether strict modes take the schema: closed objects whose every property is required, and no rare keyword."""
    pending: list[Json] = [schema]
    while pending:
        each = pending.pop()
        if not isinstance(each, Mapping) or not each.keys() <= _STRICT_KEYWORDS:
            return False
        properties = each.get("properties", {})
        if "properties" in each or each.get("type") == "object":
            if each.get("additionalProperties") is not False or not isinstance(properties, Mapping):
                return False
            required = each.get("required", ())
            if not isinstance(required, Sequence) or set(properties) != set(map(str, required)):
                return False
            pending.extend(properties.values())
        definitions = each.get("$defs", {})
        pending.extend(definitions.values() if isinstance(definitions, Mapping) else ())
        alternatives = each.get("anyOf", ())
        pending.extend(alternatives if isinstance(alternatives, Sequence) else ())
        if "items" in each:
            pending.append(each["items"])
    return isinstance(schema, Mapping) and schema.get("type") == "object"


def in_words(schema: JsonObject) -> str:
    """The wish for an object as a sentence, for servers that know no other way."""
    return f"Answer with one JSON object and nothing else. It must fit this JSON Schema: {compact(schema)}"


def _nothing() -> None:
    pass
