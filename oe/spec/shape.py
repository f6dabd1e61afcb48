"""Whether a value has the shape its key asks for, and in which words to say that it has not.

Key tables use a handful of JSON Schema keywords, which are checked here at once; a table that uses more
is handed to the full schema checker. A `$ref` stands for a level, which is read for itself: here anything fits it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from oe.lang.document import Path
from oe.spec.level import DURATION
from oe.text import clip, did_you_mean, parse_duration
from oe.values import Json, JsonObject, canonical, compact, is_number

if TYPE_CHECKING:
    from oe.lang.schema import Schema

_KNOWN = frozenset({"type", "enum", "pattern", "minLength", "minimum", "maximum", "exclusiveMinimum", "items",
                    "minItems", "anyOf", "additionalProperties", "$ref", "title", "description", "default"})
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
_NOUNS = {"string": "a text", "boolean": "true or false", "object": "a mapping", "array": "a list", "null": "null",
          "integer": "a whole number", "number": "a number"}


_FLAGS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
"""What YAML 1.1 took for true and false, and 1.2 takes for texts."""


class Misfit(NamedTuple):
    """A part of a value, at `path` below it, that does not fit `schema`. `is_type` False: right type, wrong value.
    `message` is set where the full schema checker found it."""

    path: Path
    value: Json
    schema: JsonObject
    is_type: bool
    message: str | None = None


def find_misfits(value: Json, schema: Json, *, is_plain: bool = True) -> list[Misfit]:
    """The parts of the value that do not fit; none where it fits. `is_plain` is what the function of that name says."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return []
    return _misfits(value, schema) if is_plain else _full_misfits(value, schema)


def quick_test(schema: Json) -> Callable[[Json], bool]:
    """A test that a value passes only if it fits. One that does not pass may fit all the same: `find_misfits` tells."""
    if not isinstance(schema, dict) or not is_plain(schema) or "$ref" in schema:
        return _never
    if "anyOf" in schema:
        tests = [quick_test(alternative) for alternative in cast("list[Json]", schema["anyOf"])]
        return lambda value: any(test(value) for test in tests)
    if "enum" in schema:
        words = frozenset(word for word in cast("list[Json]", schema["enum"]) if isinstance(word, str))
        return lambda value: type(value) is str and value in words
    return _QUICK.get(str(schema.get("type")), _never_of)(schema)


def _never(_: Json) -> bool:
    return False


def _never_of(_: JsonObject) -> Callable[[Json], bool]:
    return _never


def _quick_text(schema: JsonObject) -> Callable[[Json], bool]:
    if "pattern" in schema:
        pattern, shortest = str(schema["pattern"]), int("minLength" in schema)  # compiled with the first value
        return lambda value: (type(value) is str and len(value) >= shortest
                              and _pattern(pattern).search(value) is not None)
    if "minLength" in schema:
        return lambda value: type(value) is str and value != ""
    return lambda value: type(value) is str


def _quick_list(schema: JsonObject) -> Callable[[Json], bool]:
    items = schema.get("items", True)
    shortest = int("minItems" in schema)
    if items is True:
        return lambda value: type(value) is list and len(value) >= shortest
    test = quick_test(items)
    return lambda value: type(value) is list and len(value) >= shortest and all(map(test, value))


def _quick_mapping(schema: JsonObject) -> Callable[[Json], bool]:
    if "additionalProperties" in schema:
        return _never
    return lambda value: type(value) is dict


_QUICK: Mapping[str, Callable[[JsonObject], Callable[[Json], bool]]] = {
    "string": _quick_text, "array": _quick_list, "object": _quick_mapping,
    "boolean": lambda _: lambda value: type(value) is bool,
}


def is_plain(schema: Json) -> bool:
    """Whether a schema uses no keyword that is left to the full checker."""
    if not isinstance(schema, dict):
        return schema is True
    if not _KNOWN.issuperset(schema):
        return False
    alternatives = schema.get("anyOf", [])
    inner = [schema.get("items", True), schema.get("additionalProperties", True),
             *(alternatives if isinstance(alternatives, list) else ())]
    return all(is_plain(part) for part in inner)


def _misfits(value: Json, schema: JsonObject) -> list[Misfit]:
    if "anyOf" in schema:
        return _misfits_of_any(value, schema)
    expected = schema.get("type")
    if expected is not None and not any(
            _has_type(value, str(name)) for name in (expected if isinstance(expected, list) else (expected,))):
        return [Misfit((), value, schema, is_type=True)]
    if "enum" in schema and not _is_listed(value, schema):
        return [Misfit((), value, schema, is_type=not isinstance(value, str))]
    if isinstance(value, str):
        fits = _fits_text(value, schema)
    elif isinstance(value, list):
        return _misfits_of_list(value, schema)
    elif isinstance(value, dict):
        return _misfits_of_mapping(value, schema)
    else:
        fits = _fits_number(value, schema)
    return [] if fits else [Misfit((), value, schema, is_type=False)]


def _has_type(value: Json, expected: str) -> bool:
    if expected == "number":
        return is_number(value)
    if expected == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES[expected])


def _is_listed(value: Json, schema: JsonObject) -> bool:
    listed = schema["enum"]
    return isinstance(listed, list) and value in listed and not isinstance(value, bool | float)


