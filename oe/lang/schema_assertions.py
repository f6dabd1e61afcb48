"""Keywords that look at one value without going into it: type, enum, const, sizes, bounds, pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from oe.lang.schema_checks import Check, Found, Run, described, is_multiple, key_of, literal, one
from oe.text import clip, did_you_mean, nearest, plural
from oe.values import Json

_SHOWN_CHOICES = 8

Maker = Callable[[Json], Check]


def type_check(names: Sequence[str]) -> Check:
    """`type` for values that may not have it: the dispatch by Python type lets the others pass."""
    wanted = " or ".join(names)
    is_integer_only = "integer" in names and "number" not in names
    is_number = "number" in names

    def check(value: Json, run: Run) -> Found:
        if isinstance(value, float):
            if value - value != 0:
                return one("type", f"expected {wanted}, found a number that is not finite")
            if is_number or (is_integer_only and value.is_integer()):
                return None
        return one("type", f"expected {wanted}, found {described(value)}")
    return check


def _enum(choices: Json) -> Check:
    values = choices if isinstance(choices, list) else []
    keys = frozenset(key_of(value) for value in values)
    strings = [value for value in values if isinstance(value, str)]
    shown = ", ".join(literal(value) for value in values[:_SHOWN_CHOICES])
    more = ", …" if len(values) > _SHOWN_CHOICES else ""

    def check(value: Json, run: Run) -> Found:
        if key_of(value) in keys:
            return None
        hint = did_you_mean(value, strings) if isinstance(value, str) else None
        return one("enum", f"expected one of {shown}{more}, found {described(value)}", hint)
    return check


def _const(wanted: Json) -> Check:
    key = key_of(wanted)

    def check(value: Json, run: Run) -> Found:
        if key_of(value) == key:
            return None
        return one("const", f"expected {literal(wanted)}, found {described(value)}")
    return check


def _size(keyword: str, relation: str, holds: Callable[[int, int], bool], noun: str) -> Maker:
    """A keyword that compares the length of a text, list or object with a count."""
    def make(bound: Json) -> Check:
        count = int(bound) if isinstance(bound, int | float) else 0

        def check(value: Json, run: Run) -> Found:
            if isinstance(value, str | list | Mapping) and not holds(len(value), count):
                return one(keyword, f"expected {relation} {plural(count, noun)}, found {len(value)}")
            return None
        return check
    return make


def _bound(keyword: str, relation: str, holds: Callable[[float, float], bool]) -> Maker:
    """A keyword that compares a number with a bound."""
    def make(bound: Json) -> Check:
        limit = bound if isinstance(bound, int | float) else 0

        def check(value: Json, run: Run) -> Found:
            if isinstance(value, int | float) and not holds(value, limit):
                return one(keyword, f"expected {relation} {literal(limit)}, found {literal(value)}")
            return None
        return check
    return make


def _multiple_of(bound: Json) -> Check:
    step = bound if isinstance(bound, int | float) else 1

    def check(value: Json, run: Run) -> Found:
        if isinstance(value, int | float) and not is_multiple(value, step):
            return one("multipleOf", f"expected a multiple of {literal(step)}, found {literal(value)}")
        return None
    return check


def _pattern(pattern: Json) -> Check:
    from oe.lang.patterns import compile_pattern, longest_text  # only where there is a pattern

    text = pattern if isinstance(pattern, str) else ""
    find = compile_pattern(text).search
    longest = longest_text(text)

    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, str):
            return None
        if len(value) > longest:
            return one("pattern", f"text of {len(value)} characters is too long for the pattern '{clip(text, 60)}', "
                                  f"which takes {longest}", "add maxLength, or make the pattern simpler")
        if find(value) is None:
            return one("pattern", f"{literal(value)} does not match the pattern '{clip(text, 60)}'")
        return None
    return check


def format_check(name: str) -> Check:
    """`format` where it asserts."""
    from oe.lang.schema_formats import FORMATS  # only where formats are strict

    fits = FORMATS[name]

    def check(value: Json, run: Run) -> Found:
        if isinstance(value, str) and not fits(value):
            return one("format", f"expected a text of format '{name}', found {described(value)}")
        return None
    return check


def _unique_items(wanted: Json) -> Check:
    def check(value: Json, run: Run) -> Found:
        if not wanted or not isinstance(value, list):
            return None
        first: dict[object, int] = {}
        for index, item in enumerate(value):
            earlier = first.setdefault(key_of(item), index)
            if earlier != index:
                return one("uniqueItems", f"items [{earlier}] and [{index}] are equal")
        return None
    return check


def _required(names: Json) -> Check:
    wanted = tuple(map(str, names)) if isinstance(names, list) else ()

    def check(value: Json, run: Run) -> Found:
        missing = [name for name in wanted if name not in value] if isinstance(value, Mapping) else None
        if not missing or not isinstance(value, Mapping):
            return None
        extra = [name for name in value if name not in wanted]
        return [violation for name in missing for violation in one("required", *_missing(name, extra))]
    return check


def _missing(name: str, present: list[str]) -> tuple[str, str | None]:
    near = nearest(name, present)
    return f"missing key '{clip(name, 60)}'", f"there is '{clip(near, 60)}'" if near else None


def _dependent_required(rules: Json) -> Check:
    pairs = [(name, tuple(map(str, needed))) for name, needed in rules.items() if isinstance(needed, list)] \
        if isinstance(rules, Mapping) else []

    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, Mapping):
            return None
        found = [violation for name, needed in pairs if name in value for other in needed if other not in value
                 for violation in one("dependentRequired", f"key '{other}' is required beside '{name}'")]
        return found or None
    return check


GENERIC: dict[str, Maker] = {"enum": _enum, "const": _const}
NUMERIC: dict[str, Maker] = {
    "minimum": _bound("minimum", "at least", lambda value, limit: value >= limit),
    "maximum": _bound("maximum", "at most", lambda value, limit: value <= limit),
    "exclusiveMinimum": _bound("exclusiveMinimum", "more than", lambda value, limit: value > limit),
    "exclusiveMaximum": _bound("exclusiveMaximum", "less than", lambda value, limit: value < limit),
    "multipleOf": _multiple_of,
}
TEXTUAL: dict[str, Maker] = {
    "minLength": _size("minLength", "at least", lambda size, count: size >= count, "character"),
    "maxLength": _size("maxLength", "at most", lambda size, count: size <= count, "character"),
    "pattern": _pattern,
}
LISTED: dict[str, Maker] = {
    "minItems": _size("minItems", "at least", lambda size, count: size >= count, "item"),
    "maxItems": _size("maxItems", "at most", lambda size, count: size <= count, "item"),
    "uniqueItems": _unique_items,
}
KEYED: dict[str, Maker] = {
    "required": _required,
    "minProperties": _size("minProperties", "at least", lambda size, count: size >= count, "key"),
    "maxProperties": _size("maxProperties", "at most", lambda size, count: size <= count, "key"),
    "dependentRequired": _dependent_required,
}
"""Makers of checks by keyword, by the kind of value that the keyword looks at."""
