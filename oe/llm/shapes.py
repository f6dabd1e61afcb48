"""Reading JSON that others wrote: a value of the wrong type counts as absent; nothing is raised but Garbled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from oe.lang.scope import MISSING, Missing
from oe.values import Json, JsonObject, compact

_NOTHING: JsonObject = {}


class Garbled(ValueError):
    """What came is not of the provider's documented form; the message says what."""


def parse_object(text: str, what: str) -> JsonObject:
    """The JSON object that a text is. Raises Garbled."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"{what} is no JSON") from error
    if not isinstance(value, dict):
        raise Garbled(f"{what} is no JSON object")
    return value


def object_in(holder: JsonObject, key: str) -> JsonObject:
    """The object under a key; an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, Mapping) else _NOTHING


def objects_in(holder: JsonObject, key: str) -> list[JsonObject]:
    """The objects in the list under a key."""
    value = holder.get(key)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def text_in(holder: JsonObject, key: str) -> str:
    """The text under a key; empty where there is none. Halves of characters that stand alone become U+FFFD."""
    value = holder.get(key)
    return whole_characters(value) if isinstance(value, str) else ""


def count_in(holder: JsonObject, key: str) -> int | None:
    """The count under a key; None where there is none."""
    value = holder.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1e15 else None


def whole_characters(text: str) -> str:
    """The text with surrogates joined to characters, or replaced: nothing that UTF-8 cannot hold goes further."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def json_text(value: Json) -> str:
    """The text of a value that was read from JSON. Raises Garbled where it holds a number that is not finite."""
    try:
        return whole_characters(compact(value))
    except (ValueError, RecursionError) as error:
        raise Garbled("a value that JSON cannot hold") from error


def value_of(text: str) -> Json | Missing:
    """The JSON value that a model's text is; MISSING where it is none, is cut, or holds a number that is not finite."""
    try:
        value: Json = json.loads(text)
        compact(value)
    except (ValueError, RecursionError):
        return MISSING
    return value
