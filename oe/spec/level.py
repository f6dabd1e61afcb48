"""A level of the format: one mapping with its legal keys. Also the value shapes that several levels share."""

from __future__ import annotations

from typing import NamedTuple

from oe.spec.keys import Key
from oe.values import JsonObject

NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_-]{0,119}$"
DURATION_PATTERN = "^(?=.*[1-9])[0-9]{1,9}(\\.[0-9]{1,9})?(ms|s|m|h|d)$"
LARGEST = 1_000_000_000
"""The largest number of anything: seconds, units, tokens, dollars."""


class Level(NamedTuple):
    """One mapping of the format. `name` is its name under `$defs`; `noun` what a message calls such a mapping.
    `short` is the key that a bare text in its place probably means."""

    name: str
    noun: str
    doc: str
    keys: tuple[Key, ...]
    short: str = ""


STRING: JsonObject = {"type": "string", "minLength": 1, "title": "a text"}
ANY_STRING: JsonObject = {"type": "string"}
BOOLEAN: JsonObject = {"type": "boolean"}
MAPPING: JsonObject = {"type": "object"}
POSITIVE: JsonObject = {"type": "integer", "minimum": 1, "maximum": LARGEST}
COUNT: JsonObject = {"type": "integer", "minimum": 0, "maximum": LARGEST}
NAME: JsonObject = {"type": "string", "pattern": NAME_PATTERN,
                    "title": "a name of at most 120 letters, digits, '_' and '-' that starts with a letter or '_'"}
STRINGS: JsonObject = {"type": "array", "items": STRING}
NAMES: JsonObject = {"type": "array", "items": NAME}
DURATION: JsonObject = {
    "title": "a duration such as '500ms', '30s', '5m' or '2h', or a number of seconds",
    "anyOf": [{"type": "string", "pattern": DURATION_PATTERN},
              {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST}],
}
MILLISECONDS: JsonObject = {"type": "number", "minimum": 0, "maximum": LARGEST * 1000,
                            "title": "a number of milliseconds"}
EXPRESSION: JsonObject = {"type": "string", "minLength": 1, "title": "a condition as text, such as '$.count > 3'"}
CACHE: JsonObject = {"title": "true, false or {ttl: 1h}", "anyOf": [BOOLEAN, {"$ref": "#/$defs/cache"}]}
NEEDS: JsonObject = {"title": "the id of a unit, or a list of ids",
                     "anyOf": [STRING, {"type": "array", "items": STRING}]}
LIST_SOURCE: JsonObject = {"title": "a reference to a list, such as '$.items', or a list",
                           "anyOf": [STRING, {"type": "array"}]}
JOIN: JsonObject = {"enum": ["all", "any", "always"]}
ON_ITEM_ERROR: JsonObject = {"enum": ["fail", "continue"]}


def level_ref(name: str) -> JsonObject:
    """The schema of a key whose value is the level of that name."""
    return {"$ref": f"#/$defs/{name}"}