def _fits_text(value: str, schema: JsonObject) -> bool:
    if "minLength" in schema and not value:
        return False
    return "pattern" not in schema or _pattern(str(schema["pattern"])).search(value) is not None


@lru_cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.removesuffix("$") + r"\Z" if text.endswith("$") else text)


def _fits_number(value: Json, schema: JsonObject) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    low, above, high = schema.get("minimum"), schema.get("exclusiveMinimum"), schema.get("maximum")
    return ((not isinstance(low, int | float) or value >= low) and (not isinstance(above, int | float) or value > above)
            and (not isinstance(high, int | float) or value <= high))


def _misfits_of_list(value: list[Json], schema: JsonObject) -> list[Misfit]:
    if "minItems" in schema and not value:
        return [Misfit((), value, schema, is_type=False)]
    items = schema.get("items")
    if not isinstance(items, dict) or "$ref" in items:
        return []
    return [found._replace(path=(index, *found.path)) for index, item in enumerate(value)
            for found in _misfits(item, items)]


def _misfits_of_mapping(value: dict[str, Json], schema: JsonObject) -> list[Misfit]:
    parts = schema.get("additionalProperties")
    if not isinstance(parts, dict) or "$ref" in parts:
        return []
    return [found._replace(path=(name, *found.path)) for name, part in value.items() for found in _misfits(part, parts)]


def _misfits_of_any(value: Json, schema: JsonObject) -> list[Misfit]:
    """Of several alternatives the one of the value's own type is the one that was meant."""
    alternatives = schema["anyOf"]
    assert isinstance(alternatives, list)
    is_type = True
    for alternative in alternatives:
        if "$ref" in alternative:
            found = [] if isinstance(value, dict) else [Misfit((), value, schema, is_type=True)]
        else:
            found = _misfits(value, alternative)
        if not found:
            return []
        if found[0].path:
            return found
        is_type = is_type and found[0].is_type
    return [Misfit((), value, schema, is_type=is_type)]


def _full_misfits(value: Json, schema: JsonObject) -> list[Misfit]:
    found = []
    for violation in _checker(canonical(schema)).violations(value):
        part = value
        for step in violation.path:
            part = part[step]  # type: ignore[index]
        says_all = "title" in schema and not violation.path
        found.append(Misfit(violation.path, part, schema, violation.keyword == "type",
                            None if says_all else violation.message))
    return found


@lru_cache(maxsize=64)
def _checker(schema: str) -> Schema:
    from oe.lang.schema import compile_schema  # only for tables that need it

    return compile_schema(json.loads(schema))


def expected_text(schema: Json, value: Json = None) -> str:
    """What a schema asks for, in words; with the value that was found, the bound that it passes."""
    if not isinstance(schema, dict):
        return "a value"
    most = schema.get("maximum")
    if isinstance(value, int | float) and isinstance(most, int | float) and value > most and "title" not in schema:
        return f"a number of at most {most}"
    if "title" in schema:
        return str(schema["title"])
    listed = schema.get("enum")
    if isinstance(listed, list):
        *most, last = (f"'{word}'" for word in listed)
        return f"{', '.join(most)} or {last}" if most else last
    expected = str(schema.get("type", "object"))
    noun = _NOUNS.get(expected, expected)
    if "minimum" in schema:
        return f"{noun} of at least {schema['minimum']}"
    items = schema.get("items")
    if isinstance(items, dict) and items.get("type") == "string":
        return "a list of names" if "pattern" in items else "a list of texts"
    return f"{noun} of at least one item" if "minItems" in schema else noun


def found_text(value: Json) -> str:
    """What was found instead, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{clip(value, 40)}'" if value else "an empty text"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return clip(str(value), 40)


def misfit_hint(misfit: Misfit) -> str | None:
    """The next step, where the found value suggests one."""
    value, schema = misfit.value, misfit.schema
    listed = schema.get("enum")
    if isinstance(listed, list) and isinstance(value, str):
        return did_you_mean(value, [str(word) for word in listed])
    is_scalar = isinstance(value, bool) or is_number(value)
    if is_scalar and "anyOf" not in schema and not _misfits(text := compact(value), schema):
        return f'put it in quotes: "{text}"'
    if isinstance(value, str) and value.lower() in _FLAGS and _takes(schema, "boolean"):
        return f"write {_FLAGS[value.lower()]}"
    if schema == DURATION and isinstance(value, str) and parse_duration(value) == 0:
        return "it must be longer than nothing"
    if isinstance(value, dict) and value and schema.get("type") == "array":
        return "write a list: begin each item with '- '"
    if _takes(schema, "array") and isinstance(value, str):
        return f"write {_as_list(value)}"
    if isinstance(value, str) and not _takes(schema, "string") and re.fullmatch(r"-?[0-9.]+|true|false", value):
        return "remove the quotes"
    return None


def _as_list(text: str) -> str:
    """The list that a text was meant to be: its words, or a line that a shell is to read."""
    if re.search(r"[|;&<>`]", text):
        return f"[sh, -c, {compact(clip(text, 60))}]"
    return f"[{clip(', '.join(text.replace(',', ' ').split()), 60)}]"


def _takes(schema: JsonObject, type_name: str) -> bool:
    alternatives = schema.get("anyOf")
    if isinstance(alternatives, list):
        return any(isinstance(one, dict) and _takes(one, type_name) for one in alternatives)
    return schema.get("type") == type_name
